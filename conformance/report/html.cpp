#include "report/html.hpp"

#include "cases/case.hpp"
#include "report/html_style.hpp"
#include "report/matrix.hpp"
#include "runner/rules.hpp"

#include <map>
#include <sstream>

namespace conformance {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string tag(std::string_view look, std::string_view text) {
  return "<span class=\"tag " + std::string(look) + "\">" + escaped(text) + "</span>";
}

void item(std::ostream& out, std::string_view name, std::string_view text) {
  out << "<dt>" << name << "</dt><dd>" << escaped(text) << "</dd>";
}

void block(std::ostream& out, std::string_view title, std::string_view text) {
  if (!text.empty()) out << "<p class=soft>" << title << "</p><pre>" << escaped(text) << "</pre>";
}

void head(std::ostream& out, const Report& report) {
  const About& about = report.about;
  out << "<header><p class=soft>ruststream conformance</p><h1>" << escaped(about.name) << ' ' << escaped(about.version)
      << ' ' << (report.failed() ? tag("fail", "does not conform") : tag("pass", "conforms")) << "</h1><p class=soft>"
      << escaped(about.vendor) << (about.vendor.empty() ? "" : " · ") << escaped(report.errand.plugin) << " · contract "
      << RST_ABI_MAJOR << '.' << RST_ABI_MINOR << " · runner " << RUSTSTREAM_VERSION << " · "
      << report.took.count() / 1000 << '.' << report.took.count() / 100 % 10 << " s"
      << (report.strict ? " · strict" : "") << "</p><ul class=counts>";
  for (const Judgement each : kJudgements) {
    const std::size_t count = report.count(each);
    if (count != 0) out << "<li>" << tag(name_of(each), std::to_string(count) + " " + std::string(name_of(each)));
  }
  out << "</ul></header>";
}

void failure(std::ostream& out, const Report& report, const Result& result) {
  out << "<section class=\"card bad-card\"><h3>" << tag(name_of(result.judgement), name_of(result.judgement)) << ' '
      << escaped(result.of->name) << "</h3><p class=soft>kind " << escaped(result.kind) << " · "
      << escaped(result.of->says) << "</p>";
  for (const Violation& each : result.violations) {
    out << "<dl>";
    item(out, "rule " + each.rule, rule_text(each.rule));
    item(out, "expected", each.expected);
    item(out, "seen", each.seen);
    out << "</dl>";
  }
  block(out, "the plugin printed", result.output);
  block(out, "backtrace", result.backtrace);
  block(out, "replay", replay(report, result));
  out << "</section>";
}

void matrix(std::ostream& out, const Report& report) {
  const Matrix shown = matrix_of(report);
  if (shown.rows.empty()) return;
  out << "<h2>Capabilities</h2><div class=\"card wide\"><table><thead><tr><th>capability</th>";
  for (const std::string& kind : shown.kinds) out << "<th>" << escaped(kind) << "</th>";
  out << "</tr></thead><tbody>";
  for (const Matrix::Row& row : shown.rows) {
    out << "<tr><th>" << escaped(row.capability) << "</th>";
    for (const Cell& cell : row.cells) {
      out << "<td>" << tag(name_of(cell.state), name_of(cell.state)) << "<span class=soft>" << escaped(cell.declared)
          << "</span></td>";
    }
    out << "</tr>";
  }
  out << "</tbody></table></div><p class=soft>observed: declared, and a case saw it work · untested: declared, no case "
         "of this run shows it · failed: declared, and does not work · warned: not declared, and yet it works</p>";
}

void measures(std::ostream& out, const Report& report) {
  std::ostringstream rows;
  for (const Result& result : report.results) {
    for (const Measure& each : result.measures)
      rows << "<tr><th>" << escaped(each.name) << "</th><td>" << escaped(result.kind) << "</td><td>"
           << escaped(shown(each)) << "</td></tr>";
  }
  if (rows.view().empty()) return;
  out << "<h2>Measured</h2><div class=\"card wide\"><table><tbody>" << rows.view() << "</tbody></table></div>";
}

std::string group_of(const Result& result) {
  const std::string name(result.of->name);
  return name.substr(0, name.find('.'));
}

void cases(std::ostream& out, const Report& report) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Result*>> groups;
  for (const Result& each : report.results) {
    auto& group = groups[group_of(each)];
    if (group.empty()) order.push_back(group_of(each));
    group.push_back(&each);
  }
  out << "<h2>Cases</h2>";
  for (const std::string& name : order) {
    std::map<Judgement, std::size_t> counts;
    for (const Result* const each : groups[name]) ++counts[each->judgement];
    out << "<details class=card><summary>" << escaped(name);
    for (const auto& [judgement, count] : counts) {
      out << tag(name_of(judgement), std::to_string(count) + " " + std::string(name_of(judgement)));
    }
    out << "</summary><div class=wide><table><tbody>";
    for (const Result* const each : groups[name]) {
      out << "<tr><td>" << tag(name_of(each->judgement), name_of(each->judgement)) << "</td><td>"
          << escaped(each->of->says) << "<span class=soft>" << escaped(each->of->name) << " · " << escaped(each->kind)
          << " · rule " << escaped(each->of->rule);
      if (!each->failed()) {
        for (const std::string& note : each->notes) out << " · " << escaped(note);
      }
      out << "</span></td></tr>";
    }
    out << "</tbody></table></div></details>";
  }
}

}  // namespace

std::string html_report(const Report& report) {
  std::ostringstream out;
  out << "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport "
         "content=\"width=device-width,initial-scale=1\"><title>"
      << escaped(report.about.name) << " conformance</title><style>" << kStyle << "</style></head><body><main>";
  head(out, report);
  if (report.failed()) out << "<h2>Failures</h2>";
  for (const Result& each : report.results) {
    if (each.failed()) failure(out, report, each);
  }
  matrix(out, report);
  measures(out, report);
  cases(out, report);
  out << "</main></body></html>\n";
  return out.str();
}

}  // namespace conformance
