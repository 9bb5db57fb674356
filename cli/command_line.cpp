#include "command_line.hpp"

#include "options/nearest.hpp"
#include "scaffold.hpp"

#include <ruststream/abi.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string_view>

namespace ruststream::cli {
namespace {

using Command = CommandLine::Command;

constexpr std::string_view kExitCodes =
    "Exit code: 0 done, 1 something is wrong with a plugin, 2 wrong usage, 3 something was not there, or could not be "
    "read or written.";

/// A group is a command whose next word is a command too.
CLI::App& group(CLI::App& parent, const std::string& name, const std::string& doc) {
  CLI::App& made = *parent.add_subcommand(name, doc);
  made.allow_extras()->require_subcommand(0, 1);
  return made;
}

CLI::App& leaf(CLI::App& parent, const std::string& name, const std::string& doc, Command command, CommandLine& line) {
  CLI::App& made = *parent.add_subcommand(name, doc);
  made.allow_extras()->callback([&line, command] { line.command = command; });
  return made;
}

template <class Value>
CLI::Option& add(CLI::App& to, const char* name, Value& value, const char* type, const char* doc) {
  return *to.add_option(name, value, doc)->type_name(type);
}

void declare_plugins(CLI::App& plugins, CommandLine& line) {
  constexpr const char* kJson = "Print JSON";
  constexpr const char* kProgram = "Search what this program would: the folder plugins/ beside it too";
  CLI::App& list = leaf(plugins, "list", "What a service would find, by the notes in the files: runs nothing of them",
                        Command::list, line);
  list.add_flag("--json", line.json, kJson);
  add(list, "--program", line.program, "FILE", kProgram);
  CLI::App& show =
      leaf(plugins, "show", "All that a plugin declares; it is loaded into a process of its own", Command::show, line);
  add(show, "PLUGIN", line.plugin, "", "A name or a scheme that `list` shows, or a file");
  show.add_flag("--json", line.json, kJson);
  add(show, "--program", line.program, "FILE", kProgram);
  CLI::App& verify = leaf(plugins, "verify",
                          "Whether files are fit to be loaded into any process; runs nothing of them. "
                          "ruststream-conformance judges what they do",
                          Command::verify, line);
  add(verify, "FILE", line.files, "", "Shared libraries");
  verify.add_flag("--strict", line.strict, "A warning is a failure");
  verify.add_flag("--json", line.json, kJson);
}

std::string finish_new_plugin(const CommandLine& line) {
  constexpr const char* kAll = "c, cpp, rust or go";
  if (std::string wrong = why_no_name(line.name); !wrong.empty()) return wrong;
  if (line.language.empty()) return std::string("say in which language: --lang ") + kAll;
  if (std::ranges::find(kLanguages, line.language) != std::end(kLanguages)) return {};
  const std::string meant = options::did_you_mean(line.language, kLanguages);
  return "there is no scaffold in `" + options::printable(line.language) + "`" +
         (meant.empty() ? std::string("; it is --lang ") + kAll : meant);
}

/// What is missing in what was understood, or nothing.
std::string finish(const CLI::App& app, const CommandLine& line) {
  switch (line.command) {
    case Command::none: {
      std::string names;
      for (const CLI::App* const each : app.get_subcommands({}))
        names += (names.empty() ? "" : ", ") + each->get_name();
      return "a command is missing; the commands are: " + names;
    }
    case Command::list: return {};
    case Command::show: return line.plugin.empty() ? "name a plugin, or its file" : "";
    case Command::verify: return line.files.empty() ? "name the files to look at" : "";
    case Command::new_plugin: return finish_new_plugin(line);
    case Command::completion:
      return line.shell == "bash" ? ""
                                  : "say for which shell: bash is the one there is, and zsh reads it by bashcompinit";
  }
  return {};
}

/// The command that was named last; the app itself when none was.
const CLI::App& chosen(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

/// What is against a word that was not understood.
std::string against(const std::string& word, const CLI::App& app) {
  std::vector<std::string> known;
  if (word.starts_with('-')) {
    const std::string name = word.substr(0, word.find('='));
    for (const CLI::Option* const each : app.get_options()) {
      if (!each->get_lnames().empty()) known.push_back("--" + each->get_lnames().front());
    }
    const std::vector<std::string_view> views(known.begin(), known.end());
    return "there is no option `" + options::printable(name) + "`" + options::did_you_mean(name, views);
  }
  for (const CLI::App* const each : app.get_subcommands({})) known.push_back(each->get_name());
  if (known.empty()) return "`" + options::printable(word) + "` is one word too many";
  const std::vector<std::string_view> views(known.begin(), known.end());
  std::string list;
  for (const std::string& each : known) list += (list.empty() ? "" : ", ") + each;
  const std::string meant = options::did_you_mean(word, views);
  return "there is no command `" + options::printable(word) + "`" +
         (meant.empty() ? "; the commands are: " + list : meant);
}

/// CLI11 begins what it says with the option.
std::string of_parser(const std::string& said, const CLI::App& app) {
  const std::string name = said.substr(0, said.find(':'));
  const CLI::Option* const option = app.get_option_no_throw(name);
  return option == nullptr ? said : name + " expects one " + option->get_type_name();
}

std::string full_name(const CLI::App& app) {
  return (app.get_parent() == nullptr ? "" : full_name(*app.get_parent()) + " ") + app.get_name();
}

}  // namespace

void declare(CLI::App& app, CommandLine& line) {
  app.name("ruststream");
  app.description("Looks at broker plugins, and makes new ones.");
  app.set_help_flag("-h,--help", "Print this and exit");
  app.set_version_flag("--version", std::string("ruststream ") + RUSTSTREAM_VERSION + ", contract " +
                                        std::to_string(RST_ABI_MAJOR) + "." + std::to_string(RST_ABI_MINOR));
  app.footer(std::string(kExitCodes));
  app.allow_extras()->require_subcommand(0, 1);
  declare_plugins(group(app, "plugins", "Look at plugins"), line);
  CLI::App& made = leaf(group(app, "new", "Begin something"), "plugin",
                        "A broker in one folder that builds, loads and passes its test", Command::new_plugin, line);
  add(made, "NAME", line.name, "", "Of the plugin, its folder and its URLs' scheme");
  add(made, "--lang", line.language, "LANGUAGE", "c, cpp, rust or go");
  made.add_flag("--json", line.json, "Print JSON");
  add(made, "--dir", line.folder, "FOLDER", "Where to make it: a folder that is not there yet (NAME)");
  add(made, "--sdk", line.sdk, "FOLDER",
      "Of rust and go: the folder that holds include/, rust/ and go/ (that of this installation)");
  CLI::App& completion =
      leaf(app, "completion", "A script for a shell: source <(ruststream completion bash)", Command::completion, line);
  add(completion, "SHELL", line.shell, "", "bash");
}

std::expected<CommandLine, Exit> read_command_line(int argc, char** argv) {
  CommandLine line;
  CLI::App app;
  declare(app, line);
  std::string wrong;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return std::unexpected(kDone);
  } catch (const CLI::CallForVersion& version) {
    std::printf("%s\n", version.what());
    return std::unexpected(kDone);
  } catch (const CLI::ParseError& error) {
    wrong = of_parser(error.what(), chosen(app));
  }
  const std::vector<std::string> rest = app.remaining(true);
  if (wrong.empty() && !rest.empty()) wrong = against(rest.front(), chosen(app));
  if (wrong.empty()) wrong = finish(chosen(app), line);
  if (wrong.empty()) return line;
  return std::unexpected(stop(kUsage, wrong + " (" + full_name(chosen(app)) + " --help shows all)"));
}

}  // namespace ruststream::cli
