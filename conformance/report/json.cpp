#include "report/json.hpp"

#include "cases/case.hpp"
#include "report/matrix.hpp"
#include "runner/rules.hpp"

#include <nlohmann/json.hpp>

namespace conformance {
namespace {

using json = nlohmann::ordered_json;

json of(const Report& report, const Result& result) {
  json one{{"case", result.of->name},       {"kind", result.kind},
           {"seed", result.seed},           {"verdict", name_of(result.judgement)},
           {"rule", result.of->rule},       {"says", result.of->says},
           {"took_ms", result.took.count()}};
  if (!result.notes.empty()) one["notes"] = result.notes;
  for (const Measure& each : result.measures)
    one["measures"].push_back({{"name", each.name}, {"value", each.value}, {"unit", each.unit}});
  if (!result.failed()) return one;
  for (const Violation& each : result.violations) {
    one["violations"].push_back(
        {{"rule", each.rule}, {"text", rule_text(each.rule)}, {"expected", each.expected}, {"seen", each.seen}});
  }
  if (!result.output.empty()) one["output"] = result.output;
  if (!result.backtrace.empty()) one["backtrace"] = result.backtrace;
  one["replay"] = replay(report, result);
  return one;
}

}  // namespace

std::string json_report(const Report& report) {
  json summary;
  for (const Judgement each : kJudgements) summary[name_of(each)] = report.count(each);
  json results = json::array();
  for (const Result& each : report.results) results.push_back(of(report, each));
  json capabilities = json::array();
  const Matrix matrix = matrix_of(report);
  for (const Matrix::Row& row : matrix.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      capabilities.push_back({{"capability", row.capability},
                              {"kind", matrix.kinds[i]},
                              {"declared", row.cells[i].declared},
                              {"state", name_of(row.cells[i].state)}});
    }
  }
  const json all{{"plugin",
                  {{"file", report.errand.plugin},
                   {"name", report.about.name},
                   {"version", report.about.version},
                   {"vendor", report.about.vendor},
                   {"kinds", matrix.kinds}}},
                 {"runner", RUSTSTREAM_VERSION},
                 {"contract", std::to_string(RST_ABI_MAJOR) + "." + std::to_string(RST_ABI_MINOR)},
                 {"strict", report.strict},
                 {"failed", report.failed()},
                 {"took_ms", report.took.count()},
                 {"summary", summary},
                 {"capabilities", capabilities},
                 {"results", results}};
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace conformance
