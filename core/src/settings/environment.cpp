#include "settings/environment.hpp"

#include "options/nearest.hpp"
#include "settings/keys.hpp"

#include <algorithm>
#include <utility>

namespace ruststream::inline v0::settings {
namespace {

std::string variable_for(std::string_view key) {
  std::string out(kEnvironmentPrefix);
  for (const char c : key) out += c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return out;
}

/// `RUSTSTREAM_SUBSCRIPTION__BILLING__KIND` to `subscription.billing.kind`.
std::string key_for(std::string_view variable) {
  for (const std::string_view key : kKeys)
    if (variable == variable_for(key)) return std::string(key);
  variable.remove_prefix(kEnvironmentPrefix.size());
  std::string out;
  while (!variable.empty()) {
    const bool is_dot = variable.starts_with("__");
    const char c = variable.front();
    out += is_dot ? '.' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    variable.remove_prefix(is_dot ? 2 : 1);
  }
  return out;
}

std::string warning(const std::string& variable) {
  std::vector<std::string> known{std::string(kConfigVariable), variable_for("broker")};
  for (const std::string_view key : kKeys) known.push_back(variable_for(key));
  const std::string_view meant = options::nearest(variable, known);
  // Every name shares the prefix, so only one that is near without it was meant.
  const bool near =
      !meant.empty() && !options::nearest(std::string_view(variable).substr(kEnvironmentPrefix.size()),
                                          std::vector{std::string(meant.substr(kEnvironmentPrefix.size()))})
                             .empty();
  std::string text = variable + " is no setting and was ignored";
  if (near) return text + "; did you mean `" + std::string(meant) + "`?";
  for (const std::string_view section : kSections) {
    const std::string name = variable_for(section) + "_";
    if (variable.starts_with(name)) return text.append("; two underscores are the dot, as in ").append(name) + "_NAME";
  }
  return text;
}

}  // namespace

Environment read_environment(const char* const* environ) {
  Environment out;
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    const std::string_view entry(*environ);
    const auto equals = entry.find('=');
    if (!entry.starts_with(kEnvironmentPrefix) || equals == std::string_view::npos) continue;
    out.push_back(Variable{std::string(entry.substr(0, equals)), std::string(entry.substr(equals + 1))});
  }
  return out;
}

std::vector<std::string> apply_environment(const Environment& environment, Settings& settings) {
  std::vector<std::string> warnings;
  for (const Variable& variable : environment) {
    if (variable.name == kConfigVariable || variable.name == kPluginPathVariable) continue;
    std::string key = key_for(variable.name);
    if (!is_known(key) || key == "plugin.path") {
      warnings.push_back(warning(variable.name));
    } else {
      settings.set(Layer::environment, std::move(key), variable.value, variable.name);
    }
  }
  return warnings;
}

}  // namespace ruststream::inline v0::settings
