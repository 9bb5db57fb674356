#include "completion.hpp"

#include "command_line.hpp"
#include "scaffold.hpp"
#include "text.hpp"

#include <CLI/CLI.hpp>

#include <iterator>

namespace ruststream::cli {
namespace {

/// Shell words for what a value is called in the help.
std::string values_of(const std::string& type) {
  if (type == "FILE" || type == "FOLDER") return "$(compgen -f -- \"$word\")";
  if (type == "PLUGIN") {
    return "$(\"${COMP_WORDS[0]}\" plugins list 2>/dev/null | sed -n 's/^  \\([^ :]*\\) .*/\\1/p') " +
           values_of("FILE");
  }
  if (type == "LANGUAGE") return joined({std::begin(kLanguages), std::end(kLanguages)}, " ");
  return type == "SHELL" ? "bash" : "";
}

struct Cases {
  std::string paths;   // of commands, as patterns
  std::string values;  // after an option that takes one
  std::string words;   // within a command
};

void add(const CLI::App& app, const std::string& path, Cases& to) {
  std::string words;
  for (const CLI::App* const each : app.get_subcommands({})) words += each->get_name() + " ";
  for (const CLI::Option* const each : app.get_options()) {
    if (each->get_positional()) {
      words += values_of(each->get_name(true)) + " ";
      continue;
    }
    const std::string name = "--" + each->get_lnames().front();
    words += name + " ";
    if (each->get_expected_max() == 0) continue;
    to.values += "    '" + path + " " + name + "') words=\"" + values_of(each->get_type_name()) + "\" ;;\n";
  }
  to.words += "      '" + path + "') words=\"" + words + "\" ;;\n";
  if (!path.empty()) to.paths += (to.paths.empty() ? "'" : " | '") + path + "'";
  for (const CLI::App* const each : app.get_subcommands({})) add(*each, path + " " + each->get_name(), to);
}

}  // namespace

Exit print_completion() {
  CommandLine line;
  CLI::App app;
  declare(app, line);
  Cases cases;
  add(app, "", cases);
  return print(R"(# Made by `ruststream completion bash`.
_ruststream() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path='' words='' each
  for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $each" in
      )" + cases.paths +
               R"() path+=" $each" ;;
    esac
  done
  case "$path $before" in
)" + cases.values +
               R"(    *) case "$path" in
)" + cases.words +
               R"(    esac ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _ruststream ruststream
)");
}

}  // namespace ruststream::cli
