#include "runner/testkit_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace conformance {
namespace {

TEST(Testkit, TheExampleOfTheReadmeIsRead) {
  std::ifstream file(README);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = page.find("```toml\n") + 8;
  const auto kit = parse_testkit(page.substr(begin, page.find("```", begin) - begin), "README.md");
  ASSERT_TRUE(kit.has_value()) << kit.error();
  EXPECT_EQ(kit->url, "nats://localhost:4222");
  EXPECT_TRUE(kit->create);
  EXPECT_EQ(kit->options, (OptionTexts{{"user", "test"}}));
  EXPECT_EQ(kit->kind("jetstream").publish_kind, "core");
  EXPECT_EQ(kit->kind("jetstream").ack_deadline_options, (OptionTexts{{"ack_wait", "2s"}}));
  EXPECT_EQ(kit->kind("another").publish_kind, "");
}

TEST(Testkit, NamesEveryProblemWithItsLine) {
  struct Wrong {
    const char *text, *says;
  };
  constexpr Wrong kAll[] = {
      {"adress = \"{case}{name}\"", "kit:1: there is no key `adress`; did you mean `address`?"},
      {"address = \"{name}\"", "kit:1: `address` does not contain {case}"},
      {"create = 1", "kit:1: `create` is true or false"},
      {"arrival = 5", "kit:1: `arrival` is a time such as"},
      {"url = \"\"", "kit:1: `url` is a text, not empty"},
      {"[kinds.a]\npublis_kind = \"b\"",
       "kit:2: there is no key `publis_kind` in `kinds.a`; did you mean `publish_kind`?"},
      {"[options]\na = [1]", "kit:2: option `a` in `options` is a text, a number or true or false"},
      {"kinds = 3", "kit:1: `kinds` is a table"},
      {"a = \"", "kit:1: "},
      {"[!", "kit:1: "},
      {"quiet = 1\ncreate = 2", "kit:1: `quiet` is a time such as \"250ms\", \"5s\" or \"2min\""},
      {"quiet = 1\ncreate = 2", "kit:2: `create` is true or false"},
  };
  for (const Wrong& each : kAll) {
    const auto kit = parse_testkit(each.text, "kit");
    ASSERT_FALSE(kit.has_value()) << each.text;
    EXPECT_NE(kit.error().find(each.says), std::string::npos) << kit.error();
  }
}

}  // namespace
}  // namespace conformance
