#include "settings/keys.hpp"

#include "options/nearest.hpp"
#include "settings/convert.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace ruststream::inline v0::settings {
namespace {

std::string list(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

bool has_empty_part(std::string_view key) {
  return key.empty() || key.front() == '.' || key.back() == '.' || key.find("..") != std::string_view::npos;
}

/// The whole key first, then its first part, which keeps the rest: `subscriptions.billing.kind`.
std::string suggestion(std::string_view key) {
  const std::string_view whole = options::nearest(key, kKeys);
  if (!whole.empty()) return std::string(whole);
  const std::string_view first = key.substr(0, key.find('.'));
  const std::string_view section = options::nearest(first, kSections);
  return section.empty() ? std::string() : std::string(section) + std::string(key.substr(first.size()));
}

std::string unknown(const Setting& setting) {
  const std::string meant = suggestion(setting.key);
  if (!meant.empty()) return where(setting) + ": unknown key; did you mean `" + options::printable(meant) + "`?";
  return where(setting) + ": unknown key; the keys are " + list(kKeys) + " and those below " + list(kSections);
}

template <class T>
Result<void> only_error(const Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

}  // namespace

bool is_known(std::string_view key) {
  return std::ranges::find(kKeys, key) != kKeys.end() ||
         std::ranges::find(kSections, key.substr(0, key.find('.'))) != kSections.end();
}

Result<void> check(const Setting& setting) {
  if (!is_known(setting.key)) return fail(Code::option, unknown(setting));
  if (has_empty_part(setting.key)) return fail(Code::option, where(setting) + ": a part of the key is empty");
  if (setting.key == "log.level") return only_error(as_choice(setting, kLogLevels));
  if (setting.key == "log.format") return only_error(as_choice(setting, kLogFormats));
  if (setting.key == "drain_timeout" || setting.key == "hook_timeout") return only_error(as_duration(setting));
  if (setting.key == "broker" && setting.is_list) return only_error(as_text(setting));
  for (const std::string_view section : {kSections[1], kSections[2], kSections[3]})
    if (setting.key == section)
      return fail(Code::option, where(setting) + ": expected a section with keys below it, got a value");
  return {};
}

}  // namespace ruststream::inline v0::settings
