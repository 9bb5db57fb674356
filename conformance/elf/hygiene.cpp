#include "elf/hygiene.hpp"

#include <ruststream/abi.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>

namespace conformance {
namespace {

Finding warning(std::string sentence) { return {.warning = true, .seen = std::move(sentence)}; }

/// Where a needed library comes from by the file's own search paths; empty when it is the system's.
std::string private_copy(const std::string& path, const Library& library, const std::string& needed) {
  const std::string origin = std::filesystem::absolute(path).parent_path();
  for (std::string directory : library.search_paths) {
    for (const std::string_view place : {"$ORIGIN", "${ORIGIN}"}) {
      if (const auto at = directory.find(place); at != std::string::npos) directory.replace(at, place.size(), origin);
    }
    std::error_code none;
    if (std::filesystem::exists(directory + "/" + needed, none)) return directory;
  }
  return {};
}

}  // namespace

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string all;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) all += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kShown ? all + " and " + std::to_string(names.size() - kShown) + " more" : all;
}

Findings look_at_symbols(const Library& library, const std::string&) {
  Findings found;
  std::vector<std::string> entries, others;
  for (const Library::Symbol& each : library.exported) {
    (each.name.starts_with("rst_") ? entries : others).push_back(each.name);
  }
  if (entries != std::vector<std::string>{RST_ENTRY_SYMBOL}) {
    found.push_back({.expected = "one exported rst_ symbol: " RST_ENTRY_SYMBOL, .seen = some_of(entries)});
  }
  if (!others.empty()) {
    found.push_back(warning("symbols besides the entry are exported and may be taken for another library's: " +
                            some_of(others) + "; hide them with a version script"));
  }
  return found;
}

Findings look_at_unique_symbols(const Library& library, const std::string&) {
  std::vector<std::string> unique;
  for (const Library::Symbol& each : library.exported) {
    if (each.unique) unique.push_back(each.name);
  }
  if (unique.empty()) return {};
  return {{.expected = "no symbol of binding GNU_UNIQUE", .seen = some_of(unique)}};
}

Findings look_at_relocations(const Library& library, const std::string&) {
  Findings found;
  if (library.text_relocations) {
    found.push_back({.expected = "no text relocations", .seen = "it has some; compile with -fPIC"});
  }
  if (library.executable_stack) {
    found.push_back({.expected = "no executable stack", .seen = "it asks for one; assemble with -Wa,--noexecstack"});
  }
  return found;
}

Findings look_at_private_copies(const Library& library, const std::string& path) {
  Findings found;
  for (const std::string& each : library.needed) {
    const std::string from = private_copy(path, library, each);
    if (from.empty()) continue;
    found.push_back(warning("its own copy of " + each + " in " + from +
                            " is not used when another plugin brought one of that name first; link it statically"));
  }
  return found;
}

Findings look_at_static_tls(const Library& library, const std::string&) {
  constexpr std::uint64_t kMost = 512;  // of some 1600 that all loaded libraries share
  if (!library.static_tls || library.tls_bytes <= kMost) return {};
  return {{.expected = "at most " + std::to_string(kMost) + " bytes of static TLS",
           .seen = std::to_string(library.tls_bytes)}};
}

Findings look_at_binding(const Library& library, const std::string&) {
  if (library.bind_now) return {};
  return {warning("the file binds lazily; link it with -Wl,-z,now")};
}

}  // namespace conformance
