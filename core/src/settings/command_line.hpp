#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::settings {

/// One thing the program can do; the first of a program's commands is what it does without being told.
struct Command {
  std::string_view name;
  std::string_view doc;  ///< one line
};

struct Program {
  std::string title;    ///< the service's name, for help and --version
  std::string version;  ///< the service's own
  std::span<const Command> commands;
};

/// What the arguments say. Nothing in it is checked against a key schema yet; load() does that.
struct CommandLine {
  struct Assignment {
    std::string key;
    std::string value;
    std::string flag;  ///< `--set`, `--broker`, …
  };
  std::string command{};
  std::string config{};                   ///< settings file, empty for none
  std::vector<Assignment> assignments{};  ///< in the order of the arguments: the last one of a key wins
  std::vector<std::string> plugins{};     ///< every --plugin, in order
};

/// The process should print `text` and end: --help, --version, or arguments that make no sense.
struct Stop {
  int exit_code = 0;  ///< 0, or kExitUsage
  std::string text;   ///< for standard output when exit_code is 0, else for standard error; ends with a newline
};

inline constexpr int kExitUsage = 64;  ///< EX_USAGE of sysexits.h

/// Pure: prints nothing and keeps nothing of `argv`.
[[nodiscard]] std::expected<CommandLine, Stop> parse_command_line(const Program& program, int argc,
                                                                  const char* const* argv);

}  // namespace ruststream::inline v0::settings
