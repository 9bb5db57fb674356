#include "report/junit.hpp"

#include "cases/case.hpp"
#include "runner/rules.hpp"

#include <cstdio>
#include <pugixml.hpp>
#include <sstream>

namespace conformance {
namespace {

std::string seconds(std::chrono::milliseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(time.count()) / 1000);
  return text.data();
}

void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(printable(value).c_str());
}

void add_failure(pugi::xml_node to, const Report& report, const Result& result) {
  pugi::xml_node node = to.append_child(result.judgement == Judgement::fail ? "failure" : "error");
  std::string text;
  for (const Violation& each : result.violations) {
    text += each.rule + ": " + std::string(rule_text(each.rule)) + "\nexpected: " + each.expected +
            "\nseen: " + each.seen + "\n";
  }
  if (!result.violations.empty()) {
    set(node, "message", result.violations.front().rule + ": " + result.violations.front().seen);
    set(node, "type", result.violations.front().rule);
  }
  if (!result.backtrace.empty()) text += "backtrace:\n" + result.backtrace;
  node.text().set(printable(text + "replay: " + replay(report, result) + "\n").c_str());
}

void add(pugi::xml_node suite, const Report& report, const Result& result) {
  pugi::xml_node node = suite.append_child("testcase");
  const std::string name(result.of->name);
  set(node, "classname", name.substr(0, name.find('.')));
  set(node, "name", name + " [" + result.kind + "] seed " + std::to_string(result.seed));
  set(node, "time", seconds(result.took));
  if (result.failed()) {
    add_failure(node, report, result);
  } else if (result.judgement == Judgement::skip) {
    set(node.append_child("skipped"), "message", result.notes.empty() ? "" : result.notes.back());
  }
  std::string output = result.output;
  if (result.judgement == Judgement::warn) {
    for (const std::string& note : result.notes) output += "warning: " + note + "\n";
  }
  if (!output.empty()) node.append_child("system-out").text().set(printable(output).c_str());
}

}  // namespace

std::string junit_report(const Report& report) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  set(declaration, "version", "1.0");
  set(declaration, "encoding", "UTF-8");
  pugi::xml_node suite = document.append_child("testsuites").append_child("testsuite");
  set(suite, "name", report.about.name + " " + report.about.version);
  set(suite, "tests", std::to_string(report.results.size()));
  set(suite, "failures", std::to_string(report.count(Judgement::fail)));
  set(suite, "errors", std::to_string(report.count(Judgement::crash) + report.count(Judgement::hang)));
  set(suite, "skipped", std::to_string(report.count(Judgement::skip)));
  set(suite, "time", seconds(report.took));
  for (const Result& each : report.results) add(suite, report, each);
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace conformance
