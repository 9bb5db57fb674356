#pragma once
#include "command_line.hpp"

#include <span>
#include <string>
#include <string_view>

namespace ruststream::cli {

/// One file of a scaffold, of a plugin called `mybroker`; the build makes them of the folder scaffold/.
struct Template {
  std::string_view language, path, text;
};
[[nodiscard]] std::span<const Template> templates() noexcept;

constexpr std::string_view kPlaceholder = "mybroker";
constexpr std::string_view kLanguages[] = {"c", "cpp", "rust", "go"};

/// What stands against a plugin's name, or nothing.
[[nodiscard]] std::string why_no_name(const std::string& name);

/// `new plugin`, whose name and language are valid.
[[nodiscard]] Exit new_plugin(const CommandLine& line);

}  // namespace ruststream::cli
