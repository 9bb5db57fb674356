#include "settings/convert.hpp"

#include "options/nearest.hpp"
#include "options/value.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace ruststream::inline v0::settings {
namespace {

constexpr std::size_t kMaxQuoted = 40;  ///< so that a pasted novel does not become the message

std::unexpected<Error> refuse(const Setting& setting, std::string_view expected) {
  const std::string written =
      setting.is_list ? "a list" : "`" + options::printable(setting.items.front(), kMaxQuoted) + "`";
  return fail(Code::option, where(setting) + ": expected " + std::string(expected) + ", got " + written);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

std::string where(const Setting& setting) { return options::printable(setting.key) + " (" + setting.source + ")"; }

Result<std::string> as_text(const Setting& setting) {
  if (setting.is_list) return fail(Code::option, where(setting) + ": expected one text, got a list");
  return setting.items.front();
}

std::vector<std::string> as_list(const Setting& setting) {
  return setting.is_list ? setting.items : options::split_list(setting.items.front());
}

Result<bool> as_bool(const Setting& setting) {
  const auto value = setting.is_list ? std::nullopt : options::parse_bool(setting.items.front());
  if (!value) return refuse(setting, "true or false");
  return *value;
}

Result<std::int64_t> as_integer(const Setting& setting, std::int64_t min, std::int64_t max) {
  if (!setting.is_list) {
    const std::string& text = setting.items.front();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number >= min && number <= max) return number;
  }
  return refuse(setting, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

Result<std::chrono::nanoseconds> as_duration(const Setting& setting) {
  constexpr std::string_view kExpected = "a duration such as 250ms, 5s or 1m30s";
  if (setting.is_list) return refuse(setting, kExpected);
  const auto parsed = options::parse_duration(setting.items.front(), RST_UNIT_NONE);
  if (!parsed) return refuse(setting, kExpected);
  if (std::cmp_greater(*parsed, std::numeric_limits<std::int64_t>::max()))
    return refuse(setting, "a duration of at most 292 years");
  return std::chrono::nanoseconds(*parsed);
}

Result<std::size_t> as_choice(const Setting& setting, std::span<const std::string_view> choices) {
  if (!setting.is_list) {
    const auto at = std::ranges::find(choices, lower(setting.items.front()));
    if (at != choices.end()) return static_cast<std::size_t>(at - choices.begin());
  }
  std::string listed;
  for (const std::string_view choice : choices) listed += (listed.empty() ? "" : ", ") + std::string(choice);
  auto refused = refuse(setting, "one of " + listed);
  if (!setting.is_list) refused.error().text += options::did_you_mean(setting.items.front(), choices);
  return refused;
}

}  // namespace ruststream::inline v0::settings
