#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace ruststream::inline v0::loader {

constexpr const char* kPathVariable = "RUSTSTREAM_PLUGIN_PATH";
constexpr std::size_t kMaxDirectories = 32;  // in the variable

/// Directories that count as one place: a scheme found in any of them hides the levels below, and two plugins of one
/// scheme among them are refused.
struct Level {
  std::string label;  ///< for people: `RUSTSTREAM_PLUGIN_PATH`, `beside the program`, `installed`
  std::vector<std::string> directories;
  std::string ignored;  ///< why the level is not searched, empty when it is
};

/// Where plugins are searched by scheme, first level first. Before all of them come a plugin named by its path and
/// those linked into the application; see Loader.
struct SearchPath {
  std::vector<Level> levels;
};

/// What the search path is made of.
struct Surroundings {
  std::optional<std::string> variable;  ///< RUSTSTREAM_PLUGIN_PATH: directories joined by colons
  bool elevated = false;                ///< the environment is not to be trusted (AT_SECURE)
  std::string program_directory;        ///< `plugins/` in it is the application's own level
  std::string library_directory;        ///< of libruststream.so; `ruststream/plugins/` in it is the installed level
};

/// The surroundings of this process.
[[nodiscard]] Surroundings surroundings();

[[nodiscard]] SearchPath search_path(const Surroundings& around);

}  // namespace ruststream::inline v0::loader
