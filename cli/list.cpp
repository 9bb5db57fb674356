#include "list.hpp"

#include "survey.hpp"
#include "text.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace ruststream::cli {
namespace {

using json = nlohmann::ordered_json;

std::string state_of(const loader::Directory& directory) {
  if (directory.absent) return " (does not exist)";
  if (!directory.refusal.empty()) return " (refused: " + directory.refusal + ")";
  return directory.files.empty() ? " (empty)" : "";
}

std::string line_of(const Found& found) {
  const std::string file = std::filesystem::path(found.file).filename().string();
  if (found.note.name.empty()) return "  " + shown(file) + ": refused: " + found.refusal + "\n";
  std::string line = "  " + found.note.name + " " + found.note.version + "  " + joined(found.note.schemes, ", ");
  if (!file.empty()) line += "  " + shown(file);
  if (found.note.runtime != RST_RUNTIME_NONE) line += "  " + std::string(loader::runtime_name(found.note.runtime));
  if (!found.refusal.empty()) line += "  refused: " + found.refusal;
  return line + "\n";
}

std::string text_of(const Survey& all) {
  std::string text;
  auto each = all.plugins.begin();
  for (; each != all.plugins.end() && each->linked != nullptr; ++each) {
    text += (text.empty() ? each->level + "\n" : "") + line_of(*each);
  }
  for (const loader::Directory& directory : all.directories) {
    text += directory.level + (directory.path == directory.level ? "" : ": " + shown(directory.path)) +
            state_of(directory) + "\n";
    for (std::size_t i = 0; i < directory.files.size(); ++i) text += line_of(*each++);  // they are in this order
  }
  return text;
}

json json_of(const Survey& all) {
  json plugins = json::array();
  for (const Found& each : all.plugins) {
    json one{{"level", each.level}};
    if (!each.file.empty()) one["file"] = each.file;
    if (!each.note.name.empty()) {
      one.update({{"name", each.note.name},
                  {"version", each.note.version},
                  {"schemes", each.note.schemes},
                  {"runtime", loader::runtime_name(each.note.runtime)},
                  {"contract", std::to_string(each.note.abi_major) + "." + std::to_string(each.note.abi_minor)}});
    }
    if (!each.refusal.empty()) one["refusal"] = each.refusal;
    plugins.push_back(std::move(one));
  }
  json directories = json::array();
  for (const loader::Directory& each : all.directories) {
    json one{{"level", each.level}, {"path", each.path}, {"exists", !each.absent}};
    if (!each.absent && !each.refusal.empty()) one["refusal"] = each.refusal;
    directories.push_back(std::move(one));
  }
  return {{"plugins", plugins}, {"directories", directories}};
}

}  // namespace

Exit list(const CommandLine& line) {
  const Survey all = survey(line.program);
  return print(line.json ? dumped(json_of(all)) : text_of(all));
}

}  // namespace ruststream::cli
