#include "runner/command_line.hpp"

#include "runner/duration.hpp"
#include "runner/nearest.hpp"

#include <ruststream/abi.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <thread>

namespace conformance {
namespace {

constexpr const char* kHelp = R"(ruststream-conformance PLUGIN.so [options]
Judges whether a broker plugin keeps the ruststream contract. Each case runs in
a process of its own; whatever the plugin does costs one case.

what to talk to
  --url URL            of the broker; the testkit's, else the plugin's first scheme
  --option KEY=VALUE   an option of the connection, as often as needed
  --testkit FILE       what the plugin needs to be tested; PLUGIN.testkit.toml or
                       testkit.toml beside the plugin is found without it
what to run
  --list               print the cases instead; without PLUGIN all there are
  --filter PATTERN     only cases whose name or rule matches: 'settle.*', S2
  --exclude PATTERN    not these; both may be given several times
  --kind KIND          only for this kind of the plugin
  --repeat N           each case N times, each with the next seed
  --seed N             where randomness begins (1)
how
  --jobs N             cases at once (one for each core)
  --timeout TIME       the longest that one case may take: 500ms, 30s, 2min (30s)
  --strict             a warning is a failure
  --json FILE, --junit FILE, --html FILE
                       the report in that form too; - is standard output
  --help, --version

exit code: 0 nothing failed, 1 something failed, 2 wrong usage, 3 could not run

  ruststream-conformance build/memory.so
  ruststream-conformance nats.so --url nats://localhost:4222 --strict
  ruststream-conformance mine.so --filter 'settle.*' --kind queue --seed 7
)";

struct Texts {
  std::vector<std::string> options;
  std::string timeout = "30s";
  bool help = false, version = false;
};

void declare(CLI::App& app, CommandLine& line, Texts& texts) {
  app.set_help_flag();
  app.allow_extras();
  app.add_option("PLUGIN", line.errand.plugin);
  app.add_option("--url", line.errand.url);
  app.add_option("--option", texts.options)->expected(1)->take_all()->allow_extra_args(false);
  app.add_option("--testkit", line.errand.testkit);
  app.add_flag("--list", line.list);
  app.add_option("--filter", line.selection.filters)->allow_extra_args(false);
  app.add_option("--exclude", line.selection.excludes)->allow_extra_args(false);
  app.add_option("--kind", line.selection.kind);
  app.add_option("--repeat", line.selection.repeat)->check(CLI::Range(1U, 1'000'000U));
  app.add_option("--seed", line.selection.seed);
  app.add_option("--jobs", line.jobs)->check(CLI::Range(1U, 256U));
  app.add_option("--timeout", texts.timeout);
  app.add_option("--json", line.json);
  app.add_option("--junit", line.junit);
  app.add_option("--html", line.html);
  app.add_flag("--strict", line.strict);
  app.add_flag("--help,-h", texts.help);
  app.add_flag("--version", texts.version);
}

/// What is against it, or nothing.
std::string finish(const CLI::App& app, CommandLine& line, const Texts& texts) {
  for (const std::string& each : app.remaining()) {
    if (!each.starts_with('-')) return "one plugin is tested at a time; `" + each + "` is one too many";
    const std::string name = each.substr(0, each.find('='));
    std::vector<std::string> known;
    for (const CLI::Option* const option : app.get_options()) known.push_back("--" + option->get_single_name());
    return "there is no option `" + name + "`" + did_you_mean(name, known);
  }
  for (const std::string& each : texts.options) {
    const std::size_t equals = each.find('=');
    if (equals == 0 || equals == std::string::npos) return "--option takes KEY=VALUE, not `" + each + "`";
    line.errand.options.emplace_back(each.substr(0, equals), each.substr(equals + 1));
  }
  const auto timeout = parse_duration(texts.timeout);
  if (!timeout) return "--timeout takes a time such as 500ms, 30s or 2min, not `" + texts.timeout + "`";
  line.errand.timeout = *timeout;
  line.errand.seed = line.selection.seed;
  if (line.errand.plugin.empty() && !line.list) return "name the plugin's .so file";
  return {};
}

}  // namespace

std::expected<CommandLine, Exit> read_command_line(int argc, char** argv) {
  CommandLine line;
  line.jobs = std::max(1U, std::thread::hardware_concurrency());
  Texts texts;
  CLI::App app;
  declare(app, line, texts);
  std::string against;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    against = error.what();
  }
  if (texts.help) {
    std::fputs(kHelp, stdout);
    return std::unexpected(kNothingFailed);
  }
  if (texts.version) {
    std::printf("ruststream-conformance %s, contract %d.%d\n", RUSTSTREAM_VERSION, RST_ABI_MAJOR, RST_ABI_MINOR);
    return std::unexpected(kNothingFailed);
  }
  if (against.empty()) against = finish(app, line, texts);
  if (against.empty()) return line;
  std::cerr << "ruststream-conformance: " << against << " (--help shows all)\n";
  return std::unexpected(kUsage);
}

}  // namespace conformance
