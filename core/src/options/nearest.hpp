#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::options {

/// Words longer than this are compared with nothing: no name of ours is.
constexpr std::size_t kMaxComparedWord = 64;

/// The candidate that `word` was probably meant to be, or an empty view when none is close: at most one edit (a letter
/// added, lost, replaced, or two neighbours swapped) per three letters, case ignored. The first of equals wins.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string> candidates);

/// `; did you mean `x`?` for the nearest candidate, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// `text` fit for one line of an error: control characters as `?`, cut at a character after `limit` bytes with `…`.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace ruststream::inline v0::options
