#pragma once
#include <span>
#include <string>
#include <string_view>

namespace conformance {

/// "; did you mean `x`?" for the known word that `word` was probably meant to be: at most one edit per three letters,
/// or a beginning of it. Else empty.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace conformance
