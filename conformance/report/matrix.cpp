#include "report/matrix.hpp"

#include "cases/case.hpp"
#include "host/capability_text.hpp"

#include <algorithm>
#include <array>

namespace conformance {
namespace {

Cell cell_of(const Report& report, const Kind& kind, std::uint32_t id) {
  Cell cell;
  const rst_capability capability = kind.capability(id);
  cell.declared = capability_text(capability);
  const bool is_declared = capability.level != RST_LEVEL_NONE;
  if (is_declared) cell.state = Cell::State::untested;
  for (const Result& each : report.results) {
    if (each.of->observes != id || each.kind != kind.name) continue;
    if (each.failed()) {
      cell.state = Cell::State::failed;
    } else if (is_declared && each.judgement != Judgement::skip && cell.state != Cell::State::failed) {
      cell.state = Cell::State::observed;
    } else if (!is_declared && each.judgement == Judgement::warn && cell.state == Cell::State::absent) {
      cell.state = Cell::State::warned;
    }
  }
  return cell;
}

}  // namespace

std::string_view name_of(Cell::State state) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"absent", "untested", "observed", "failed", "warned"};
  return kNames.at(static_cast<std::size_t>(state));
}

Matrix matrix_of(const Report& report) {
  Matrix matrix;
  for (const Kind& each : report.about.kinds) matrix.kinds.push_back(each.name);
  std::uint32_t last = RST_CAP_RETAINED;
  for (const Kind& each : report.about.kinds) {
    for (const rst_capability& known : each.capabilities) {
      constexpr std::uint32_t kMost = 4096;  // unknown ids are tolerated, a table of nonsense is not shown whole
      if (known.id <= kMost) last = std::max(last, known.id);
    }
  }
  for (std::uint32_t id = 1; id <= last; ++id) {
    Matrix::Row row{capability_name(id), {}};
    for (const Kind& each : report.about.kinds) row.cells.push_back(cell_of(report, each, id));
    const auto is_absent = [](const Cell& cell) { return cell.state == Cell::State::absent; };
    if (!std::ranges::all_of(row.cells, is_absent)) matrix.rows.push_back(std::move(row));
  }
  return matrix;
}

}  // namespace conformance
