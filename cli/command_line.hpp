#pragma once
#include "exit.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ruststream::cli {

/// What was asked for.
struct CommandLine {
  enum class Command : std::uint8_t { none, list, show, verify, new_plugin, completion };
  Command command = Command::none;
  bool json = false;
  bool strict = false;
  std::string program;                 // of list and show: whose plugins/ is searched too
  std::string plugin;                  // of show: a name, a scheme or a file
  std::vector<std::string> files;      // of verify
  std::string name, language, folder;  // of new plugin
  std::string sdk;
  std::string shell;  // of completion
};

/// All that can be written; `line` outlives `app`.
void declare(CLI::App& app, CommandLine& line);

/// Or the code to exit with: the help, the version or what is wrong has been printed then.
[[nodiscard]] std::expected<CommandLine, Exit> read_command_line(int argc, char** argv);

}  // namespace ruststream::cli
