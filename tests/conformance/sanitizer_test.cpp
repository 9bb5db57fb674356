// What the runner says of a plugin that a sanitizer reports, where both are built with it.
#include "run_runner.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace {

using conformance_test::run;
using nlohmann::json;

struct Reported {
  std::string plugin, filter, rule, seen;
  std::string shown;  // of the whole report
};

#if __has_feature(thread_sanitizer)
const Reported kAll[] = {
    {"RACES", "settle.ack-is-final", "S1", "ThreadSanitizer: data race", "Previous write of size 4"}};
#else
const Reported kAll[] = {
    {"USES_FREED", "settle.ack-is-final", "S1", "AddressSanitizer: heap-use-after-free", "freed by thread"},
    {"OVERFLOWS", "settle.ack-is-final", "S1", "UndefinedBehaviorSanitizer: undefined-behavior",
     "signed integer overflow"},
    {"LEAKS", "settle.attempt-counts-retries", "L3", "leaked in", "Direct leak of"},
};
#endif

TEST(Sanitizers, AReportIsACrashOfItsCaseAndIsShown) {
  for (const Reported& each : kAll) {
    const auto ran = run(HOSTILE + each.plugin + ".so --json - --filter " + each.filter);
    EXPECT_EQ(ran.exit, 1) << each.plugin << ran.errors;
    const json report = json::parse(ran.out, nullptr, false);
    ASSERT_TRUE(report.is_object()) << each.plugin << ran.out << ran.errors;
    ASSERT_EQ(report["results"].size(), 1U) << each.plugin;
    const json& result = report["results"][0];
    EXPECT_EQ(result["verdict"], "crash") << each.plugin << result.dump(1);
    ASSERT_FALSE(result["violations"].empty()) << each.plugin;
    const json& violation = result["violations"].back();
    EXPECT_EQ(violation["rule"], each.rule) << each.plugin << result.dump(1);
    EXPECT_NE(violation["seen"].get<std::string>().find(each.seen), std::string::npos) << result.dump(1);
    EXPECT_NE(result.value("output", "").find(each.shown), std::string::npos) << result.dump(1);
  }
}

}  // namespace
