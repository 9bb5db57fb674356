#pragma once
#include "command_line.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ruststream::cli {

/// `plugins show`.
[[nodiscard]] Exit show(const CommandLine& line);

/// What describe() made, for people.
[[nodiscard]] std::string text_of(const nlohmann::ordered_json& plugin);

}  // namespace ruststream::cli
