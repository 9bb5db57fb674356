#include "settings/environment.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ruststream::settings {
namespace {

TEST(Environment, KeepsOnlyVariablesWithThePrefix) {
  const std::array<const char*, 5> variables{"PATH=/bin", "RUSTSTREAM_BROKER=nats://x?a=b", "RUSTSTREAM_NOTHING",
                                             "XRUSTSTREAM_BROKER=y", nullptr};
  const Environment read = read_environment(variables.data());
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].name, "RUSTSTREAM_BROKER");
  EXPECT_EQ(read[0].value, "nats://x?a=b");
  EXPECT_TRUE(read_environment(nullptr).empty());
}

TEST(Environment, TakesADoubleUnderscoreForADotAndKnowsThePlainNames) {
  const struct {
    const char *name, *key;
  } cases[] = {{"RUSTSTREAM_BROKER", "broker"},
               {"RUSTSTREAM_BROKER__MAIN__TLS__CA", "broker.main.tls.ca"},
               {"RUSTSTREAM_SUBSCRIPTION__BILLING__MAX_ATTEMPTS", "subscription.billing.max_attempts"},
               {"RUSTSTREAM_LOG_LEVEL", "log.level"},
               {"RUSTSTREAM_LOG__FORMAT", "log.format"},
               {"RUSTSTREAM_DRAIN_TIMEOUT", "drain_timeout"},
               {"RUSTSTREAM_APP__THRESHOLD", "app.threshold"}};
  for (const auto& c : cases) {
    Settings settings;
    EXPECT_TRUE(apply_environment({{c.name, "v"}}, settings).empty()) << c.name;
    const Setting* setting = settings.find(c.key);
    ASSERT_NE(setting, nullptr) << c.name;
    EXPECT_EQ(setting->source, c.name);
    EXPECT_EQ(setting->layer, Layer::environment);
  }
}

TEST(Environment, WarnsOfWhatIsNoSettingAndIgnoresIt) {
  const struct {
    const char *name, *warning;
  } cases[] = {
      {"RUSTSTREAM_LOG_LEVL",
       "RUSTSTREAM_LOG_LEVL is no setting and was ignored; did you mean `RUSTSTREAM_LOG_LEVEL`?"},
      {"RUSTSTREAM_SERVICE_HOST", "RUSTSTREAM_SERVICE_HOST is no setting and was ignored"},
      {"RUSTSTREAM_PLUGIN__PATH",
       "RUSTSTREAM_PLUGIN__PATH is no setting and was ignored; did you mean `RUSTSTREAM_PLUGIN_PATH`?"},
      {"RUSTSTREAM_SUBSCRIPTION_BILLING_WORKERS",
       "RUSTSTREAM_SUBSCRIPTION_BILLING_WORKERS is no setting and was ignored; two underscores are the dot, as in "
       "RUSTSTREAM_SUBSCRIPTION__NAME"},
      {"RUSTSTREAM_", "RUSTSTREAM_ is no setting and was ignored"},
  };
  for (const auto& c : cases) {
    Settings settings;
    EXPECT_EQ(apply_environment({{c.name, "v"}}, settings), std::vector<std::string>{c.warning});
    EXPECT_TRUE(settings.all().empty());
  }
}

TEST(Environment, LeavesTheFileAndThePluginPathToOthers) {
  Settings settings;
  EXPECT_TRUE(apply_environment({{"RUSTSTREAM_CONFIG", "q.toml"}, {"RUSTSTREAM_PLUGIN_PATH", "/p"}}, settings).empty());
  EXPECT_TRUE(settings.all().empty());
}

}  // namespace
}  // namespace ruststream::settings
