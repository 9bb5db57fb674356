// What is refused before any I/O, with the name of the thing and the remedy; and administration.
#include "client/client_testing.hpp"

namespace ruststream::testing {
namespace {

struct Refusal : OnMemory {
  static void expect(const Error& error, Code code, const std::vector<std::string>& says) {
    EXPECT_EQ(error.code, code) << error.text;
    for (const std::string& word : says) EXPECT_NE(error.text.find(word), std::string::npos) << error.text;
  }
};
INSTANTIATE_TEST_SUITE_P(Memory, Refusal, ::testing::Values(Form::embedded, Form::loaded), name_of);

TEST_P(Refusal, UrlsThatCannotWorkSayWhatIsWrongAndWhatWouldBeRight) {
  const struct {
    const char* url;
    Code code;
    std::vector<std::string> says;
  } cases[] = {
      {"", Code::invalid, {"URL"}},
      {"no colon", Code::invalid, {"URL"}},
      {"memory:bad name", Code::invalid, {"space"}},
      {"memory:bad~name", Code::invalid, {"memory:NAME"}},
      {"memory:?capasity=5", Code::option, {"capasity", "capacity"}},
      {"memory:?capacity=many", Code::option, {"capacity", "many"}},
      {"memory:?capacity=0", Code::option, {"capacity"}},
      {"memory:?topics=creat&partitions=-1", Code::option, {"topics", "create", "partitions"}},
  };
  for (const auto& each : cases) {
    const auto result = connect(each.url, connect_options()).get();
    ASSERT_FALSE(result) << each.url;
    expect(result.error(), each.code, each.says);
  }
}

TEST_P(Refusal, AnUnknownSchemeIsAnsweredWithThoseThatWereFoundAndWhereTheSearchWent) {
  const auto result = connect("memroy:").get();
  ASSERT_FALSE(result);
  expect(result.error(), Code::not_found, {"memroy", "memory"});
  EXPECT_EQ(connect("nats://u:secret@host:4222").get().error().text.find("secret"), std::string::npos);
}

TEST_P(Refusal, APluginFileThatIsNoneIsNamed) {
  ConnectOptions options;
  options.plugin_path = "/nowhere/broker.so";
  expect(connect("memory:", options).get().error(), Code::not_found, {"/nowhere/broker.so"});
}

TEST_P(Refusal, SubscriptionsThatCannotWorkAreRefusedBeforeTheyAreMade) {
  SubscribeOptions kind, option, value, pattern, loop;
  kind.kind = "topik";
  option.options = {{"ack_timeot", "5s"}, {"capacity", "5"}};
  value.options = {{"ack_timeout", "soon"}};
  pattern.kind = "log";
  loop.dead_letter = "a.dead";
  const struct {
    const char* address;
    const SubscribeOptions& options;
    Code code;
    std::vector<std::string> says;
  } cases[] = {
      {"", {}, Code::invalid, {"address"}},
      {"a..b", {}, Code::invalid, {"a..b"}},
      {"a b", {}, Code::invalid, {"a b"}},
      {"a", kind, Code::option, {"topik", "topic"}},
      {"a", option, Code::option, {"ack_timeot", "ack_timeout", "capacity"}},
      {"a", value, Code::option, {"ack_timeout", "soon"}},
      {"a.*", pattern, Code::unsupported, {"a.*", "log"}},
      {"a.*", loop, Code::invalid, {"a.dead"}},
  };
  for (const auto& each : cases) {
    const auto result = broker.subscribe(each.address, each.options).get();
    ASSERT_FALSE(result) << each.address;
    expect(result.error(), each.code, each.says);
  }
  PublisherOptions publisher;
  publisher.options = {{"nothing", "1"}};
  expect(broker.publisher("a", publisher).get().error(), Code::option, {"nothing"});
  expect(broker.publisher("a.>").get().error(), Code::invalid, {"a.>"});
  EXPECT_TRUE(broker.subscribe("a").get()) << "refusals leave the connection as it was";
}

TEST_P(Refusal, TopicsThatAreNotMadeOnDemandAreNotFoundUntilTheyAreCreated) {
  auto strict = open("memory:strict?topics=existing");
  expect(strict.subscribe("bills").get().error(), Code::not_found, {"bills"});
  expect(strict.publisher("bills").get().error(), Code::not_found, {"bills"});
  auto free = good(strict.publisher().get());
  expect(free.message(Payload("x")).to("bills").publish().get().error(), Code::not_found, {});
  good(strict.admin("create", "topic", "bills").get());
  good(free.message(Payload("x")).to("bills").publish().get());
  good(strict.admin("delete", "topic", "bills").get());
  EXPECT_FALSE(strict.subscribe("bills").get());
}

TEST_P(Refusal, AGroupMadeAheadKeepsWhatIsPublishedBeforeAnybodySubscribes) {
  good(broker.admin("create", "topic", "workers", "jobs").get());
  auto out = good(broker.publisher("jobs").get());
  good(out.publish(Payload("early")).get());
  SubscribeOptions grouped;
  grouped.group = "workers";
  {
    auto jobs = good(broker.subscribe("jobs", grouped).get());
    EXPECT_EQ(take(jobs), "early");
  }
  good(out.publish(Payload("between")).get());
  auto jobs = good(broker.subscribe("jobs", grouped).get());
  EXPECT_EQ(take(jobs), "between");
}

TEST_P(Refusal, AdministrationThatMakesNoSenseIsAnsweredWithWhatWould) {
  expect(broker.admin("creat", "topic", "a").get().error(), Code::invalid, {"creat", "create"});
  expect(broker.admin("create", "topics", "a").get().error(), Code::invalid, {"topics", "topic"});
  expect(broker.admin("create", "topic", "a..b").get().error(), Code::invalid, {"a..b"});
  expect(broker.admin("delete", "topic", "absent").get().error(), Code::not_found, {"absent"});
  expect(broker.admin("create", "topic", "a", "", {{"capacity", "none"}}).get().error(), Code::option, {"capacity"});
}

TEST_P(Refusal, TheUrlThatIsShownHoldsNoSecret) { EXPECT_EQ(open("memory:shown").display_url(), "memory:shown"); }

}  // namespace
}  // namespace ruststream::testing
