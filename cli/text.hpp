#pragma once
#include "exit.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::cli {

/// What a file or a plugin says, fit for a terminal's line.
[[nodiscard]] std::string shown(std::string_view text);
[[nodiscard]] std::string joined(const std::vector<std::string>& words, std::string_view between);
/// A document for standard output; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string dumped(const nlohmann::ordered_json& document);
/// Writes all of it to standard output, or says that it cannot.
[[nodiscard]] Exit print(std::string_view text);

}  // namespace ruststream::cli
