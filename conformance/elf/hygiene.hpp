#pragma once
#include "elf/library.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// Something about a file that should be otherwise. A warning is one sentence, in `seen`.
struct Finding {
  bool warning = false;
  std::string expected = {}, seen = {};
};
using Findings = std::vector<Finding>;

/// A statement about a plugin's file that is judged without loading it: by a case of the runner, and by
/// `ruststream plugins verify`.
struct FileCheck {
  std::string_view name;  // of the case that says it, with what can only be seen of a loaded library
  std::string_view says;
  Findings (*look)(const Library& library, const std::string& path);
};

// What each of them looks at.
[[nodiscard]] Findings look_at_symbols(const Library& library, const std::string& path);
[[nodiscard]] Findings look_at_unique_symbols(const Library& library, const std::string& path);
[[nodiscard]] Findings look_at_relocations(const Library& library, const std::string& path);
[[nodiscard]] Findings look_at_private_copies(const Library& library, const std::string& path);
[[nodiscard]] Findings look_at_static_tls(const Library& library, const std::string& path);
[[nodiscard]] Findings look_at_binding(const Library& library, const std::string& path);

inline constexpr std::array kFileChecks{
    FileCheck{"entry.one-symbol", "The file exports exactly one rst_ symbol, the entry, and nothing else.",
              &look_at_symbols},
    FileCheck{"entry.no-unique-symbols",
              "No symbol is exported as GNU_UNIQUE: two plugins would share it, whatever they are built of.",
              &look_at_unique_symbols},
    FileCheck{"entry.no-text-relocations", "The file has no text relocations and asks for no executable stack.",
              &look_at_relocations},
    FileCheck{"entry.little-static-tls",
              "What is thread-local does not use up the little room that a process has for libraries loaded late.",
              &look_at_static_tls},
    FileCheck{"entry.binds-at-once",
              "The file binds its symbols when it is loaded, so that a missing one is no crash later.",
              &look_at_binding},
    FileCheck{"entry.dependencies", "No library that it needs is a copy of its own, found by its own search paths.",
              &look_at_private_copies}};

/// The first few, for a report.
[[nodiscard]] std::string some_of(const std::vector<std::string>& names);

}  // namespace conformance
