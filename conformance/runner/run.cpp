#include "runner/run.hpp"

#include "report/html.hpp"
#include "report/json.hpp"
#include "report/junit.hpp"
#include "report/progress.hpp"
#include "report/text.hpp"
#include "runner/judge.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace conformance {
namespace {

constexpr std::chrono::seconds kDescribeLimit{10};

int could_not_run(const std::string& sentence) {
  std::cerr << "ruststream-conformance: " << sentence << '\n';
  return kCouldNotRun;
}

/// An absolute path that dlopen takes for a path.
std::string path_of(const std::string& plugin) {
  return plugin.find('/') == std::string::npos ? "./" + plugin : plugin;
}

/// PLUGIN.testkit.toml or testkit.toml beside the plugin; empty when neither is there.
std::string testkit_beside(const std::filesystem::path& plugin) {
  std::error_code none;
  for (const auto& name : {plugin.stem().string() + ".testkit.toml", std::string("testkit.toml")}) {
    const auto path = plugin.parent_path() / name;
    if (std::filesystem::is_regular_file(path, none)) return path.string();
  }
  return {};
}

void print(const Case& of, std::string_view kinds) {
  std::printf("%-42s %-6s %s\n", std::string(of.name).c_str(), std::string(of.rule).c_str(),
              std::string(kinds).c_str());
  std::printf("    %s\n", std::string(of.says).c_str());
}

int list_all(const Selection& selection) {
  bool any = false;
  for (const Case& each : all_cases()) {
    if (!selected(each, selection)) continue;
    print(each, "");
    any = true;
  }
  return any ? kNothingFailed : could_not_run(nothing_selected(selection));
}

void list(const std::vector<Planned>& planned) {
  for (std::size_t i = 0; i < planned.size();) {
    std::string kinds;
    const Case* const of = planned[i].of;
    for (; i < planned.size() && planned[i].of == of; ++i) {
      if (i == 0 || planned[i - 1].of != of || planned[i - 1].kind != planned[i].kind) kinds += " " + planned[i].kind;
    }
    print(*of, kinds);
  }
}

std::vector<Errand> errands_of(const Errand& common, const std::vector<Planned>& planned) {
  std::vector<Errand> all;
  for (const Planned& each : planned) {
    all.push_back(common);
    all.back().name = each.of->name;
    all.back().kind = each.kind;
    all.back().seed = each.seed;
  }
  return all;
}

/// A warning is a failure then: of the rule that the case is about.
void make_strict(Result& result) {
  if (result.judgement != Judgement::warn) return;
  result.judgement = Judgement::fail;
  for (const std::string& note : result.notes) {
    result.violations.push_back({std::string(result.of->rule), "no warning (--strict)", note});
  }
}

std::vector<Result> run_all(Sandbox& sandbox, const std::vector<Errand>& errands, const std::vector<Planned>& planned,
                            bool strict) {
  std::vector<Result> results(errands.size());
  Progress progress(errands.size());
  sandbox.run(
      errands,
      [&](std::size_t i, const Ended& ended) {
        results[i] = judge(*planned[i].of, errands[i], ended);
        if (strict) make_strict(results[i]);
        progress.done(results[i]);
      },
      [&](std::size_t i) { progress.begun(errands[i].name); });
  return results;
}

/// Whether the file took it; "-" is standard output.
bool write(const std::string& path, const std::string& text) {
  if (path == "-") return static_cast<bool>(std::cout << text << std::flush);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file.good();
}

int write_reports(const CommandLine& line, const Report& report) {
  const bool takes_stdout = line.json == "-" || line.junit == "-" || line.html == "-";
  (takes_stdout ? std::cerr : std::cout) << text_report(report) << std::flush;
  for (const auto& [path, render] : {std::pair{&line.json, &json_report}, std::pair{&line.junit, &junit_report},
                                     std::pair{&line.html, &html_report}}) {
    if (!path->empty() && !write(*path, render(report))) {
      return could_not_run(*path + ": the report cannot be written there; give a path that can be written");
    }
  }
  return report.failed() ? kSomethingFailed : kNothingFailed;
}

}  // namespace

int run(const CommandLine& line) {
  if (line.errand.plugin.empty()) return list_all(line.selection);
  Report report;
  report.errand = line.errand;
  report.strict = line.strict;
  report.errand.plugin = path_of(line.errand.plugin);
  if (report.errand.testkit.empty()) {
    report.errand.testkit = testkit_beside(report.errand.plugin);
    report.found_testkit = true;
  }
  Sandbox sandbox(line.jobs);
  Errand asking = report.errand;
  asking.timeout = std::min<std::chrono::milliseconds>(asking.timeout, kDescribeLimit);
  auto about = describe(sandbox, asking);
  if (!about) return could_not_run(about.error());
  report.about = std::move(*about);
  const auto planned = plan(report.about, line.selection);
  if (!planned) return could_not_run(planned.error());
  if (line.list) return list(*planned), kNothingFailed;
  const auto begin = std::chrono::steady_clock::now();
  report.results = run_all(sandbox, errands_of(report.errand, *planned), *planned, line.strict);
  report.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  return write_reports(line, report);
}

}  // namespace conformance
