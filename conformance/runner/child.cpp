#include "runner/child.hpp"

#include "cases/case.hpp"
#include "host/doing.hpp"
#include "runner/crash_handler.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <nlohmann/json.hpp>
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

Testkit testkit_of(const Errand& errand, const Plugin& plugin) {
  Testkit kit;
  if (!errand.testkit.empty()) {
    if (auto read = Testkit::read(errand.testkit)) kit = std::move(*read);
  }
  if (!errand.url.empty()) kit.url = errand.url;
  if (kit.url.empty() && plugin.table().scheme_count != 0) kit.url = std::string(view(plugin.table().schemes[0])) + ":";
  for (const auto& option : errand.options) kit.options.push_back(option);
  return kit;
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

json run_case(const Plugin& plugin, const Errand& errand) {
  const Case* const found = find_case(errand.name);
  const Kind* const kind = plugin.find_kind(errand.kind);
  if (found == nullptr || kind == nullptr) return {{"error", "no such case or kind"}};
  const Testkit kit = testkit_of(errand, plugin);
  auto* const test = new Test(plugin, *kind, kit, unique_name(errand), errand.seed);  // kept where a case has failed
  std::string skipped;
  const auto body = [&] {
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
  if (!skipped.empty() && test->ledger.clean()) result["skipped"] = skipped;
  return result;
}

}  // namespace

void run_child(const Errand& errand) {
  if (errand.report > 2) ::fcntl(errand.report, F_SETFD, FD_CLOEXEC);
  if (errand.doing > 2) DoingBoard::adopt(errand.doing);
  install_crash_handler(errand.report);
  auto plugin = Plugin::load(errand.plugin);
  json line;
  if (!plugin) {
    line = {{"error", plugin.error()}};
  } else if (errand.name.empty()) {
    const Doing doing("its declarations");
    line = {{"plugin", describe(*plugin)}};
  } else {
    line = {{"result", run_case(*plugin, errand)}};
  }
  send(errand.report, line);
  const bool failed = line.contains("result") && !line["result"]["violations"].empty();
  if (failed) ::_exit(0);  // nothing of a broken plugin is to run any more
  std::exit(0);            // as a host does: its static destructors run (rule T5)
}

}  // namespace conformance
