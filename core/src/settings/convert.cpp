#include "settings/convert.hpp"

#include "options/nearest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace ruststream::inline v0::settings {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::array<Unit, 7> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"d", 86'400'000'000'000}}};

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

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The whole number at the start of `text`, which is advanced past it.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

std::string where(const Setting& setting) { return options::printable(setting.key) + " (" + setting.source + ")"; }

Result<std::string> as_text(const Setting& setting) {
  if (setting.is_list) return fail(Code::option, where(setting) + ": expected one text, got a list");
  return setting.items.front();
}

std::vector<std::string> as_list(const Setting& setting) {
  if (setting.is_list) return setting.items;
  std::vector<std::string> parts;
  std::string_view rest = setting.items.front();
  while (!trim(rest).empty()) {
    const auto comma = rest.find(',');
    parts.emplace_back(trim(rest.substr(0, comma)));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return parts;
}

Result<bool> as_bool(const Setting& setting) {
  if (!setting.is_list) {
    const std::string text = lower(setting.items.front());
    if (text == "true" || text == "on" || text == "yes" || text == "1") return true;
    if (text == "false" || text == "off" || text == "no" || text == "0") return false;
  }
  return refuse(setting, "true or false");
}

Result<std::int64_t> as_integer(const Setting& setting, std::int64_t min, std::int64_t max) {
  if (!setting.is_list) {
    std::string_view text = setting.items.front();
    const auto number = take_number(text);
    if (number && text.empty() && *number >= min && *number <= max) return *number;
  }
  return refuse(setting, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

Result<std::chrono::nanoseconds> as_duration(const Setting& setting) {
  constexpr std::string_view kExpected = "a duration such as 250ms, 5s or 2m";
  if (setting.is_list) return refuse(setting, kExpected);
  std::string_view text = setting.items.front();
  const auto number = take_number(text);
  if (!number || *number < 0) return refuse(setting, kExpected);
  if (*number == 0 && text.empty()) return std::chrono::nanoseconds(0);
  const auto* const unit = std::ranges::find(kUnits, text, &Unit::name);
  if (unit == kUnits.end()) return refuse(setting, kExpected);
  if (*number > std::numeric_limits<std::int64_t>::max() / unit->nanoseconds)
    return refuse(setting, "a duration of at most 292 years");
  return std::chrono::nanoseconds(*number * unit->nanoseconds);
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
