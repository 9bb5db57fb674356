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
      {"kinds.k.messages_per_second = -1", "kit:1: `messages_per_second` is a number of 0 or more"},
      {"quiet = 1\ncreate = 2", "kit:2: `create` is true or false"},
  };
  for (const Wrong& each : kAll) {
    const auto kit = parse_testkit(each.text, "kit");
    ASSERT_FALSE(kit.has_value()) << each.text;
    EXPECT_NE(kit.error().find(each.says), std::string::npos) << kit.error();
  }
}

TEST(Testkit, KnowsWhereTheServerIs) {
  struct Named {
    std::string url, server, text, host;
    std::uint16_t port;
  };
  const Named all[] = {
      {"nats://localhost:4222", "", "localhost:4222", "localhost", 4222},
      {"amqp://user:pass@h:5672/vhost?a=b:1", "", "h:5672", "h", 5672},
      {"redis://[::1]:6379", "", "[::1]:6379", "::1", 6379},
      {"kafka:", "h:9092", "h:9092", "h", 9092},
      {"memory:", "", "", "", 0},
      {"nats://localhost", "", "", "", 0},
      {"nats://localhost:port", "", "", "", 0},
      {"nats://a:4222,b:4222", "", "", "", 0},  // several: which of them, the testkit says
  };
  for (const Named& each : all) {
    Testkit kit;
    kit.url = each.url;
    kit.server = each.server;
    const auto place = kit.server_place();
    ASSERT_EQ(place.has_value(), each.port != 0) << each.url;
    if (!place) continue;
    EXPECT_EQ(place->text, each.text);
    EXPECT_EQ(place->host, each.host);
    EXPECT_EQ(place->port, each.port);
  }
}

}  // namespace
}  // namespace conformance
