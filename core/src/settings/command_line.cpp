#include "settings/command_line.hpp"

#include "options/nearest.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace ruststream::inline v0::settings {
namespace {

struct Flag {
  std::string_view name;
  std::string_view key;  ///< of the setting it is a shorthand for; empty where the value is `key=value` or no setting
  std::string_view value_name;
  std::string_view doc;
};

constexpr std::string_view kConfig = "--config";
constexpr std::string_view kBroker = "--broker";
constexpr std::string_view kSet = "--set";
constexpr std::string_view kPlugin = "--plugin";

constexpr std::array<Flag, 7> kFlags{{
    {kConfig, "", "FILE", "Settings file (TOML)"},
    {kBroker, "", "[NAME=]URL", "Where a broker is; NAME when the service has several"},
    {kSet, "", "KEY=VALUE", "One setting, such as subscription.billing.workers=4"},
    {kPlugin, "", "PATH", "A plugin's file; may be repeated"},
    {"--log-level", "log.level", "LEVEL", "error, warn, info, debug or trace"},
    {"--log-format", "log.format", "FORMAT", "text or json"},
    {"--drain-timeout", "drain_timeout", "TIME", "How long a stop waits for what is being handled, such as 30s"},
}};

constexpr std::string_view kFooter =
    "Settings come from the code, then the file, then RUSTSTREAM_* variables, then these flags; the later wins.";

Stop usage_error(const std::string& problem) {
  return Stop{.exit_code = kExitUsage, .text = problem + "\nRun with --help to see what is possible.\n"};
}

std::string unknown_flag(std::string_view argument) {
  const std::string_view written = argument.substr(0, argument.find('='));
  std::vector<std::string_view> known{"--help", "--version"};
  for (const Flag& flag : kFlags) known.push_back(flag.name);
  return "unknown flag `" + options::printable(written) + "`" + options::did_you_mean(written, known);
}

/// CLI11 begins what it says with the flag.
std::string without_value(std::string_view said) {
  const std::string_view name = said.substr(0, said.find(':'));
  const auto* const flag = std::ranges::find(kFlags, name, &Flag::name);
  return flag == kFlags.end() ? std::string(said) : std::string(name) + " expects " + std::string(flag->value_name);
}

std::string unknown_command(std::string_view argument, std::span<const Command> commands) {
  std::vector<std::string_view> known;
  std::string listed;
  for (const Command& command : commands) {
    known.push_back(command.name);
    listed += (listed.empty() ? "" : ", ") + std::string(command.name);
  }
  const std::string meant = options::did_you_mean(argument, known);
  return "unknown command `" + options::printable(argument) + "`" +
         (meant.empty() ? "; the commands are " + listed : meant);
}

/// `NAME=URL` or `URL`: no scheme holds an equals sign, and what follows it may.
std::optional<CommandLine::Assignment> broker(std::string_view value) {
  const auto equals = value.find('=');
  const bool has_name = equals != std::string_view::npos && equals < value.find(':');
  const std::string_view name = has_name ? value.substr(0, equals) : std::string_view();
  const std::string_view url = has_name ? value.substr(equals + 1) : value;
  if (url.empty() || (has_name && name.empty())) return std::nullopt;
  return CommandLine::Assignment{
      .key = name.empty() ? "broker" : "broker." + std::string(name), .value = std::string(url), .flag = "--broker"};
}

std::optional<CommandLine::Assignment> assignment(std::string_view value) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  return CommandLine::Assignment{
      .key = std::string(value.substr(0, equals)), .value = std::string(value.substr(equals + 1)), .flag = "--set"};
}

/// One occurrence of one flag. @return what is wrong with it, or nothing.
std::string take(const Flag& flag, const std::string& value, CommandLine& line) {
  std::optional<CommandLine::Assignment> taken;
  if (flag.name == kConfig) {
    line.config = value;
  } else if (flag.name == kPlugin) {
    line.plugins.push_back(value);
  } else if (flag.name == kBroker) {
    taken = broker(value);
    if (!taken) return "--broker expects URL or NAME=URL";
  } else if (flag.name == kSet) {
    taken = assignment(value);
    if (!taken) return "--set expects KEY=VALUE";
  } else {
    taken = CommandLine::Assignment{.key = std::string(flag.key), .value = value, .flag = std::string(flag.name)};
  }
  if (taken) line.assignments.push_back(std::move(*taken));
  return {};
}

std::string command_doc(std::span<const Command> commands) {
  std::string out;
  for (const Command& command : commands)
    out += (out.empty() ? "" : "; ") + std::string(command.name) + ": " + std::string(command.doc);
  return out + " (default " + std::string(commands.front().name) + ")";
}

/// What is wrong with the words that are no flag of ours: unknown flags first, since what follows one may be its value.
std::string problem_with(const std::vector<std::string>& rest, const std::string& command, const Program& program) {
  for (const std::string& argument : rest)
    if (argument.starts_with('-')) return unknown_flag(argument);
  if (std::ranges::find(program.commands, command, &Command::name) == program.commands.end())
    return unknown_command(command, program.commands);
  return rest.empty() ? std::string() : "unexpected argument `" + options::printable(rest.front()) + "`";
}

}  // namespace

std::expected<CommandLine, Stop> parse_command_line(const Program& program, int argc, const char* const* argv) {
  CommandLine line;
  line.command = program.commands.front().name;
  CLI::App app(program.title);
  app.footer(std::string(kFooter));
  app.allow_extras();
  app.set_help_flag("-h,--help", "Print this and exit");
  app.set_version_flag("--version", program.title + " " + program.version, "Print the version and exit");
  app.add_option("command", line.command, command_doc(program.commands))->type_name("");
  std::map<const CLI::Option*, const Flag*> flags;
  for (const Flag& flag : kFlags) {
    CLI::Option* const option = app.add_option_function<std::vector<std::string>>(
        std::string(flag.name), [](const std::vector<std::string>&) {}, std::string(flag.doc));
    option->type_name(std::string(flag.value_name))
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    flags[option] = &flag;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(Stop{.exit_code = 0, .text = app.help()});
  } catch (const CLI::CallForVersion& version) {
    return std::unexpected(Stop{.exit_code = 0, .text = std::string(version.what()) + "\n"});
  } catch (const CLI::ArgumentMismatch& error) {
    return std::unexpected(usage_error(without_value(error.what())));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage_error(error.what()));
  }
  if (const std::string problem = problem_with(app.remaining(), line.command, program); !problem.empty())
    return std::unexpected(usage_error(problem));
  std::map<const CLI::Option*, std::size_t> taken;
  for (const CLI::Option* option : app.parse_order()) {
    const auto flag = flags.find(option);
    if (flag == flags.end()) continue;
    const std::string problem = take(*flag->second, option->results().at(taken[option]++), line);
    if (!problem.empty()) return std::unexpected(usage_error(problem));
  }
  return line;
}

}  // namespace ruststream::inline v0::settings
