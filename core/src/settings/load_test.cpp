#include "settings/load.hpp"

#include "settings/report.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <unistd.h>

namespace ruststream::settings {
namespace {

/// A settings file that goes away with the test; its name in messages becomes `FILE`.
class Load : public testing::Test {
 protected:
  void TearDown() override { std::remove(path_.c_str()); }

  std::string result(const std::string& toml, const Environment& environment, CommandLine line,
                     Settings defaults = {}) {
    if (!toml.empty()) {
      std::ofstream(path_) << toml;
      line.config = path_;
    }
    const auto loaded = load(line, environment, std::move(defaults));
    std::string out;
    if (loaded) {
      for (const std::string& warning : loaded->warnings) out += warning + "\n";
      out += report(loaded->settings, [](const Setting& setting) { return setting.key.ends_with("password"); });
    } else {
      out = loaded.error().text + "\n";
    }
    for (std::size_t at = 0; (at = out.find(path_)) != std::string::npos;) out.replace(at, path_.size(), "FILE");
    return out;
  }

  std::string path_ = testing::TempDir() + "load-test-" + std::to_string(getpid()) + ".toml";
};

TEST_F(Load, LetsFlagsWinOverEnvironmentOverFileOverCode) {
  Settings defaults;
  for (const char* key : {"app.a", "app.b", "app.c", "app.d"}) defaults.set(Layer::code, key, "0", "code");
  const CommandLine line{.assignments = {{"app.d", "3", "--set"}}, .plugins = {"x.so"}};
  EXPECT_EQ(
      result("[app]\nb = 1\nc = 1\nd = 1\n", {{"RUSTSTREAM_APP__C", "2"}, {"RUSTSTREAM_APP__D", "2"}}, line, defaults),
      "app.a = \"0\"             # code\n"
      "app.b = \"1\"             # FILE:2\n"
      "app.c = \"2\"             # RUSTSTREAM_APP__C\n"
      "app.d = \"3\"             # --set\n"
      "plugin.path = [\"x.so\"]  # --plugin\n");
}

TEST_F(Load, ReportsEveryProblemAtOnce) {
  const CommandLine line{.assignments = {{"subscriptions.a.kind", "x", "--set"}, {"log.level", "loud", "--log-level"}}};
  EXPECT_EQ(result("brokr = 'memory:'\ndrain_timeout = 5\nsubscription = 1\n[log]\nformt = 'json'\n[x]\ny = 1\n",
                   {{"RUSTSTREAM_SUBSCRIPTION____KIND", "x"}}, line),
            "brokr (FILE:1): unknown key; did you mean `broker`?\n"
            "drain_timeout (FILE:2): expected a duration such as 250ms, 5s or 1m30s, got `5`\n"
            "log.formt (FILE:5): unknown key; did you mean `log.format`?\n"
            "log.level (--log-level): expected one of error, warn, info, debug, trace, got `loud`\n"
            "subscription (FILE:3): expected a section with keys below it, got a value\n"
            "subscription..kind (RUSTSTREAM_SUBSCRIPTION____KIND): a part of the key is empty\n"
            "subscriptions.a.kind (--set): unknown key; did you mean `subscription.a.kind`?\n"
            "x.y (FILE:7): unknown key; the keys are log.level, log.format, drain_timeout, hook_timeout, plugin.path "
            "and those below broker, subscription, publisher, app\n");
}

TEST_F(Load, TakesTheFileFromTheEnvironmentUnlessAFlagNamesOne) {
  const Environment environment{{"RUSTSTREAM_CONFIG", "no-such-file.toml"}};
  EXPECT_EQ(result("", environment, {}),
            "no-such-file.toml: cannot open the settings file: No such file or directory\n");
  EXPECT_EQ(result("app.x = 1", environment, {}), "app.x = \"1\"  # FILE:1\n");
}

TEST_F(Load, PassesWarningsOn) {
  EXPECT_EQ(result("", {{"RUSTSTREAM_PORT", "1"}}, {}), "RUSTSTREAM_PORT is no setting and was ignored\n");
}

TEST_F(Load, PrintsNoSecret) {
  EXPECT_EQ(result("broker.url = 'nats://bob:hunter2@h/?token=abc'\nbroker.password = 'hunter2'\n", {}, {}),
            "broker.password = ***                       # FILE:2\n"
            "broker.url = \"nats://***:***@h/?token=***\"  # FILE:1\n");
}

}  // namespace
}  // namespace ruststream::settings
