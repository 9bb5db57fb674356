#include "options/value.hpp"
#include "show.hpp"
#include "text.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace ruststream::cli {
namespace {

using json = nlohmann::ordered_json;

std::string text(const json& of, const char* key) { return shown(of.value(key, std::string())); }

std::string list(const json& of, const char* key) {
  std::string all;
  for (const json& each : of.value(key, json::array())) {
    all += (all.empty() ? "" : ", ") + shown(each.get_ref<const std::string&>());
  }
  return all;
}

std::string doc_line(const json& of, const char* indent) {
  const std::string doc = text(of, "doc");
  return doc.empty() ? "" : indent + doc + "\n";
}

std::string padded(std::string name, std::size_t width) {
  name.resize(std::max(name.size() + 1, width), ' ');
  return name;
}

std::size_t width_of(const json& all, const char* key) {
  std::size_t most = 0;
  for (const json& each : all) most = std::max(most, text(each, key).size());
  return most + 2;
}

std::string row(const char* name, const std::string& value) {
  return value.empty() ? "" : "  " + padded(name, 12) + value + "\n";
}

std::string bound(const json& option, const char* key) {
  const auto value = option.at(key).get<std::int64_t>();
  const std::string type = option.at("type");
  if (type == "duration") return options::format_duration(static_cast<std::uint64_t>(value));
  if (type == "size") return options::format_size(static_cast<std::uint64_t>(value));
  return std::to_string(value);
}

/// `duration (a bare number: seconds), 1ms to 1m, default 5s, secret`; `u64 of messages`.
std::string traits(const json& option) {
  const std::string type = text(option, "type");
  std::string all = type;
  if (option.contains("unit")) {
    const std::string unit = text(option, "unit") + "s";
    all += type == "duration" || type == "size" ? " (a bare number: " + unit + ")" : " of " + unit;
  }
  if (option.contains("choices")) all += ": " + list(option, "choices");
  if (option.contains("min")) all += ", " + bound(option, "min") + " to " + bound(option, "max");
  if (option.contains("default")) all += ", default " + text(option, "default");
  if (option.contains("alias")) all += ", once called " + text(option, "alias");
  if (const std::string flags = list(option, "flags"); !flags.empty()) all += ", " + flags;
  if (option.contains("kinds")) all += ", of " + list(option, "kinds");
  return all;
}

std::string kinds(const json& plugin) {
  std::string all;
  for (const json& kind : plugin.at("kinds")) {
    all += "\nkind " + text(kind, "name") + ": " + list(kind, "roles") + (all.empty() ? " (the default)" : "") + "\n";
    all += doc_line(kind, "  ");
    const json& capabilities = kind.at("capabilities");
    const std::size_t width = width_of(capabilities, "capability");
    for (const json& each : capabilities) {
      all += "    " + padded(text(each, "capability"), width) + text(each, "declared") + "\n";
    }
  }
  return all;
}

std::string options_of(const json& plugin, const std::string& scope) {
  json those = json::array();
  for (const json& each : plugin.at("options")) {
    if (std::ranges::find(each.at("scopes"), json(scope)) != each.at("scopes").end()) those.push_back(each);
  }
  if (those.empty()) return {};
  std::string all = "\noptions: " + scope + "\n";
  const std::size_t width = width_of(those, "name");
  for (const json& each : those) {
    all += "  " + padded(text(each, "name"), width) + traits(each) + "\n" + doc_line(each, "      ");
  }
  return all;
}

/// Fields and statistics are told alike.
std::string named(const json& plugin, const char* key) {
  const json& those = plugin.at(key);
  std::string all = those.empty() ? "" : "\n" + std::string(key) + "\n";
  const std::size_t width = width_of(those, "name");
  for (const json& each : those) {
    all += "  " + padded(text(each, "name"), width) + traits(each) + "\n" + doc_line(each, "      ");
  }
  return all;
}

std::vector<std::string> scopes_of(const json& plugin) {
  std::vector<std::string> all;
  for (const json& option : plugin.at("options")) {
    for (const json& scope : option.at("scopes")) {
      if (std::ranges::find(all, scope.get<std::string>()) == all.end()) all.push_back(scope);
    }
  }
  return all;
}

}  // namespace

std::string text_of(const json& plugin) {
  std::string all = text(plugin, "name") + " " + text(plugin, "version") + "\n";
  all += row("file", plugin.at("file").is_null() ? "linked into libruststream" : text(plugin, "file"));
  all += row("vendor", text(plugin, "vendor"));
  all += row("contract", text(plugin, "contract"));
  all += row("runtime", text(plugin, "runtime"));
  all += row("schemes", list(plugin, "schemes"));
  all += row("extensions", list(plugin, "extensions"));
  all += kinds(plugin);
  for (const std::string& scope : scopes_of(plugin)) all += options_of(plugin, scope);
  return all + named(plugin, "fields") + named(plugin, "statistics");
}

}  // namespace ruststream::cli
