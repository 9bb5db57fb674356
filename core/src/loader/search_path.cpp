#include "loader/search_path.hpp"

#include "platform/platform.hpp"

#include <cstdlib>
#include <string_view>
#include <utility>

namespace ruststream::inline v0::loader {
namespace {

Level from_variable(std::string_view text, bool elevated) {
  Level level{.label = kPathVariable, .directories = {}, .ignored = {}};
  if (elevated) {
    level.ignored = "the process has more rights than the user who started it";
    return level;
  }
  while (true) {
    const std::size_t colon = text.find(':');
    if (level.directories.size() == kMaxDirectories) {
      level.ignored = "it names more than " + std::to_string(kMaxDirectories) + " directories";
      return level;
    }
    if (colon != 0 && !text.empty()) level.directories.emplace_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return level;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace

Surroundings surroundings() {
  Surroundings around;
  if (const char* variable = std::getenv(kPathVariable)) around.variable = variable;
  around.elevated = platform::elevated();
  around.program_directory = platform::executable_directory();
  around.library_directory = platform::library_directory();
  return around;
}

SearchPath search_path(const Surroundings& around) {
  SearchPath path;
  if (around.variable) path.levels.push_back(from_variable(*around.variable, around.elevated));
  if (!around.program_directory.empty()) {
    path.levels.push_back(
        {.label = "beside the program", .directories = {around.program_directory + "/plugins"}, .ignored = {}});
  }
  if (!around.library_directory.empty()) {
    path.levels.push_back(
        {.label = "installed", .directories = {around.library_directory + "/ruststream/plugins"}, .ignored = {}});
  }
  return path;
}

}  // namespace ruststream::inline v0::loader
