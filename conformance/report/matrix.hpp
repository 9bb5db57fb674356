#pragma once
#include "report/report.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace conformance {

/// What a kind says of one capability, and what its cases saw of it.
struct Cell {
  enum class State : std::uint8_t {
    absent,    // not declared, and nothing else was seen
    untested,  // declared; no case of this run has shown it
    observed,  // declared, and a case that proves it passed
    failed,    // declared, and a case that proves it failed
    warned,    // not declared, and yet it was seen
  };
  State state = State::absent;
  std::string declared;  // "native, up to 2 s"; empty when it is not declared
};

/// Capability by kind, only rows that some kind declares or some case has found.
struct Matrix {
  struct Row {
    std::string capability;
    std::vector<Cell> cells;  // one for each kind
  };
  std::vector<std::string> kinds;
  std::vector<Row> rows;
};
[[nodiscard]] Matrix matrix_of(const Report& report);
[[nodiscard]] std::string_view name_of(Cell::State state) noexcept;

}  // namespace conformance
