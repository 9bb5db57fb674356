#include "codec/json_decoder.hpp"

#include "base64/base64.hpp"
#include "codec/error_path.hpp"
#include "codec/json_reader.hpp"
#include "codec/json_text.hpp"

#include <bit>
#include <concepts>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace ruststream::inline v0::codec {
namespace {

template <class Int>
constexpr Int kMax = std::numeric_limits<Int>::max();

template <class Int>
constexpr std::string_view kIntegerName = sizeof(Int) == 1   ? (std::signed_integral<Int> ? "int8" : "uint8")
                                          : sizeof(Int) == 2 ? (std::signed_integral<Int> ? "int16" : "uint16")
                                          : sizeof(Int) == 4 ? (std::signed_integral<Int> ? "int32" : "uint32")
                                                             : (std::signed_integral<Int> ? "int64" : "uint64");

/// Writes values from a document into objects, as their tables say. Functions take the token where their value starts
/// and return the one behind it, or null with the error filled.
class JsonDecoder {
 public:
  explicit JsonDecoder(JsonReader& reader) noexcept : in_(reader) {}

  // One function per kind that is not inlined: the common ones stay small and need few registers.
  [[nodiscard]] Token value(const TypeTable& type, void* object, Token at) {
    switch (type.kind) {
      case Kind::boolean: return boolean(*static_cast<bool*>(object), at);
      case Kind::int8: return integer(*static_cast<std::int8_t*>(object), at);
      case Kind::int16: return integer(*static_cast<std::int16_t*>(object), at);
      case Kind::int32: return integer(*static_cast<std::int32_t*>(object), at);
      case Kind::int64: return integer(*static_cast<std::int64_t*>(object), at);
      case Kind::uint8: return integer(*static_cast<std::uint8_t*>(object), at);
      case Kind::uint16: return integer(*static_cast<std::uint16_t*>(object), at);
      case Kind::uint32: return integer(*static_cast<std::uint32_t*>(object), at);
      case Kind::uint64: return integer(*static_cast<std::uint64_t*>(object), at);
      case Kind::float32: return number(*static_cast<float*>(object), at);
      case Kind::float64: return number(*static_cast<double*>(object), at);
      case Kind::string: return string(*static_cast<std::string*>(object), at);
      case Kind::string_view: return string(*static_cast<std::string_view*>(object), at);
      case Kind::bytes: return bytes(*static_cast<std::vector<std::byte>*>(object), at);
      case Kind::bytes_view: return bytes(*static_cast<std::span<const std::byte>*>(object), at);
      case Kind::enumeration: return enumeration(type, object, at);
      case Kind::structure: return structure(type, object, at);
      case Kind::optional: return optional(type, object, at);
      case Kind::sequence: return sequence(type, object, at);
      case Kind::array: return array(type, object, at);
      case Kind::map: return map(type, object, at);
    }
    return unknown();
  }

 private:
  [[gnu::noinline]] Token unknown() { return in_.invalid("this codec does not know the type of the member"); }

  [[gnu::noinline]] Token boolean(bool& value, Token at) {
    const char first = in_.peek(at);
    if (first != 't' && first != 'f') return in_.mistyped(at, "boolean");
    if (in_.token(at) != (first == 't' ? "true" : "false")) return in_.malformed(at, "boolean");
    value = first == 't';
    return at + 1;
  }

  template <std::integral Int>
  [[gnu::noinline]] Token integer(Int& value, Token at) {
    const std::string_view text = in_.token(at);
    std::uint64_t magnitude = 0;
    if (parse_short_digits(text, in_.before(at), magnitude) && magnitude <= std::uint64_t{kMax<Int>}) {
      value = static_cast<Int>(magnitude);
      return at + 1;
    }
    return any_integer(value, at);
  }

  template <std::integral Int>
  [[gnu::noinline]] Token any_integer(Int& value, Token at) {
    const std::string_view text = in_.token(at);
    const bool negative = std::signed_integral<Int> && text.front() == '-';
    std::uint64_t magnitude = 0;
    if (!parse_digits(text.substr(negative ? 1 : 0), magnitude)) return not_an_integer<Int>(at);
    if (magnitude > std::uint64_t{kMax<Int>} + (negative ? 1 : 0)) return not_an_integer<Int>(at);
    value = static_cast<Int>(negative ? std::uint64_t{0} - magnitude : magnitude);
    return at + 1;
  }

