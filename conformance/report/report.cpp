#include "report/report.hpp"

#include "cases/case.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace conformance {
namespace {

std::string shell_quoted(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

/// Of the UTF-8 character at the beginning; 0 when there is none.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) return 0;
  }
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0U;
  const bool outside = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                       (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return outside ? 0 : length;
}

}  // namespace

std::string shown(const Measure& measure) {
  std::array<char, 32> digits{};
  if (measure.value < 100) {
    (void)std::snprintf(digits.data(), digits.size(), "%.2f", measure.value);
    return digits.data() + (" " + measure.unit);
  }
  std::string whole = std::to_string(std::llround(measure.value));
  for (std::size_t at = whole.size(); at > 3;) whole.insert(at -= 3, ",");
  return whole + " " + measure.unit;
}

std::size_t Report::count(Judgement judgement) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(results, judgement, &Result::judgement));
}

bool Report::failed() const noexcept { return std::ranges::any_of(results, &Result::failed); }

std::string without_password(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const std::size_t end = url.find_first_of("/?#", scheme + 3);
  const std::size_t at = url.rfind('@', end);
  const std::size_t colon = url.find(':', scheme + 3);
  if (at == std::string::npos || at < scheme || colon == std::string::npos || colon > at) return url;
  return url.substr(0, colon + 1) + "***" + url.substr(at);
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool shown = length != 0 && (first >= 0x20 || first == '\n' || first == '\t') && first != 0x7F;
    out += shown ? text.substr(0, length) : std::string_view("?");
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return out;
}

std::string replay(const Report& report, const Result& result) {
  const Errand& errand = report.errand;
  std::string command = "ruststream-conformance " + shell_quoted(errand.plugin);
  const auto add = [&](const std::string& flag, const std::string& value) {
    command += " " + flag + " " + shell_quoted(value);
  };
  if (!errand.url.empty()) add("--url", without_password(errand.url));
  for (const auto& [key, value] : errand.options) {
    const bool secret = std::ranges::find(report.about.secrets, key) != report.about.secrets.end();
    add("--option", key + "=" + (secret ? "***" : value));
  }
  if (!errand.testkit.empty() && !report.found_testkit) add("--testkit", errand.testkit);
  add("--filter", std::string(result.of->name));
  add("--kind", result.kind);
  add("--seed", std::to_string(result.seed));
  return command + (report.strict ? " --strict" : "");
}

}  // namespace conformance
