#pragma once

#include <cstddef>
#include <string_view>

namespace ruststream::inline v0::settings {

/// The line (from 1) of the first key in a TOML text with more than `max_parts` dotted parts, or 0.
///
/// toml++ 3.3 bounds the nesting of values but makes one table within another for each part of a key, and takes them
/// apart recursively: a key of 500,000 parts ends the process. So this looks first. It knows TOML's strings and
/// comments, and takes what else is malformed as it comes: the parser refuses it later.
[[nodiscard]] std::size_t line_of_too_deep_key(std::string_view text, std::size_t max_parts);

}  // namespace ruststream::inline v0::settings