  /// Says what stands where an integer should be.
  template <std::integral Int>
  [[gnu::noinline]] Token not_an_integer(Token at) {
    const std::string_view text = in_.token(at);
    if (text.front() != '-' && (text.front() < '0' || text.front() > '9')) return in_.mistyped(at, "integer");
    if (!is_number(text.data(), text.data() + text.size())) return in_.malformed(at, "integer");
    if (text.find_first_of(".eE") != std::string_view::npos) {
      return in_.invalid("expected integer, found number with a fraction or an exponent");
    }
    return in_.invalid("the number does not fit into " + std::string(kIntegerName<Int>));
  }

  template <std::floating_point Float>
  [[gnu::noinline]] Token number(Float& value, Token at) {
    const char first = in_.peek(at);
    if (first != '-' && (first < '0' || first > '9')) return in_.mistyped(at, "number");
    const std::string_view text = in_.token(at);
    switch (parse_number(text.data(), text.data() + text.size(), value)) {
      case NumberError::none: return at + 1;
      case NumberError::malformed: return in_.malformed(at, "number");
      case NumberError::too_large: break;
    }
    return in_.invalid(std::same_as<Float, float> ? "the number does not fit into float"
                                                  : "the number does not fit into double");
  }

  Token view(std::string_view& value, Token at, std::string_view expected) {
    return in_.peek(at) == '"' ? in_.string(at, value) : in_.mistyped(at, expected);
  }

  [[gnu::noinline]] Token string(std::string_view& value, Token at) { return view(value, at, "string"); }

  [[gnu::noinline]] Token string(std::string& value, Token at) {
    if (in_.peek(at) != '"') return in_.mistyped(at, "string");
    const std::string_view inside = in_.quoted(at);
    if (!in_.has_escape(inside)) {
      value.assign(inside);
      return at + 1;
    }
    value.resize(inside.size());
    const std::size_t size = unescape(inside.data(), inside.data() + inside.size(), value.data());
    if (size == kBadEscape) return in_.invalid("malformed escape in a string");
    value.resize(size);
    return at + 1;
  }

  [[gnu::noinline]] Token bytes(std::vector<std::byte>& value, Token at) {
    std::string_view text;
    const Token next = view(text, at, "base64 string");
    if (next == nullptr) return nullptr;
    value.resize(base64_bytes(text));
    return base64_decode(text, value.data()) ? next : in_.invalid("the string is not base64");
  }

  [[gnu::noinline]] Token bytes(std::span<const std::byte>& value, Token at) {
    std::string_view text;
    const Token next = view(text, at, "base64 string");
    if (next == nullptr) return nullptr;
    const std::size_t size = base64_bytes(text);
    char* const room = in_.arena().allocate(size);
    value = {reinterpret_cast<const std::byte*>(room), size};
    return base64_decode(text, room) ? next : in_.invalid("the string is not base64");
  }

  [[gnu::noinline]] Token enumeration(const TypeTable& type, void* object, Token at) {
    std::string_view name;
    const Token next = view(name, at, "string");
    if (next == nullptr) return nullptr;
    for (const Enumerator& enumerator : type.enumerators) {
      if (enumerator.name != name) continue;
      // The low bytes of the value are the value in every width.
      const std::int64_t value = enumerator.value;
      const std::size_t skipped = std::endian::native == std::endian::little ? 0 : sizeof value - type.size;
      std::memcpy(object, reinterpret_cast<const char*>(&value) + skipped, type.size);
      return next;
    }
    return in_.invalid("the string is not a name of " + std::string(type.name));
  }

  [[gnu::noinline]] Token structure(const TypeTable& type, void* object, Token at) {
    if (in_.peek(at) != '{') return in_.mistyped(at, "object");
    at = in_.enter(at);
    if (at == nullptr) return nullptr;
    std::uint64_t seen = 0;
    if (in_.peek(at) == '}') {
      ++at;
    } else {
      at = members(type, object, at, seen);
      if (at == nullptr) return nullptr;
    }
    in_.leave();
    if ((type.required & ~seen) != 0) return missing(type, seen);
    reset_absent(type, object, seen);
    return at;
  }

  Token members(const TypeTable& type, void* object, Token at, std::uint64_t& seen) {
    static constexpr Field kNoField;  // where a struct without members starts and ends: null means an error
    const Field* const first = type.fields.empty() ? &kNoField : type.fields.data();
    const Field* const last = first + type.fields.size();
    const Field* expected = first;
    for (bool more = true; more;) {
      const Field* const field = in_.key(at, first, last, expected);
      if (field == nullptr) return nullptr;
      if (field == last) {
        at = in_.skip(at + 2);
      } else {
        if ((seen & field->bit) != 0) return given_twice(*field);
        seen |= field->bit;
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): before `last` lie the type's own fields only
        at = value(*field->type, static_cast<char*>(object) + field->offset, at + 2);
        if (at == nullptr) return inside_member(in_.error(), field->name), nullptr;
        expected = field + 1;
      }
      if (at == nullptr) return nullptr;
      at = in_.separator(at, '}', more);
      if (at == nullptr) return nullptr;
    }
    return at;
  }

