#include "codec/json_reader.hpp"

#include "codec/error_path.hpp"
#include "codec/json_text.hpp"

#include <algorithm>
#include <string>

namespace ruststream::inline v0::codec {

std::string_view JsonReader::kind(Token at) const noexcept {
  if (at >= end_) return "the end of the payload";
  const char first = peek(at);
  switch (first) {
    case '{': return "object";
    case '[': return "array";
    case '"': return "string";
    case 't':
    case 'f': return "boolean";
    case 'n': return "null";
    case ',':
    case ':':
    case '}':
    case ']': return "punctuation";
    default: return first == '-' || (first >= '0' && first <= '9') ? "number" : "something that is not JSON";
  }
}

Token JsonReader::mistyped(Token at, std::string_view expected) {
  std::string reason = "expected ";
  reason.append(expected).append(", found ").append(kind(at));
  return invalid(reason);
}

Token JsonReader::malformed(Token at, std::string_view expected) {
  std::string reason = "malformed JSON: expected ";
  reason.append(expected).append(", found ").append(kind(at));
  return invalid(reason);
}

Token JsonReader::invalid(std::string_view reason) {
  start_error(error_, Code::corrupt, reason);
  return nullptr;
}

Token JsonReader::too_deep() { return invalid("values nest deeper than " + std::to_string(kMaxNesting) + " levels"); }

std::uint64_t JsonReader::last_bytes(std::size_t offset) const noexcept {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text_ + offset, size_ - offset);
  return bytes;
}

bool JsonReader::unescaped(std::string_view& inside) {
  char* const copy = arena_.allocate(inside.size());
  const std::size_t size = unescape(inside.data(), inside.data() + inside.size(), copy);
  if (size == kBadEscape) return invalid("malformed escape in a string") != nullptr;
  inside = {copy, size};
  return true;
}

const Field* JsonReader::escaped_key(Token at, const Field* first, const Field* last) {
  std::string_view name;
  if (string(at, name) == nullptr) return nullptr;
  return std::find_if(first, last, [name](const Field& field) { return field.name == name; });
}

Token JsonReader::skip_scalar(Token at) {
  if (peek(at) == '"') {
    const std::string_view inside = quoted(at);
    const bool valid = !has_escape(inside) || valid_escapes(inside.data(), inside.data() + inside.size());
    return valid ? at + 1 : invalid("malformed escape in a string");
  }
  const std::string_view text = token(at);
  const bool literal = text == "true" || text == "false" || text == "null";
  return literal || is_number(text.data(), text.data() + text.size()) ? at + 1 : malformed(at, "a value");
}

Token JsonReader::skip_key(Token at) {
  if (peek(at) != '"') return malformed(at, "the name of a member");
  at = skip_scalar(at);
  if (at == nullptr) return nullptr;
  return peek(at) == ':' ? at + 1 : malformed(at, "`:`");
}

Token JsonReader::skip_nested(Token at) {
  std::uint64_t objects = 0;  // one bit per open bracket: whether it is an object
  static_assert(kMaxNesting <= 64);
  const std::size_t outside = depth_;
  for (;;) {
    const char first = peek(at);
    if (first == '{' || first == '[') {
      const bool object = first == '{';
      at = enter(at);
      if (at == nullptr) return nullptr;
      objects = (objects << 1) | (object ? 1U : 0U);
      if (peek(at) != (object ? '}' : ']')) {
        if (object) at = skip_key(at);
        if (at == nullptr) return nullptr;
        continue;
      }
      ++at;
      leave();
      objects >>= 1;
    } else if (at = skip_scalar(at); at == nullptr) {
      return nullptr;
    }
    for (bool more = false; !more;) {
      if (depth_ == outside) return at;
      const bool object = (objects & 1) != 0;
      at = separator(at, object ? '}' : ']', more);
      if (at != nullptr && more && object) at = skip_key(at);
      if (at == nullptr) return nullptr;
      if (more) break;
      leave();
      objects >>= 1;
    }
  }
}

}  // namespace ruststream::inline v0::codec
