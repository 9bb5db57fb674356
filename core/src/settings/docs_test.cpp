// docs/settings.md is the promise; this holds it to the code.
#include "settings/keys.hpp"
#include "settings/registration.hpp"
#include "settings/toml_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace ruststream::settings {
namespace {

std::string page() {
  std::ifstream file(SETTINGS_PAGE);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(SettingsPage, NamesEveryKey) {
  const std::string text = page();
  const auto expect_all = [&text](std::span<const std::string_view> keys) {
    for (const std::string_view key : keys)
      EXPECT_NE(text.find("`" + std::string(key)), std::string::npos) << key << " is not in docs/settings.md";
  };
  expect_all(kKeys);
  expect_all(kSections);
  expect_all(kSubscriptionKeys);
  expect_all(kPublisherKeys);
}

TEST(SettingsPage, ShowsAFileThatLoads) {
  const std::string text = page();
  const auto begin = text.find("```toml\n") + 8;
  Settings settings;
  const auto applied = apply_toml(text.substr(begin, text.find("```", begin) - begin), "page", settings);
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_NE(settings.find("subscription.orders.eu.by_key"), nullptr);
  for (const auto& [key, setting] : settings.all()) EXPECT_TRUE(check(setting)) << key;
}

}  // namespace
}  // namespace ruststream::settings