  [[gnu::noinline]] Token given_twice(const Field& field) {
    in_.invalid("given twice");
    inside_member(in_.error(), field.name);
    return nullptr;
  }

  [[gnu::noinline]] Token missing(const TypeTable& type, std::uint64_t seen) {
    const auto first = static_cast<std::size_t>(std::countr_zero(type.required & ~seen));
    in_.invalid("missing");
    inside_member(in_.error(), type.fields[first].name);
    return nullptr;
  }

  static void reset_absent(const TypeTable& type, void* object, std::uint64_t seen) noexcept {
    for (std::uint64_t absent = type.optionals & ~seen; absent != 0; absent &= absent - 1) {
      const Field& field = type.fields[static_cast<std::size_t>(std::countr_zero(absent))];
      field.type->optional->reset(static_cast<char*>(object) + field.offset);
    }
  }

  [[gnu::noinline]] Token optional(const TypeTable& type, void* object, Token at) {
    if (in_.peek(at) != 'n') return value(*type.element, type.optional->engage(object), at);
    if (in_.token(at) != "null") return in_.malformed(at, "null");
    type.optional->reset(object);
    return at + 1;
  }

  /// Takes the elements of an array; `room(i)` gives the address for the i-th, or null when there are too many.
  template <class Room>
  Token elements(const TypeTable& element, std::size_t& count, Token at, Room room) {
    if (in_.peek(at) != '[') return in_.mistyped(at, "array");
    at = in_.enter(at);
    if (at == nullptr) return nullptr;
    bool more = in_.peek(at) != ']';
    if (!more) ++at;
    for (count = 0; more; ++count) {
      void* const object = room(count);
      if (object == nullptr) return in_.invalid("expected " + std::to_string(count) + " elements, found more");
      at = value(element, object, at);
      if (at == nullptr) return inside_element(in_.error(), count), nullptr;
      at = in_.separator(at, ']', more);
      if (at == nullptr) return nullptr;
    }
    in_.leave();
    return at;
  }

  [[gnu::noinline]] Token sequence(const TypeTable& type, void* object, Token at) {
    type.sequence->clear(object);
    std::size_t count = 0;
    return elements(*type.element, count, at, [&](std::size_t) { return type.sequence->append(object); });
  }

  [[gnu::noinline]] Token array(const TypeTable& type, void* object, Token at) {
    std::size_t count = 0;
    at = elements(*type.element, count, at, [&](std::size_t i) -> void* {
      return i < type.count ? static_cast<char*>(object) + i * type.element->size : nullptr;
    });
    if (at == nullptr || count == type.count) return at;
    return in_.invalid("expected " + std::to_string(type.count) + " elements, found " + std::to_string(count));
  }

  [[gnu::noinline]] Token map(const TypeTable& type, void* object, Token at) {
    if (in_.peek(at) != '{') return in_.mistyped(at, "object");
    at = in_.enter(at);
    if (at == nullptr) return nullptr;
    type.map->clear(object);
    bool more = in_.peek(at) != '}';
    if (!more) ++at;
    while (more) {
      at = entry(type, object, at);
      if (at == nullptr) return nullptr;
      at = in_.separator(at, '}', more);
      if (at == nullptr) return nullptr;
    }
    in_.leave();
    return at;
  }

  Token entry(const TypeTable& type, void* object, Token at) {
    std::string_view key;
    if (in_.peek(at) != '"') return in_.malformed(at, "a key");
    at = in_.string(at, key);
    if (at == nullptr) return nullptr;
    if (in_.peek(at) != ':') return in_.malformed(at, "`:`");
    void* const element = type.map->insert(object, key);
    if (element == nullptr) return in_.invalid("a key is given twice");
    at = value(*type.element, element, at + 1);
    if (at == nullptr) inside_map(in_.error());
    return at;
  }

  JsonReader& in_;
};

}  // namespace

bool decode_json(const TypeTable& type, const DecodeInput& input, void* object, Error& error) {
  JsonIndex& index = JsonIndex::of_this_thread();
  const char* const text = static_cast<const char*>(input.data);
  if (const char* const problem = index.build(text, input.size); problem != nullptr) {
    error = Error(Code::corrupt, problem);
    return false;
  }
  JsonReader reader({text, input.size}, index, *input.arena, error);
  const Token end = JsonDecoder(reader).value(type, object, index.begin());
  if (end == index.end()) return true;
  if (end != nullptr) reader.invalid("something follows the end of the JSON document");
  finish_error(error);
  return false;
}

}  // namespace ruststream::inline v0::codec
