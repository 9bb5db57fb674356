#include "codec/json_index.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string_view>

namespace ruststream::inline v0::codec {
namespace {

const char* describe(simdjson::error_code code) {
  switch (code) {
    case simdjson::EMPTY: return "the payload is empty";
    case simdjson::UTF8_ERROR: return "the payload is not valid UTF-8";
    case simdjson::UNCLOSED_STRING: return "a string does not end";
    case simdjson::UNESCAPED_CHARS: return "a control character stands in a string without an escape";
    default: return "the payload is not JSON";
  }
}

// Those before the quote may stand in a string.
enum class Class : std::uint8_t { other, blank, mark, quote, line, special };

constexpr std::array<Class, 256> kClasses = [] {
  std::array<Class, 256> classes{};
  for (std::size_t c = 0; c < 0x20; ++c) classes[c] = Class::special;
  for (std::size_t c = 0x80; c < 0x100; ++c) classes[c] = Class::special;
  for (const char c : std::string_view("\n\r\t")) classes[static_cast<unsigned char>(c)] = Class::line;
  classes[' '] = Class::blank;
  for (const char c : std::string_view("{}[]:,")) classes[static_cast<unsigned char>(c)] = Class::mark;
  classes['"'] = Class::quote;
  classes['\\'] = Class::special;
  return classes;
}();

Class class_of(char c) noexcept { return kClasses[static_cast<unsigned char>(c)]; }

/// Finds the tokens of a document without escapes, control characters and bytes beyond ASCII. @return the end of the
/// tokens, or null for every document that is not so plain, has no token or cannot be JSON: those are for the vector
/// code, so that both say the same.
std::uint32_t* index_plain(const char* text, std::size_t size, std::uint32_t* out) noexcept {
  char copy[JsonIndex::kSmallDocument + 1];  // ends in a zero, so that no loop looks for the end
  std::memcpy(copy, text, size);
  copy[size] = '\0';
  const std::uint32_t* const begin = out;
  const char* at = copy;
  for (;;) {
    const Class found = class_of(*at);
    if (found == Class::special) break;
    if (found != Class::blank && found != Class::line) *out++ = static_cast<std::uint32_t>(at - copy);
    ++at;
    if (found == Class::other) {
      while (class_of(*at) == Class::other) ++at;
      if (class_of(*at) == Class::quote) return nullptr;
    } else if (found == Class::quote) {
      while (class_of(*at) < Class::quote) ++at;
      if (class_of(*at++) != Class::quote) return nullptr;
    }
  }
  return at == copy + size && out != begin ? out : nullptr;
}

}  // namespace

JsonIndex::JsonIndex() = default;
JsonIndex::~JsonIndex() = default;

JsonIndex& JsonIndex::of_this_thread() {
  // A pointer of the static TLS block is two instructions away, an object with a destructor thirty. Its eight bytes fit
  // into what the loader keeps for libraries that come late.
  [[gnu::tls_model("initial-exec")]] static thread_local constinit JsonIndex* current = nullptr;
  if (current == nullptr) {
    static thread_local JsonIndex index;
    current = &index;
  }
  return *current;
}

const char* JsonIndex::resize(std::size_t size) {
  if (size > kMaxDocument) return "the payload is longer than 1 GiB";
  capacity_ = 0;
  const std::size_t wanted = std::max(size, kKeepDocument);
  const simdjson::error_code code =
      stage_ == nullptr
          ? simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, /*max_depth=*/1, stage_)
          : stage_->set_capacity(wanted);
  if (code != simdjson::SUCCESS) throw std::bad_alloc();
  capacity_ = wanted;
  return nullptr;
}

const char* JsonIndex::build(const char* text, std::size_t size) {
  if (size == 0) return describe(simdjson::EMPTY);
  if (size <= kSmallDocument) {
    begin_ = small_.data();
    end_ = index_plain(text, size, begin_);
    if (end_ != nullptr) return finish(text, size);
  }
  return build_vectorized(text, size);
}

const char* JsonIndex::build_vectorized(const char* text, std::size_t size) {
  const bool fits = size <= kKeepDocument ? capacity_ == kKeepDocument : size <= capacity_;
  if (!fits) {
    if (const char* const problem = resize(size); problem != nullptr) return problem;
  }
  const simdjson::error_code code =
      stage_->stage1(reinterpret_cast<const std::uint8_t*>(text), size, simdjson::stage1_mode::regular);
  if (code != simdjson::SUCCESS) return describe(code);
  begin_ = stage_->structural_indexes.get();
  end_ = begin_ + stage_->n_structural_indexes;
  return finish(text, size);
}

const char* JsonIndex::finish(const char* text, std::size_t size) {
  const char first = text[*begin_];
  const bool brackets = first == '{' || first == '[';
  *end_ = brackets ? *begin_ : static_cast<std::uint32_t>(size);
  const char last = text[end_[-1]];
  if (!brackets || last == '}' || last == ']') return nullptr;
  return "the JSON document is cut off, or something follows it";
}

}  // namespace ruststream::inline v0::codec
