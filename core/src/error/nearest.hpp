#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// The candidate that `name` was most likely meant to be: the smallest edit distance (insert, delete, replace, swap of
/// neighbours; case ignored), at most a third of the name's length but at least 1. Empty when nothing is that near.
/// Names longer than kMaxNameCompared are never matched, which bounds the cost of hostile input.
[[nodiscard]] std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);

/// `"; did you mean 'x'?"`, or the empty text: the tail of every "unknown …" message.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

inline constexpr std::size_t kMaxNameCompared = 128;

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
