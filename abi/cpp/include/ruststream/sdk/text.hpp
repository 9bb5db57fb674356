#pragma once
// Text across the boundary, and errors built from pieces.

#include <ruststream/abi/error.h>

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ruststream::sdk {

[[nodiscard]] constexpr rst_str rst(std::string_view text) noexcept { return {text.data(), text.size()}; }
[[nodiscard]] constexpr std::string_view view(rst_str text) noexcept {
  return text.len == 0 ? std::string_view{} : std::string_view{text.ptr, static_cast<std::size_t>(text.len)};
}

/// Marks the piece of an error's text that names the culprit: an option, a destination.
struct Subject {
  std::string_view text;
};
[[nodiscard]] constexpr Subject subject(std::string_view text) noexcept { return {text}; }

namespace detail {

/// Appends pieces to an rst_error's text; what does not fit is cut at a UTF-8 character.
class ErrorText {
 public:
  explicit ErrorText(rst_error& error) noexcept : error_(error) {}

  void add(std::string_view piece) noexcept {
    std::size_t room = sizeof(error_.text) - error_.text_len;
    if (piece.size() < room) room = piece.size();
    while (room > 0 && room < piece.size() && (static_cast<unsigned char>(piece[room]) & 0xC0U) == 0x80U) --room;
    if (room == 0) return;
    std::memcpy(error_.text + error_.text_len, piece.data(), room);
    error_.text_len = static_cast<std::uint16_t>(error_.text_len + room);
  }
  void add(const char* piece) noexcept { add(std::string_view{piece}); }
  void add(rst_str piece) noexcept { add(view(piece)); }
  void add(Subject piece) noexcept {
    const auto begin = error_.text_len;
    add(piece.text);
    error_.subject_off = begin;
    error_.subject_len = static_cast<std::uint16_t>(error_.text_len - begin);
  }
  void add(std::integral auto number) noexcept {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    add(std::string_view{digits.data(), static_cast<std::size_t>(end - digits.data())});
  }

 private:
  rst_error& error_;
};

/// Everything but the text, which begins empty; the bytes behind it stay as they were.
inline void start_error(rst_error& error, std::int32_t code, std::uint32_t flags) noexcept {
  std::memset(&error, 0, offsetof(rst_error, text));
  error.code = code;
  error.flags = flags;
}

}  // namespace detail

/// Fills `error` with a code and a sentence made of pieces: text, numbers, one subject().
template <typename... Pieces>
void fill_error(rst_error& error, std::int32_t code, std::uint32_t flags, const Pieces&... pieces) noexcept {
  detail::start_error(error, code, flags);
  detail::ErrorText text{error};
  (text.add(pieces), ...);
}

/// Where a verb tells its error; the host may have passed NULL. `return error(RST_E_..., "pieces", ...)`.
class ErrorOut {
 public:
  explicit ErrorOut(rst_error* error) noexcept : error_(error) {}

  /// Fills the error and gives the verb's return value, minus the code.
  template <typename... Pieces>
  std::int32_t operator()(std::int32_t code, const Pieces&... pieces) const noexcept {
    return flagged(code, 0, pieces...);
  }
  template <typename... Pieces>
  std::int32_t flagged(std::int32_t code, std::uint32_t flags, const Pieces&... pieces) const noexcept {
    if (error_ != nullptr) fill_error(*error_, code, flags, pieces...);
    return -code;
  }
  std::int32_t copy(const rst_error& other) const noexcept {
    if (error_ != nullptr) *error_ = other;
    return -other.code;
  }

 private:
  rst_error* error_;
};

/// An error as an exception, for constructors and cold paths: the boundary turns it into its code.
class Failure {
 public:
  template <typename... Pieces>
  explicit Failure(std::int32_t code, const Pieces&... pieces) noexcept {
    fill_error(error, code, 0, pieces...);
  }
  explicit Failure(const rst_error& other) noexcept : error(other) {}

  rst_error error;
};

}  // namespace ruststream::sdk
