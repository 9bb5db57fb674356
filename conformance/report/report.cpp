#include "report/report.hpp"

#include "cases/case.hpp"

#include <algorithm>

namespace conformance {
namespace {

std::string shell_quoted(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

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
  if (!errand.testkit.empty()) add("--testkit", errand.testkit);
  add("--filter", std::string(result.of->name));
  add("--kind", result.kind);
  add("--seed", std::to_string(result.seed));
  return command + (report.strict ? " --strict" : "");
}

}  // namespace conformance
