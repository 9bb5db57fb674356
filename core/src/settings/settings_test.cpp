#include "settings/settings.hpp"

#include <gtest/gtest.h>

namespace ruststream::settings {
namespace {

TEST(Settings, LaterLayersWinWhateverTheOrderOfSetting) {
  Settings settings;
  settings.set(Layer::environment, "log.level", "debug", "RUSTSTREAM_LOG_LEVEL");
  settings.set(Layer::file, "log.level", "warn", "quakes.toml:3");
  settings.set(Layer::code, "log.level", "info", "code");
  const Setting* level = settings.find("log.level");
  ASSERT_NE(level, nullptr);
  EXPECT_EQ(level->items, std::vector<std::string>{"debug"});
  EXPECT_EQ(level->source, "RUSTSTREAM_LOG_LEVEL");
  settings.set(Layer::flags, "log.level", "trace", "--set");
  settings.set(Layer::flags, "log.level", "error", "--log-level");
  EXPECT_EQ(settings.find("log.level")->source, "--log-level") << "inside one layer the later wins";
  EXPECT_EQ(settings.find("log"), nullptr);
}

}  // namespace
}  // namespace ruststream::settings
