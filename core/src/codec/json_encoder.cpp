#include "codec/json_encoder.hpp"

#include "base64/base64.hpp"
#include "codec/error_path.hpp"
#include "codec/json_text.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace ruststream::inline v0::codec {
namespace {

constexpr std::size_t kLongestNumber = 32;  // a double needs 24 characters, an integer 20
constexpr std::size_t kKeyBlock = 16;       // Field::quoted can be read in blocks of this size

/// Whether a character has to be escaped: control characters, the quote, the backslash.
bool needs_escape(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

/// Looks at eight bytes at once: 0x80 in each byte that needs an escape or does not belong to ASCII, roughly (a byte
/// behind a hit may be marked too).
std::uint64_t marks(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t quote = bytes ^ (kOnes * '"');
  const std::uint64_t backslash = bytes ^ (kOnes * '\\');
  return ((bytes - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | bytes) & (kOnes * 0x80);
}

bool is_plain(std::string_view text) noexcept {
  std::size_t at = 0;
  for (std::uint64_t bytes = 0; text.size() - at >= sizeof bytes; at += sizeof bytes) {
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    if (marks(bytes) != 0) return false;
  }
  for (; at < text.size(); ++at) {
    if (needs_escape(text[at]) || static_cast<signed char>(text[at]) < 0) return false;
  }
  return true;
}

char* write_escape(char c, char* to) noexcept {
  constexpr std::string_view kLetters = "\"\"\\\\\bb\ff\nn\rr\tt";
  *to++ = '\\';
  for (std::size_t i = 0; i < kLetters.size(); i += 2) {
    if (kLetters[i] != c) continue;
    *to++ = kLetters[i + 1];
    return to;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char written : {'u', '0', '0', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]}) *to++ = written;
  return to;
}

/// Writes objects as JSON. Functions take the place to write at and return the place behind what they wrote, or null
/// with the error filled.
class JsonEncoder {
 public:
  JsonEncoder(Buffer& out, Error& error) noexcept : out_(out), error_(error), limit_(out.limit()) {}

  void finish(const char* at) noexcept { out_.resize(static_cast<std::size_t>(at - out_.data())); }

  // As in the decoder: one function per kind that is not inlined.
  [[nodiscard]] char* value(const TypeTable& type, const void* object, char* at) {
    switch (type.kind) {
      case Kind::boolean: return boolean(*static_cast<const bool*>(object), at);
      case Kind::int8: return integer(*static_cast<const std::int8_t*>(object), at);
      case Kind::int16: return integer(*static_cast<const std::int16_t*>(object), at);
      case Kind::int32: return integer(*static_cast<const std::int32_t*>(object), at);
      case Kind::int64: return integer(*static_cast<const std::int64_t*>(object), at);
      case Kind::uint8: return integer(*static_cast<const std::uint8_t*>(object), at);
      case Kind::uint16: return integer(*static_cast<const std::uint16_t*>(object), at);
      case Kind::uint32: return integer(*static_cast<const std::uint32_t*>(object), at);
      case Kind::uint64: return integer(*static_cast<const std::uint64_t*>(object), at);
      case Kind::float32: return real(*static_cast<const float*>(object), at);
      case Kind::float64: return real(*static_cast<const double*>(object), at);
      case Kind::string: return string(*static_cast<const std::string*>(object), at);
      case Kind::string_view: return string(*static_cast<const std::string_view*>(object), at);
      case Kind::bytes: return bytes(*static_cast<const std::vector<std::byte>*>(object), at);
      case Kind::bytes_view: return bytes(*static_cast<const std::span<const std::byte>*>(object), at);
      case Kind::enumeration: return enumeration(type, object, at);
      case Kind::structure: return structure(type, object, at);
      case Kind::optional: return optional(type, object, at);
      case Kind::sequence: return sequence(type, object, at);
      case Kind::array: return elements(*type.element, object, type.count, at);
      case Kind::map: return map(type, object, at);
    }
    return unknown();
  }

 private:
  [[gnu::noinline]] char* unknown() { return fail("this codec does not know the type of the member"); }

  [[gnu::noinline]] char* fail(std::string_view reason) {
    start_error(error_, Code::invalid, reason);
    return nullptr;
  }

  [[gnu::noinline]] char* too_deep() {
    return fail("values nest deeper than " + std::to_string(kMaxNesting) + " levels");
  }

  /// Makes sure that `size` bytes can be written at `at`; gives the place, which may have moved.
  char* room(char* at, std::size_t size) {
    return static_cast<std::size_t>(limit_ - at) >= size ? at : more_room(at, size);
  }

  [[gnu::noinline]] char* more_room(char* at, std::size_t size) {
    finish(at);
    at = out_.reserve(size);
    limit_ = out_.limit();
    return at;
  }

  char* text(std::string_view text, char* at) {
    at = room(at, text.size());
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
  }

  [[gnu::noinline]] char* boolean(bool value, char* at) { return text(value ? "true" : "false", at); }

  template <std::integral Int>
  [[gnu::noinline]] char* integer(Int value, char* at) {
    constexpr std::uint64_t kShort = 100'000'000;
    constexpr std::ptrdiff_t kShortRoom = 8;
    if (static_cast<std::uint64_t>(value) >= kShort || limit_ - at < kShortRoom) return number(value, at);
    return write_short_digits(static_cast<std::uint32_t>(value), at);
  }

  template <class Number>
  [[gnu::noinline]] char* number(Number value, char* at) {
    at = room(at, kLongestNumber);
    return std::to_chars(at, at + kLongestNumber, value).ptr;
  }

  template <std::floating_point Float>
  [[gnu::noinline]] char* real(Float value, char* at) {
    return std::isfinite(value) ? number(value, at) : fail("JSON has no form for NaN and infinity");
  }

  [[gnu::noinline]] char* string(std::string_view value, char* at) {
    if (!is_plain(value)) return escaped(value, at);
    at = room(at, value.size() + 2);
    *at++ = '"';
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    at += value.size();
    *at++ = '"';
    return at;
  }

  [[gnu::noinline]] char* escaped(std::string_view value, char* at) {
    if (!simdjson::validate_utf8(value.data(), value.size())) return fail("the string is not valid UTF-8");
    constexpr std::size_t kPiece = 256;
    constexpr std::size_t kLongestEscape = 6;
    at = text("\"", at);
    for (; !value.empty(); value.remove_prefix(std::min(kPiece, value.size()))) {
      at = room(at, kLongestEscape * kPiece);
      for (const char c : value.substr(0, kPiece)) {
        if (needs_escape(c)) {
          at = write_escape(c, at);
        } else {
          *at++ = c;
        }
      }
    }
    return text("\"", at);
  }

  [[gnu::noinline]] char* bytes(std::span<const std::byte> value, char* at) {
    const std::size_t size = base64_length(value.size());
    at = room(at, size + 2);
    *at++ = '"';
    base64_encode(value.data(), value.size(), at);
    at += size;
    *at++ = '"';
    return at;
  }

  [[gnu::noinline]] char* enumeration(const TypeTable& type, const void* object, char* at) {
    const std::int64_t value = load_enumerator(type, object);
    for (const Enumerator& enumerator : type.enumerators) {
      if (enumerator.value == value) return string(enumerator.name, at);
    }
    return fail("the value is no enumerator of " + std::string(type.name));
  }

  template <class Int>
  static std::int64_t load(const void* object) noexcept {
    Int value;
    std::memcpy(&value, object, sizeof value);
    return static_cast<std::int64_t>(value);
  }

  static std::int64_t load_enumerator(const TypeTable& type, const void* object) noexcept {
    switch (type.underlying) {
      case Kind::int8: return load<std::int8_t>(object);
      case Kind::int16: return load<std::int16_t>(object);
      case Kind::int32: return load<std::int32_t>(object);
      case Kind::uint8: return load<std::uint8_t>(object);
      case Kind::uint16: return load<std::uint16_t>(object);
      case Kind::uint32: return load<std::uint32_t>(object);
      default: return load<std::int64_t>(object);
    }
  }

  /// Copies `,"name":`, with bytes behind it that the value overwrites.
  char* key(const Field& field, char* at) {
    const std::size_t size = field.quoted.size();
    at = room(at, size + kKeyBlock);
    std::memcpy(at, field.quoted.data(), kKeyBlock);
    for (std::size_t copied = kKeyBlock; copied < size; copied += kKeyBlock) {
      std::memcpy(at + copied, field.quoted.data() + copied, kKeyBlock);
    }
    return at + size;
  }

  [[gnu::noinline]] char* structure(const TypeTable& type, const void* object, char* at) {
    if (++depth_ > kMaxNesting) return too_deep();
    // Each member starts with a comma; the first one then becomes the bracket.
    const std::ptrdiff_t start = at - out_.data();
    const Field* const last = type.fields.data() + type.fields.size();
    for (const Field* field = type.fields.data(); field != last; ++field) {
      const void* const member = static_cast<const char*>(object) + field->offset;
      if (field->optional && field->type->optional->value(member) == nullptr) continue;
      at = value(*field->type, member, key(*field, at));
      if (at == nullptr) return inside_member(error_, field->name), nullptr;
    }
    --depth_;
    at = room(at, 2);
    char* const bracket = out_.begin() + start;
    if (at == bracket) ++at;
    *bracket = '{';
    *at = '}';
    return at + 1;
  }

  [[gnu::noinline]] char* optional(const TypeTable& type, const void* object, char* at) {
    const void* const inside = type.optional->value(object);
    return inside == nullptr ? text("null", at) : value(*type.element, inside, at);
  }

  [[gnu::noinline]] char* sequence(const TypeTable& type, const void* object, char* at) {
    return elements(*type.element, type.sequence->data(object), type.sequence->size(object), at);
  }

  [[gnu::noinline]] char* elements(const TypeTable& element, const void* first, std::size_t count, char* at) {
    if (++depth_ > kMaxNesting) return too_deep();
    at = text("[", at);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) at = text(",", at);
      at = value(element, static_cast<const char*>(first) + i * element.size, at);
      if (at == nullptr) return inside_element(error_, i), nullptr;
    }
    --depth_;
    return text("]", at);
  }

