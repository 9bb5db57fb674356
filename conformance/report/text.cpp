#include "report/text.hpp"

#include "cases/case.hpp"
#include "report/matrix.hpp"
#include "runner/rules.hpp"

#include <sstream>

namespace conformance {
namespace {

void indented(std::ostream& out, std::string_view text, std::string_view margin) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    out << margin << printable(line) << '\n';
  }
}

void block(std::ostream& out, std::string_view title, std::string_view text) {
  if (text.empty()) return;
  out << "  " << title << '\n';
  indented(out, text, "    ");
}

void failure(std::ostream& out, const Report& report, const Result& result) {
  out << '\n' << name_of(result.judgement) << "  " << result.of->name << "  [" << result.kind << "]\n";
  out << "  " << result.of->says << '\n';
  for (const Violation& each : result.violations) {
    const std::string_view rule = rule_text(each.rule);
    out << "  rule      " << each.rule << (rule.empty() ? "" : ": ") << rule << '\n';
    out << "  expected  " << printable(each.expected) << '\n';
    out << "  seen      " << printable(each.seen) << '\n';
  }
  block(out, "the plugin printed", result.output);
  block(out, "backtrace", result.backtrace);
  out << "  replay    " << replay(report, result) << '\n';
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

void matrix(std::ostream& out, const Report& report) {
  const Matrix shown = matrix_of(report);
  if (shown.rows.empty()) return;
  std::vector<std::vector<std::string>> rows{{"capability"}};
  for (const std::string& kind : shown.kinds) rows.front().push_back(kind);
  for (const Matrix::Row& row : shown.rows) {
    rows.push_back({row.capability});
    for (const Cell& cell : row.cells) {
      rows.back().push_back(cell.state == Cell::State::absent ? "-"
                                                              : std::string(name_of(cell.state)) + " " + cell.declared);
    }
  }
  out << '\n';
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 2);
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) out << padded(row[i], widths[i]);
    out << row.back() << '\n';
  }
}

void measures(std::ostream& out, const Report& report) {
  bool first = true;
  for (const Result& result : report.results) {
    for (const Measure& each : result.measures) {
      if (std::exchange(first, false)) out << '\n';
      out << padded(each.name, 17) << padded(result.kind, 12) << shown(each) << '\n';
    }
  }
}

}  // namespace

std::string text_report(const Report& report) {
  std::ostringstream out;
  for (const Result& each : report.results) {
    if (each.failed()) failure(out, report, each);
  }
  for (const Result& each : report.results) {
    if (each.judgement != Judgement::warn) continue;
    for (const std::string& note : each.notes)
      out << "\nwarn  " << each.of->name << "  [" << each.kind << "]\n  " << note << '\n';
  }
  matrix(out, report);
  measures(out, report);
  out << '\n' << report.about.name << ' ' << report.about.version << ": " << report.count(Judgement::pass) << " passed";
  for (const Judgement each : {Judgement::fail, Judgement::crash, Judgement::hang, Judgement::warn, Judgement::skip}) {
    if (const std::size_t count = report.count(each); count != 0) out << ", " << count << ' ' << name_of(each);
  }
  out << " in " << report.took.count() / 1000 << '.' << report.took.count() / 100 % 10 << " s\n";
  return out.str();
}

}  // namespace conformance
