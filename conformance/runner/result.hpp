#pragma once
#include "host/ledger.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace conformance {

enum class Judgement : std::uint8_t { pass, fail, crash, hang, skip, warn };

/// What became of one case for one kind.
struct Result {
  std::string name;  // of the case
  std::string kind;
  Judgement judgement = Judgement::pass;
  std::vector<Violation> violations;  // the first one is what it failed for
  std::vector<std::string> notes;     // why it was skipped, warnings
  std::string output;                 // what the plugin wrote on its standard streams
  std::string backtrace;              // of a crash or a hang
  std::chrono::milliseconds took{0};
};

}  // namespace conformance
