#include "settings/report.hpp"

#include "options/nearest.hpp"
#include "options/url.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace ruststream::inline v0::settings {
namespace {

constexpr std::size_t kMaxAligned = 60;  ///< a longer line does not push all the others' sources to the right

std::string shown(const std::string& item) {
  return "\"" + (item.find("://") == std::string::npos ? options::printable(item) : options::redact(item)) + "\"";
}

std::string value_of(const Setting& setting) {
  if (!setting.is_list) return shown(setting.items.front());
  std::string out = "[";
  for (const std::string& item : setting.items) out += (out.size() == 1 ? "" : ", ") + shown(item);
  return out + "]";
}

}  // namespace

std::string report(const Settings& settings, const std::function<bool(const Setting&)>& is_secret) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::size_t width = 0;
  for (const auto& [key, setting] : settings.all()) {
    lines.emplace_back(options::printable(key) + " = " + (is_secret(setting) ? "***" : value_of(setting)),
                       setting.source);
    if (lines.back().first.size() <= kMaxAligned) width = std::max(width, lines.back().first.size());
  }
  std::string out;
  for (auto& [line, source] : lines) {
    line.resize(std::max(line.size(), width), ' ');
    out += line + "  # " + source + "\n";
  }
  return out;
}

}  // namespace ruststream::inline v0::settings
