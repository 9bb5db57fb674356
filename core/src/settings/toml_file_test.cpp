#include "settings/toml_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace ruststream::settings {
namespace {

std::string shown(std::string_view toml) {
  Settings settings;
  if (auto result = apply_toml(toml, "q.toml", settings); !result) return result.error().text;
  std::string out;
  for (const auto& [key, setting] : settings.all()) {
    out += key + "=" + (setting.is_list ? "[" : "");
    for (const std::string& item : setting.items) out += (&item == setting.items.data() ? "" : "|") + item;
    out += (setting.is_list ? "]@" : "@") + setting.source + " ";
  }
  return out;
}

TEST(TomlFile, FlattensTablesAndRemembersLines) {
  EXPECT_EQ(shown(R"(
[broker.main]
url = "nats://x"
tls.ca = "ca.pem"
[subscription."quakes.event.*"]
workers = 4
)"),
            "broker.main.tls.ca=ca.pem@q.toml:4 broker.main.url=nats://x@q.toml:3 "
            "subscription.quakes.event.*.workers=4@q.toml:6 ");
}

TEST(TomlFile, TurnsEveryScalarIntoText) {
  const struct {
    const char *toml, *text;
  } cases[] = {{"'a b'", "a b"},
               {"-7", "-7"},
               {"0x1F", "31"},
               {"1_000", "1000"},
               {"1.5", "1.5"},
               {"1e3", "1000"},
               {"true", "true"},
               {"false", "false"},
               {"1979-05-27", "1979-05-27"},
               {"07:32:00", "07:32:00"},
               {"1979-05-27T07:32:00Z", "1979-05-27T07:32:00Z"},
               {"[1, 'b', true]", "[1|b|true]"},
               {"[]", "[]"}};
  for (const auto& c : cases) {
    const std::string text = c.text;
    EXPECT_EQ(shown("app.x = " + std::string(c.toml)), "app.x=" + text + "@q.toml:1 ");
  }
}

TEST(TomlFile, SaysWhereAndWhatIsMalformed) {
  const struct {
    std::string toml, error;
  } cases[] = {
      {"\nx 1", "q.toml:2:3: Error while parsing key-value pair: expected '=', saw '1'"},
      {"a = 1\na = 2", "q.toml:2:5: Error while parsing key-value pair: cannot redefine existing integer 'a'"},
      {"[!]", "q.toml:1:2: Error while parsing key: expected bare key starting character or string delimiter, saw '!'"},
      {"a = 1 b", "q.toml:1:7: Error while parsing key-value pair: expected a comment or whitespace, saw 'b'"},
      {"a = \u048C", "q.toml:1:5: Error while parsing value: could not determine value type"},
      {"a = '\xff'", "q.toml:1:5: Encountered invalid utf-8 sequence"},
      {"app.x = [1, [2]]", "app.x (q.toml:1): a list holds texts, numbers, booleans or dates only"},
      {"[[subscription]]\na = 1\n[[publisher]]\nb = 2",
       "publisher (q.toml:3): a list holds texts, numbers, booleans or dates only\n"
       "subscription (q.toml:1): a list holds texts, numbers, booleans or dates only"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(c.toml), c.error);
}

TEST(TomlFile, BoundsItsInput) {
  std::string deep = "a";
  for (int i = 0; i < 400'000; ++i) deep += ".a";
  EXPECT_EQ(shown("\n" + deep + " = 1"), "q.toml:2: a key of more than 32 parts; no setting has so many");
  EXPECT_EQ(shown("\n\n[" + deep + "]"), "q.toml:3: a key of more than 32 parts; no setting has so many");
  EXPECT_NE(shown("a = " + std::string(100'000, '[')).find("exceeded maximum nested value depth"), std::string::npos);
  EXPECT_EQ(shown(std::string(kMaxFileBytes + 1, '\n')), "q.toml: larger than 1048576 bytes");
  std::string tables;
  for (int i = 0; i < 40; ++i) tables += "{a = ";
  EXPECT_EQ(shown("x = " + tables + "1" + std::string(40, '}')).substr(0, 4), "x.a.");
}

TEST(TomlFile, ReadsAFileAndSaysWhenItCannot) {
  const std::string directory =
      std::filesystem::temp_directory_path() / ("ruststream-toml-" + std::to_string(::getpid()));
  std::filesystem::create_directory(directory);
  const std::string path = directory + "/q.toml";
  std::ofstream(path) << "app.x = 1\n";
  Settings settings;
  ASSERT_TRUE(apply_toml_file(path, settings));
  EXPECT_EQ(settings.find("app.x")->source, path + ":1");
  EXPECT_EQ(apply_toml_file(directory + "/none", settings).error().text,
            directory + "/none: cannot open the settings file: No such file or directory");
  EXPECT_EQ(apply_toml_file(directory, settings).error().text,
            directory + ": cannot read the settings file: Is a directory");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace ruststream::settings
