#include "show.hpp"

#include "describe.hpp"
#include "options/nearest.hpp"
#include "survey.hpp"
#include "text.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace ruststream::cli {
namespace {

using json = nlohmann::ordered_json;

std::string unknown(const std::string& name, const Survey& all) {
  std::vector<std::string> known;
  for (const Found& each : all.plugins) {
    if (!each.note.name.empty()) known.push_back(each.note.name);
    known.insert(known.end(), each.note.schemes.begin(), each.note.schemes.end());
  }
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string meant = options::did_you_mean(name, views);
  return "no plugin is called `" + options::printable(name) + "`" +
         (meant.empty() ? "; `ruststream plugins list` shows those that are found" : meant);
}

Exit finish(const CommandLine& line, const Result<json>& described, const std::string& file) {
  if (!described) return stop(described.error().code == Code::not_found ? kNotDone : kFault, described.error().text);
  json document{{"file", file.empty() ? json(nullptr) : json(file)}};
  document.update(*described);
  return print(line.json ? dumped(document) : text_of(document));
}

}  // namespace

Exit show(const CommandLine& line) {
  const bool is_path = line.plugin.find('/') != std::string::npos;
  const Survey all = is_path ? Survey() : survey(line.program);
  const Found* const found = all.find(line.plugin);
  std::error_code none;
  if (found == nullptr && (is_path || std::filesystem::exists(line.plugin, none))) {
    return finish(line, describe_file(line.plugin), line.plugin);
  }
  if (found == nullptr) return stop(kNotDone, unknown(line.plugin, all));
  if (!found->refusal.empty()) return stop(kFault, "plugin " + shown(found->file) + " is refused: " + found->refusal);
  const Result<json> described = found->linked != nullptr ? describe(*found->linked) : describe_file(found->file);
  return finish(line, described, found->file);
}

}  // namespace ruststream::cli
