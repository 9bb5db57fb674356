#pragma once
#include "codec/json_index.hpp"

#include <ruststream/arena.hpp>
#include <ruststream/error.hpp>
#include <ruststream/type_model.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ruststream::inline v0::codec {

/// A token of an indexed document. Functions that consume tokens return the next one, or null with the error filled.
using Token = const std::uint32_t*;

/// Reads an indexed document token by token and steps over values, checking the grammar of everything it passes.
class JsonReader {
 public:
  JsonReader(std::string_view document, const JsonIndex& index, Arena& arena, Error& error) noexcept
      : text_(document.data()), size_(document.size()), end_(index.end()), arena_(arena), error_(error) {}

  /// The first character of a token.
  [[nodiscard]] char peek(Token at) const noexcept { return text_[*at]; }

  /// The whole token.
  [[nodiscard]] std::string_view token(Token at) const noexcept {
    const char* const begin = text_ + at[0];
    const char* last = text_ + at[1];
    if (last <= begin) return {begin, 1};  // the closing bracket at the end, see JsonIndex
    while (last[-1] <= ' ' && is_space(last[-1])) --last;
    return {begin, static_cast<std::size_t>(last - begin)};
  }

  /// How many bytes there are before a token.
  [[nodiscard]] std::size_t before(Token at) const noexcept { return *at; }

  /// The inside of a string as it is written.
  [[nodiscard]] std::string_view quoted(Token at) const noexcept {
    const char* const begin = text_ + at[0] + 1;
    const char* last = text_ + at[1] - 1;
    while (*last != '"') --last;
    return {begin, static_cast<std::size_t>(last - begin)};
  }

  [[nodiscard]] bool has_escape(std::string_view inside) noexcept {
    return may_have_escapes() && std::memchr(inside.data(), '\\', inside.size()) != nullptr;
  }

  /// A string, borrowed from the document or, when it has escapes, made in the arena.
  [[nodiscard]] Token string(Token at, std::string_view& value) {
    value = quoted(at);
    return has_escape(value) && !unescaped(value) ? nullptr : at + 1;
  }

  /// Steps into an object or array.
  [[nodiscard]] Token enter(Token at) { return ++depth_ > kMaxNesting ? too_deep() : at + 1; }
  void leave() noexcept { --depth_; }

  /// The field that a key at `at` names, or `last` for an unknown one; null with the error filled when it is no key or
  /// has no colon. The value follows two tokens later. Keys usually come in the order of the fields, so `expected` is
  /// tried first.
  [[nodiscard]] const Field* key(Token at, const Field* first, const Field* last, const Field* expected) {
    if (peek(at) != '"') return malformed(at, "the name of a member"), nullptr;
    if (peek(at + 1) != ':') return malformed(at + 1, "`:`"), nullptr;
    const std::uint64_t bytes = first_bytes(at);
    if (expected != last && is_key(at, *expected, bytes)) return expected;
    for (const Field* field = first; field != last; ++field) {
      if (is_key(at, *field, bytes)) return field;
    }
    return may_have_escapes() ? escaped_key(at, first, last) : last;
  }

  /// Steps over one value of any kind.
  [[nodiscard]] Token skip(Token at) {
    const char first = peek(at);
    if (first == '"' && !may_have_escapes()) return at + 1;
    return first == '{' || first == '[' ? skip_nested(at) : skip_scalar(at);
  }

  /// After an element: a comma (`more`) or `close`.
  [[nodiscard]] Token separator(Token at, char close, bool& more) {
    const char c = peek(at);
    more = c == ',';
    return more || c == close ? at + 1 : malformed(at, close == '}' ? "`,` or `}`" : "`,` or `]`");
  }

  // Errors, all null. `mistyped` names the kind of the token, `malformed` is about the grammar; neither quotes it.
  Token mistyped(Token at, std::string_view expected);
  Token malformed(Token at, std::string_view expected);
  Token invalid(std::string_view reason);

  [[nodiscard]] Error& error() noexcept { return error_; }
  [[nodiscard]] Arena& arena() noexcept { return arena_; }

 private:
  enum class Escapes : std::uint8_t { unknown, none, some };

  static bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  [[nodiscard]] bool may_have_escapes() noexcept {
    if (escapes_ == Escapes::unknown) {
      escapes_ = std::memchr(text_, '\\', size_) == nullptr ? Escapes::none : Escapes::some;
    }
    return escapes_ == Escapes::some;
  }

  /// The first eight bytes behind the quote of a string; bytes behind the document are zero.
  [[nodiscard]] std::uint64_t first_bytes(Token at) const noexcept {
    const std::size_t offset = *at + std::size_t{1};
    std::uint64_t bytes = 0;
    if (size_ - offset < sizeof bytes) return last_bytes(offset);
    std::memcpy(&bytes, text_ + offset, sizeof bytes);
    return bytes;
  }

  [[nodiscard]] bool is_key(Token at, const Field& field, std::uint64_t first) const noexcept {
    if (((first ^ field.first_bytes) & field.first_mask) != 0) return false;
    return field.name.size() < sizeof first || is_long_key(at, field.name);
  }

  /// Whether a key is `name`, of which the first eight bytes are known to match.
  [[nodiscard]] bool is_long_key(Token at, std::string_view name) const noexcept {
    const std::size_t offset = *at + std::size_t{1};
    if (size_ - offset <= name.size() || text_[offset + name.size()] != '"') return false;
    return name.size() == 8 || std::memcmp(text_ + offset + 8, name.data() + 8, name.size() - 8) == 0;
  }

  [[nodiscard]] std::uint64_t last_bytes(std::size_t offset) const noexcept;
  bool unescaped(std::string_view& inside);
  const Field* escaped_key(Token at, const Field* first, const Field* last);
  Token skip_scalar(Token at);
  Token skip_key(Token at);
  Token skip_nested(Token at);
  Token too_deep();
  [[nodiscard]] std::string_view kind(Token at) const noexcept;

  const char* text_;
  std::size_t size_;
  Token end_;
  std::size_t depth_ = 0;
  Escapes escapes_ = Escapes::unknown;
  Arena& arena_;
  Error& error_;
};

}  // namespace ruststream::inline v0::codec
