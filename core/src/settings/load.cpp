#include "settings/load.hpp"

#include "settings/keys.hpp"
#include "settings/toml_file.hpp"

#include <utility>

namespace ruststream::inline v0::settings {
namespace {

std::string config_file(const CommandLine& line, const Environment& environment) {
  if (!line.config.empty()) return line.config;
  for (const Variable& variable : environment)
    if (variable.name == kConfigVariable) return variable.value;
  return {};
}

void apply_flags(const CommandLine& line, Settings& settings) {
  for (const CommandLine::Assignment& assignment : line.assignments)
    settings.set(Layer::flags, assignment.key, assignment.value, assignment.flag);
  if (line.plugins.empty()) return;
  Setting plugins;
  plugins.key = "plugin.path";
  plugins.items = line.plugins;
  plugins.is_list = true;
  plugins.layer = Layer::flags;
  plugins.source = "--plugin";
  settings.set(std::move(plugins));
}

}  // namespace

Result<Loaded> load(const CommandLine& line, const Environment& environment, Settings defaults) {
  Loaded out{.settings = std::move(defaults), .warnings = {}};
  std::string problems;
  const auto note = [&problems](const Result<void>& result) {
    if (!result) problems += (problems.empty() ? "" : "\n") + result.error().text;
  };
  if (const std::string file = config_file(line, environment); !file.empty()) note(apply_toml_file(file, out.settings));
  out.warnings = apply_environment(environment, out.settings);
  apply_flags(line, out.settings);
  for (const auto& [key, setting] : out.settings.all()) note(check(setting));
  if (!problems.empty()) return fail(Code::option, std::move(problems));
  return out;
}

}  // namespace ruststream::inline v0::settings
