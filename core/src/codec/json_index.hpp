#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace simdjson::internal {
class dom_parser_implementation;  // NOLINT(readability-identifier-naming): simdjson's
}

namespace ruststream::inline v0::codec {

/// Where the tokens of a JSON document start, found by simdjson's first stage: it knows strings from the rest, refuses
/// invalid UTF-8, control characters in strings and strings that do not end, and says nothing about the grammar. Every
/// brace, bracket, colon and comma is a token, so is every string (at its opening quote) and every other run of
/// characters. Between a token and the next there is only white space.
///
/// The decoder walks this index itself instead of through On-Demand: that halves the instructions of a message, checks
/// what is stepped over too, and reads no byte past the document.
///
/// A walk needs no check for the end: a document that starts with a bracket is refused unless its last token is a
/// closing one, so a walk can only run out of tokens where a comma or a closing bracket has to come, and there *end()
/// leads it back to the first bracket, which is neither. In a document without brackets *end() is the document's size.
class JsonIndex {
 public:
  /// Longer documents are refused.
  static constexpr std::size_t kMaxDocument = std::size_t{1} << 30;
  /// A document up to this size needs no new memory; the memory for a longer one is given back by the next.
  static constexpr std::size_t kKeepDocument = std::size_t{256} << 10;

  /// Up to this size a plain loop finds the tokens with fewer instructions than the vector code (28 bytes: 190 instead
  /// of 480), unless the document has escapes or is not ASCII.
  static constexpr std::size_t kSmallDocument = 64;

  /// One per thread, made when first used.
  static JsonIndex& of_this_thread();

  JsonIndex();
  JsonIndex(const JsonIndex&) = delete;
  JsonIndex& operator=(const JsonIndex&) = delete;
  ~JsonIndex();

  /// Finds the tokens of `text`. @return null, or what is wrong with it. Throws std::bad_alloc.
  [[nodiscard]] const char* build(const char* text, std::size_t size);

  /// Offsets of the tokens in ascending order, and one more at end(), see above.
  [[nodiscard]] const std::uint32_t* begin() const noexcept { return begin_; }
  [[nodiscard]] const std::uint32_t* end() const noexcept { return end_; }

 private:
  [[nodiscard]] const char* resize(std::size_t size);
  [[nodiscard]] const char* build_vectorized(const char* text, std::size_t size);
  [[nodiscard]] const char* finish(const char* text, std::size_t size);

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_;
  std::size_t capacity_ = 0;
  std::uint32_t* begin_ = nullptr;
  std::uint32_t* end_ = nullptr;
  std::array<std::uint32_t, kSmallDocument + 1> small_;
};

}  // namespace ruststream::inline v0::codec
