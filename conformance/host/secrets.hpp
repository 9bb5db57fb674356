#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// A secret as it is, percent-encoded, and in base64 at each of the three alignments that it may have in a longer text
/// (rule O2).
[[nodiscard]] std::vector<std::string> forms_of_secret(std::string_view secret);

}  // namespace conformance
