#pragma once
#include "host/ledger.hpp"
#include "host/test.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

struct Case;

enum class Judgement : std::uint8_t { pass, fail, crash, hang, skip, warn };
[[nodiscard]] std::string_view name_of(Judgement judgement) noexcept;

/// What became of one case for one kind.
struct Result {
  const Case* of = nullptr;
  std::string kind;
  std::uint64_t seed = 1;
  Judgement judgement = Judgement::pass;
  std::vector<Violation> violations;  // the first one is what it failed for
  std::vector<std::string> notes;     // why it was skipped, warnings
  std::vector<Measure> measures;
  std::string output;     // what the plugin wrote on its standard streams
  std::string backtrace;  // of a crash or a hang
  std::chrono::milliseconds took{0};

  [[nodiscard]] bool failed() const noexcept {
    return judgement == Judgement::fail || judgement == Judgement::crash || judgement == Judgement::hang;
  }
};

}  // namespace conformance
