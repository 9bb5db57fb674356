#include "scaffold.hpp"

#include "options/nearest.hpp"
#include "platform/platform.hpp"
#include "text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

namespace ruststream::cli {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

struct Language {
  std::string_view sdk;   // a file that shows where its SDK is; empty: CMake finds the installed package
  std::string_view next;  // builds it and tests it
};
constexpr std::string_view kCmake = "cmake -B build && cmake --build build && ctest --test-dir build";
constexpr Language kHow[] = {{"", kCmake},
                             {"", kCmake},
                             {"rust/Cargo.toml", "cargo build --release && cargo test"},
                             {"go/go.mod", "make && make test"}};
static_assert(std::size(kHow) == std::size(kLanguages));

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

/// Beside this program, in an installed tree and in that of a build.
std::string own_sdk() {
  return (fs::path(platform::executable_directory()) / RUSTSTREAM_SDKS).lexically_normal().string();
}

/// The folder that holds the language's SDK, as it stands in the files that are made.
std::expected<std::string, std::string> sdk_of(const CommandLine& line, const Language& language) {
  if (language.sdk.empty()) return std::string();
  std::string folder = fs::absolute(line.sdk.empty() ? own_sdk() : line.sdk).lexically_normal().string();
  if (folder.find_first_of("\"\\\n") != std::string::npos) {
    return std::unexpected(shown(folder) + " cannot be written into " +
                           std::string(language.sdk.substr(language.sdk.rfind('/') + 1)) +
                           ", for its quotes, backslashes or line breaks; name the SDK's folder by another path");
  }
  std::error_code none;
  if (fs::exists(fs::path(folder) / language.sdk, none)) return folder;
  return std::unexpected("there is no SDK for " + line.language + " in " + shown(folder) +
                         "; name with --sdk the folder abi of ruststream's sources, or of PREFIX/share/ruststream");
}

std::string for_shell(const std::string& path) {
  const bool plain = path.find_first_of(" \t\n'\"\\$`&|;<>()*?[]{}~#!") == std::string::npos;
  return plain ? path : "'" + replaced(path, "'", "'\\''") + "'";
}

/// What stands against writing it, or nothing.
std::string write(const fs::path& path, const std::string& text) {
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file.good() ? "" : shown(path.string()) + " cannot be written: " + std::strerror(errno);
}

}  // namespace

std::string why_no_name(const std::string& name) {
  constexpr std::size_t kMost = 32;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  if (name.empty()) return "name the plugin";
  const bool plain = kLetters.find(name.front()) != std::string_view::npos &&
                     name.find_first_not_of(std::string(kLetters) + "0123456789") == std::string::npos;
  if (plain && name.size() <= kMost) return {};
  return "`" + options::printable(name) + "` cannot name a plugin: it is its URLs' scheme too, so small letters and " +
         "digits, a letter first, and at most " + std::to_string(kMost);
}

Exit new_plugin(const CommandLine& line) {
  const Language& language = kHow[std::ranges::find(kLanguages, line.language) - std::begin(kLanguages)];
  if (language.sdk.empty() && !line.sdk.empty()) {
    return stop(kUsage,
                "--sdk is for rust and go: in C and C++ CMake finds the installed package, by CMAKE_PREFIX_PATH");
  }
  const auto sdk = sdk_of(line, language);
  if (!sdk) return stop(kNotDone, sdk.error());
  const fs::path folder = line.folder.empty() ? line.name : line.folder;
  std::error_code none;
  if (fs::exists(fs::symlink_status(folder, none))) {
    return stop(kNotDone, shown(folder.string()) + " is there already; name another folder with --dir");
  }
  std::vector<std::string> made;
  for (const Template& each : templates()) {
    if (each.language != line.language) continue;
    made.push_back(replaced(std::string(each.path), kPlaceholder, line.name));
    std::string text = replaced(std::string(each.text), kPlaceholder, line.name);
    text = replaced(replaced(std::move(text), "@SDK@", *sdk), "@VERSION@", RUSTSTREAM_COMPATIBLE);
    if (const std::string wrong = write(folder / made.back(), text); !wrong.empty()) return stop(kNotDone, wrong);
  }
  const std::string next = "cd " + for_shell(folder.string()) + " && " + std::string(language.next);
  if (line.json) return print(dumped({{"folder", folder.string()}, {"files", made}, {"next", next}}));
  return print("made " + shown(folder.string()) + ": " + joined(made, ", ") + "\nnext: " + next + "\n");
}

}  // namespace ruststream::cli
