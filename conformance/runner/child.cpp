#include "runner/child.hpp"

#include "cases/case.hpp"
#include "host/doing.hpp"
#include "host/options.hpp"
#include "runner/crash_handler.hpp"
#include "runner/nearest.hpp"
#include "runner/process.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace conformance {
namespace {

using nlohmann::json;

/// One line of JSON to the parent; whole, or not at all when the parent is gone.
void send(int report, const json& line) {
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t now = ::write(report, text.data() + sent, text.size() - sent);
    if (now <= 0) return;
    sent += static_cast<std::size_t>(now);
  }
}

json of(const std::vector<Violation>& violations) {
  json all = json::array();
  for (const Violation& each : violations)
    all.push_back({{"rule", each.rule}, {"expected", each.expected}, {"seen", each.seen}});
  return all;
}

json describe(const Plugin& plugin) {
  const rst_plugin& table = plugin.table();
  json kinds = json::array();
  for (const Kind& kind : plugin.kinds()) {
    json capabilities = json::array();
    for (const rst_capability& each : kind.capabilities) {
      capabilities.push_back({{"id", each.id}, {"level", each.level}, {"flags", each.flags}, {"limit", each.limit}});
    }
    kinds.push_back({{"name", kind.name}, {"roles", kind.roles}, {"capabilities", capabilities}});
  }
  json schemes = json::array();
  for (std::uint32_t i = 0; i < table.scheme_count; ++i) schemes.push_back(view(table.schemes[i]));
  json secrets = json::array();  // names of options, an alias included
  for (std::uint32_t i = 0; i < table.option_count; ++i) {
    const rst_option_decl& option = plugin.option(i);
    if ((option.flags & RST_OPTION_SECRET) == 0) continue;
    secrets.push_back(view(option.name));
    if (option.alias.len != 0) secrets.push_back(view(option.alias));
  }
  return {{"name", view(table.name)},
          {"version", view(table.version)},
          {"vendor", view(table.vendor)},
          {"runtime", table.runtime},
          {"schemes", schemes},
          {"kinds", kinds},
          {"secrets", secrets}};
}

/// The testkit's file, then what the command line says. Read in this process, since it comes with the plugin.
std::expected<Testkit, std::string> testkit_of(const Errand& errand) {
  Testkit kit;
  if (!errand.testkit.empty()) {
    auto read = Testkit::read(errand.testkit);
    if (!read) return read;
    kit = std::move(*read);
  }
  if (!errand.url.empty()) kit.url = errand.url;
  for (const auto& option : errand.options) {
    std::erase_if(kit.options, [&](const auto& earlier) { return earlier.first == option.first; });
    kit.options.push_back(option);
  }
  return kit;
}

/// What of a testkit does not fit the plugin, one on a line.
std::string misfits(const Testkit& kit, const Plugin& plugin) {
  std::vector<std::string> kinds;
  for (const Kind& each : plugin.kinds()) kinds.push_back(each.name);
  std::string all;
  const auto add = [&](const std::string& text) { all += (all.empty() ? "" : "\n") + text; };
  const auto check_kind = [&](const std::string& where, const std::string& name) {
    if (plugin.find_kind(name) == nullptr)
      add(where + ": the plugin has no kind `" + name + "`" + did_you_mean(name, kinds));
  };
  const auto check_options = [&](const std::string& where, const OptionTexts& texts) {
    if (const auto made = OptionArray::make(plugin, texts); !made) add(where + ": " + made.error());
  };
  check_options("options", kit.options);
  check_options("backpressure_options", kit.backpressure_options);
  check_options("disconnect_options", kit.disconnect_options);
  for (const auto& [name, of] : kit.kinds) {
    const std::string where = "kinds." + name;
    check_kind(where, name);
    if (!of.publish_kind.empty()) check_kind(where + ".publish_kind", of.publish_kind);
    for (const OptionTexts* const each : {&of.subscription_options, &of.publisher_options, &of.admin_options,
                                          &of.rebalance_options, &of.ack_deadline_options})
      check_options(where, *each);
  }
  return all;
}

/// The case's own address space: its name and the seed, in letters that any broker takes.
std::string unique_name(const Errand& errand) {
  std::string name =
      errand.name + "-" + errand.kind + "-" + std::to_string(errand.seed) + "-" + std::to_string(::getpid());
  std::ranges::replace(name, '.', '-');
  return name;
}

