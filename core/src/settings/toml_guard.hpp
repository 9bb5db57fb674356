#pragma once

#include <cstddef>
#include <string_view>

namespace ruststream::inline v0::settings {

inline constexpr std::size_t kMaxKeyParts = 32;  ///< no key of ours has so many

/// The line (from 1) of the first key in a TOML text with more than kMaxKeyParts dotted parts, or 0.
///
/// toml++ 3.3 bounds the nesting of values but makes one table within another for each part of a key, and takes them
/// apart recursively: a key of 500,000 parts ends the process. So this looks first. It knows TOML's strings and
/// comments; where the text is malformed the two may disagree, and there toml++ stops.
[[nodiscard]] std::size_t line_of_too_deep_key(std::string_view text);

}  // namespace ruststream::inline v0::settings
