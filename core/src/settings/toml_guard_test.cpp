#include "settings/toml_guard.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ruststream::settings {
namespace {

TEST(TomlGuard, LooksAtKeysOnly) {
  std::string deep = "a";
  for (std::size_t i = 1; i <= kMaxKeyParts; ++i) deep += ".a";
  const std::string allowed = deep.substr(2);
  const struct {
    std::string toml;
    std::size_t line;
  } cases[] = {
      {allowed + " = 1\n[" + allowed + "]", 0},
      {"\n" + deep + " = 1", 2},
      {"[" + deep + "]", 1},
      {"x = [\n{ " + deep + " = 1 }]", 2},
      {"'!'" + deep.substr(1) + " = 1", 1},
      {"x = '" + deep + "'", 0},
      {"# " + deep + "\nx = '" + deep + "' # " + deep, 0},
      {"x = \"a\\\"" + deep + "\"", 0},
      {"x = '''\n" + deep + "\n'''\n" + deep + " = 1", 4},
      {"x = \"\"\"a\\\"\"\"" + deep + "\"\"\"", 0},
      {"x = 'not closed\n" + deep + " = 1", 2},
      {"x = \"a\\", 0},
      {"x = [" + std::string(100, ',') + "1.1, 2.2]", 0},
  };
  for (const auto& c : cases) EXPECT_EQ(line_of_too_deep_key(c.toml), c.line) << c.toml;
}

}  // namespace
}  // namespace ruststream::settings