std::string missing(const Case& of, const Kind& kind) {
  std::string names;
  for (const std::uint32_t id : of.needs) {
    if (id != 0 && !kind.can(id)) names += (names.empty() ? "" : ", ") + capability_name(id);
  }
  return names;
}

/// Another process of this case, until it ends, or is killed after a third of the case's time.
Apart run_apart(Errand errand, const std::string& unique, const std::string& role,
                const std::vector<std::string>& under) {
  errand.apart = role;
  errand.unique = unique;
  errand.report = 1;
  errand.doing = -1;
  Pipe pipe;
  const pid_t process = spawn({.arguments = {"--child", errand.to_json()},
                               .environment = own_environment(),
                               .output = pipe.write.get(),
                               .errors = pipe.write.get(),
                               .on_parent_death = SIGKILL,
                               .under = under});
  pipe.write.close();
  Apart ended;
  constexpr std::size_t kLimit = 1U << 20U;
  const auto deadline = std::chrono::steady_clock::now() + errand.timeout / 3;
  for (bool more = true; more;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    pollfd wait{pipe.read.get(), POLLIN, 0};
    (void)::poll(&wait, 1, static_cast<int>(left.count()));
    more = drain(pipe.read.get(), ended.output, kLimit);
  }
  if (std::chrono::steady_clock::now() >= deadline) ::kill(process, SIGKILL);
  ::waitpid(process, &ended.status, 0);
  return ended;
}

json run_case(const Plugin& plugin, const Errand& errand, const Testkit& kit) {
  const Case* const found = find_case(errand.name);
  const Kind* const kind = plugin.find_kind(errand.kind);
  if (found == nullptr || kind == nullptr) return {{"error", "no such case or kind"}};
  const std::string unique = errand.unique.empty() ? unique_name(errand) : errand.unique;
  static Test* test = nullptr;  // kept where a case has failed, and found by a sanitizer that looks for leaks
  test = new Test(plugin, *kind, kit, unique, errand.seed);
  test->apart = errand.apart;
  test->start_apart = [&](const std::string& role, const std::vector<std::string>& under) {
    return run_apart(errand, unique, role, under);
  };
  std::string skipped;
  const auto body = [&] {
    if (!errand.apart.empty() && found->apart != nullptr) return found->apart(*test);
    if (found->wanted_by(*kind)) return found->run(*test);
    if (found->undeclared == nullptr) Test::skip("the kind does not declare " + missing(*found, *kind));
    found->undeclared(*test);
  };
  try {
    body();
    test->end();
    test->check();
  } catch (const CaseEnded& ended) {
    skipped = ended.skipped;
  }
  json result{{"violations", of(test->ledger.violations())}, {"warnings", test->warnings}};
  for (const Measure& each : test->measures)
    result["measures"].push_back({{"name", each.name}, {"value", each.value}, {"unit", each.unit}});
  if (!skipped.empty() && test->ledger.clean()) result["skipped"] = skipped;
  return result;
}

json do_errand(const Errand& errand, const Plugin& plugin, Testkit& kit) {
  const rst_plugin& table = plugin.table();
  if (kit.url.empty() && table.scheme_count != 0) kit.url = std::string(view(table.schemes[0])) + ":";
  if (!errand.name.empty()) return {{"result", run_case(plugin, errand, kit)}};
  const Doing doing("its declarations");
  const std::string against = misfits(kit, plugin);
  if (!against.empty())
    return {{"unusable", (errand.testkit.empty() ? "the command line" : errand.testkit) + ": " + against}};
  return {{"plugin", describe(plugin)}};
}

}  // namespace

void run_child(const Errand& errand) {
  if (errand.report > 2) ::fcntl(errand.report, F_SETFD, FD_CLOEXEC);
  if (errand.doing > 2) DoingBoard::adopt(errand.doing);
  install_crash_handler(errand.report);
  json line;
  auto kit = testkit_of(errand);
  if (!kit) {
    line = {{"unusable", kit.error()}};
  } else if (auto plugin = Plugin::load(errand.plugin); !plugin) {
    line = {{"error", plugin.error()}};
  } else {
    line = do_errand(errand, *plugin, *kit);
  }
  send(errand.report, line);
  const bool failed = line.contains("result") && !line["result"]["violations"].empty();
  if (failed) ::_exit(0);  // nothing of a broken plugin is to run any more
  std::exit(0);            // as a host does: its static destructors run (rule T5)
}

}  // namespace conformance
