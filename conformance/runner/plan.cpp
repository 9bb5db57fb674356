#include "runner/plan.hpp"

#include "runner/nearest.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace conformance {
namespace {

bool matches(const Case& of, const std::string& pattern) {
  return ::fnmatch(pattern.c_str(), std::string(of.name).c_str(), 0) == 0 ||
         ::fnmatch(pattern.c_str(), std::string(of.rule).c_str(), 0) == 0;
}

/// The kinds that a case runs for, with what was asked for.
std::vector<const Kind*> kinds_of(const Case& of, const About& about, const std::string& only) {
  std::vector<const Kind*> all;
  for (const Kind& kind : about.kinds) {
    if (!only.empty() && kind.name != only) continue;
    const bool fits =
        of.per == Case::Per::plugin || (of.per == Case::Per::subscription_kind ? kind.consumes() : kind.publishes());
    if (fits) all.push_back(&kind);
    if (of.per == Case::Per::plugin) break;
  }
  return all;
}

}  // namespace

bool selected(const Case& of, const Selection& selection) {
  const auto fits = [&](const std::string& pattern) { return matches(of, pattern); };
  return (selection.filters.empty() || std::ranges::any_of(selection.filters, fits)) &&
         std::ranges::none_of(selection.excludes, fits);
}

std::string nothing_selected(const Selection& selection) {
  std::vector<std::string> names;
  for (const Case& each : all_cases()) names.emplace_back(each.name);
  std::string asked;
  for (const std::string& each : selection.filters) asked += (asked.empty() ? "`" : ", `") + each + "`";
  const std::string near = selection.filters.empty() ? "" : did_you_mean(selection.filters.front(), names);
  return "no case is left of --filter " + (asked.empty() ? "`*`" : asked) +
         (selection.excludes.empty() ? "" : " after --exclude") + (near.empty() ? "; --list shows all" : near);
}

std::expected<std::vector<Planned>, std::string> plan(const About& about, const Selection& selection) {
  std::vector<std::string> kinds;
  for (const Kind& each : about.kinds) kinds.push_back(each.name);
  if (!selection.kind.empty() && std::ranges::find(kinds, selection.kind) == kinds.end()) {
    std::string known;
    for (const std::string& each : kinds) known += (known.empty() ? "" : ", ") + each;
    return std::unexpected("the plugin has no kind `" + selection.kind + "`; it has " + known);
  }
  std::vector<Planned> all;
  for (const Case& each : all_cases()) {
    if (!selected(each, selection)) continue;
    for (const Kind* const kind : kinds_of(each, about, selection.kind)) {
      for (std::uint32_t i = 0; i < selection.repeat; ++i) all.push_back({&each, kind->name, selection.seed + i});
    }
  }
  if (all.empty()) return std::unexpected(nothing_selected(selection));
  return all;
}

}  // namespace conformance
