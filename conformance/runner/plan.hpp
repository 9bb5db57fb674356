#pragma once
#include "cases/case.hpp"
#include "runner/about.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace conformance {

/// Which cases are wanted.
struct Selection {
  std::vector<std::string> filters, excludes;  // patterns over a case's name, or its rule
  std::string kind;                            // empty: all
  std::uint64_t seed = 1;
  std::uint32_t repeat = 1;  // with the seed, the seed + 1 …
};

/// One run of a case to come.
struct Planned {
  const Case* of;
  std::string kind;
  std::uint64_t seed;
};

[[nodiscard]] bool selected(const Case& of, const Selection& selection);
/// All runs, in the order of the contract. A sentence when there are none, or the kind is not one of the plugin's.
[[nodiscard]] std::expected<std::vector<Planned>, std::string> plan(const About& about, const Selection& selection);
/// The sentence when no case is selected.
[[nodiscard]] std::string nothing_selected(const Selection& selection);

}  // namespace conformance
