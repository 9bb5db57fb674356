#include "report/text.hpp"

#include "cases/case.hpp"
#include "runner/rules.hpp"

#include <sstream>

namespace conformance {
namespace {

void indented(std::ostream& out, std::string_view text, std::string_view margin) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    out << margin << line << '\n';
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
    out << "  expected  " << each.expected << '\n';
    out << "  seen      " << each.seen << '\n';
  }
  block(out, "the plugin printed", result.output);
  block(out, "backtrace", result.backtrace);
  out << "  replay    " << replay(report, result) << '\n';
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
  out << '\n' << report.about.name << ' ' << report.about.version << ": " << report.count(Judgement::pass) << " passed";
  for (const Judgement each : {Judgement::fail, Judgement::crash, Judgement::hang, Judgement::warn, Judgement::skip}) {
    if (const std::size_t count = report.count(each); count != 0) out << ", " << count << ' ' << name_of(each);
  }
  out << " in " << static_cast<double>(report.took.count() / 100) / 10 << " s\n";
  return out.str();
}

}  // namespace conformance
