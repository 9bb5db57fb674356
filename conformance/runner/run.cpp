#include "runner/run.hpp"

#include "report/text.hpp"
#include "runner/judge.hpp"

#include <cstdio>
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

}  // namespace

int run(const CommandLine& line) {
  if (line.errand.plugin.empty()) return list_all(line.selection);
  Report report{.about = {}, .errand = line.errand, .strict = line.strict, .results = {}};
  report.errand.plugin = path_of(line.errand.plugin);
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
  const std::vector<Errand> errands = errands_of(report.errand, *planned);
  report.results.resize(errands.size());
  sandbox.run(errands, [&](std::size_t i, const Ended& ended) {
    Result result = judge(*(*planned)[i].of, errands[i], ended);
    if (line.strict && result.judgement == Judgement::warn) {
      result.judgement = Judgement::fail;
      for (const std::string& note : result.notes)
        result.violations.push_back({std::string(result.of->rule), "no warning (--strict)", note});
    }
    report.results[i] = std::move(result);
  });
  report.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  std::cout << text_report(report);
  return report.failed() ? kSomethingFailed : kNothingFailed;
}

}  // namespace conformance
