#include "survey.hpp"

#include "client/embedded.hpp"
#include "loader/search_path.hpp"
#include "options/table.hpp"
#include "platform/platform.hpp"

#include <algorithm>
#include <filesystem>

namespace ruststream::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLinked = "linked into libruststream";

Found found_linked(const rst_plugin& table) {
  Found found;
  found.level = kLinked;
  found.note = {.abi_major = table.abi_major,
                .abi_minor = table.abi_minor,
                .runtime = table.runtime,
                .name = std::string(options::view(table.name)),
                .version = std::string(options::view(table.version)),
                .schemes = options::schemes_of(table)};
  found.linked = &table;
  return found;
}

/// That of a service, but for what lies beside this program: `plugins/` there is no service's, and libruststream lies
/// in the library folder of the same tree.
loader::SearchPath search_path_of(const std::string& program) {
  loader::Surroundings around = loader::surroundings();
  around.library_directory = (fs::path(around.program_directory) / RUSTSTREAM_LIBRARIES).lexically_normal().string();
  around.program_directory.clear();
  if (!program.empty()) {
    const auto real = platform::real_path(program);
    around.program_directory = fs::path(real ? *real : fs::absolute(program).string()).parent_path().string();
  }
  return loader::search_path(around);
}

}  // namespace

const Found* Survey::find(std::string_view name) const {
  const auto has_name = [&](const Found& each) { return each.note.name == name; };
  const auto has_scheme = [&](const Found& each) {
    return std::ranges::find(each.note.schemes, name) != each.note.schemes.end();
  };
  const auto has_file = [&](const Found& each) {
    const fs::path path = fs::path(each.file).filename();
    return path == name || (path.extension() == ".so" && path.stem() == name);
  };
  auto found = std::ranges::find_if(plugins, has_name);
  if (found == plugins.end()) found = std::ranges::find_if(plugins, has_scheme);
  if (found == plugins.end()) found = std::ranges::find_if(plugins, has_file);
  return found == plugins.end() ? nullptr : &*found;
}

Survey survey(const std::string& program) {
  Survey made;
  for (const rst_plugin* const each : detail::embedded_plugins()) made.plugins.push_back(found_linked(*each));
  for (const loader::Level& level : search_path_of(program).levels) {
    for (loader::Directory& directory : loader::list_level(level)) {
      for (const loader::Candidate& file : directory.files) {
        made.plugins.push_back({.level = level.label, .file = file.path, .note = file.note, .refusal = file.refusal});
      }
      made.directories.push_back(std::move(directory));
    }
  }
  return made;
}

}  // namespace ruststream::cli