  struct MapVisit {
    JsonEncoder& encoder;
    const TypeTable& element;
    char* at;
    bool first;
  };

  static bool entry(void* context, std::string_view key, const void* object) {
    auto& [encoder, element, at, first] = *static_cast<MapVisit*>(context);
    if (!first) at = encoder.text(",", at);
    first = false;
    at = encoder.string(key, at);
    if (at == nullptr) return false;
    at = encoder.value(element, object, encoder.text(":", at));
    return at != nullptr;
  }

  [[gnu::noinline]] char* map(const TypeTable& type, const void* object, char* at) {
    if (++depth_ > kMaxNesting) return too_deep();
    MapVisit visit{*this, *type.element, text("{", at), true};
    if (!type.map->visit(object, &visit, &JsonEncoder::entry)) return inside_map(error_), nullptr;
    --depth_;
    return text("}", visit.at);
  }

  Buffer& out_;
  Error& error_;
  const char* limit_;  // of the room that is there
  std::size_t depth_ = 0;
};

}  // namespace

bool encode_json(const TypeTable& type, const void* object, Buffer& out, Error& error) {
  const std::size_t before = out.size();
  try {
    JsonEncoder encoder(out, error);
    char* const end = encoder.value(type, object, out.begin() + before);
    if (end != nullptr) {
      encoder.finish(end);
      return true;
    }
    finish_error(error);
  } catch (const std::length_error&) {
    error = Error(Code::too_large, "the encoded object is longer than 1 GiB");
  }
  out.resize(before);
  return false;
}

}  // namespace ruststream::inline v0::codec
