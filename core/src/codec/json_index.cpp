#include "codec/json_index.hpp"

#include <simdjson.h>

#include <algorithm>
#include <new>

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

bool is_opening(char c) noexcept { return c == '{' || c == '['; }
bool is_closing(char c) noexcept { return c == '}' || c == ']'; }

}  // namespace

JsonIndex::JsonIndex() = default;
JsonIndex::~JsonIndex() = default;

JsonIndex& JsonIndex::of_this_thread() {
  static thread_local JsonIndex index;
  return index;
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
  const bool fits = size <= kKeepDocument ? capacity_ == kKeepDocument : size <= capacity_;
  if (!fits) {
    if (const char* const problem = resize(size); problem != nullptr) return problem;
  }
  if (size == 0) return describe(simdjson::EMPTY);
  const simdjson::error_code code =
      stage_->stage1(reinterpret_cast<const std::uint8_t*>(text), size, simdjson::stage1_mode::regular);
  if (code != simdjson::SUCCESS) return describe(code);
  begin_ = stage_->structural_indexes.get();
  end_ = begin_ + stage_->n_structural_indexes;
  std::uint32_t& behind = stage_->structural_indexes[stage_->n_structural_indexes];
  if (!is_opening(text[*begin_])) {
    behind = static_cast<std::uint32_t>(size);
    return nullptr;
  }
  behind = *begin_;
  return is_closing(text[end_[-1]]) ? nullptr : "the JSON document is cut off, or something follows it";
}

}  // namespace ruststream::inline v0::codec
