// What becomes of messages that fail: policies and their defaults, deadlines, the end of a service.
#include "runtime/runtime_testing.hpp"

#include <thread>

namespace ruststream::testing {
namespace {

struct Failing : OnApp {
  using Clock = std::chrono::steady_clock;
  struct Attempt {
    int number;
    Clock::time_point when;
  };
  Seen<Attempt> attempts;
  Subscription dead = good(broker.subscribe("dead").get());

  /// A handler of orders that always throws.
  auto throws() {
    return [this](const Order&, Context& ctx) {
      attempts.add({ctx.message().attempt(), Clock::now()});
      throw std::runtime_error("as ever");
    };
  }
  std::vector<int> numbers(std::size_t count) {
    std::vector<int> out;
    for (const Attempt& each : attempts.exactly(count)) out.push_back(each.number);
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Memory, Failing, ::testing::Values(Form::embedded, Form::loaded), name_of);

constexpr const char* kOrder = R"({"id":1,"text":"t"})";

TEST_P(Failing, ExceptionsAreRetriedWithBackOffThenGoToTheDeadLetter) {
  start([&](Scope& b) {
    b.subscribe("in", throws()).on_failure(retry_with_backoff(40ms, 80ms)).max_attempts(4).dead_letter("dead");
  });
  publish("in", kOrder);
  EXPECT_EQ(numbers(4), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(take(dead), kOrder);
  const auto all = attempts.wait(4);
  const std::chrono::milliseconds least[] = {20ms, 40ms, 40ms};  // from half of it, doubling up to the longest
  for (std::size_t i = 0; i < 3; ++i) EXPECT_GE(all[i + 1].when - all[i].when, least[i]) << i;
  EXPECT_TRUE(logged("the handler threw: as ever; attempt 1, it is retried"));
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Failing, TenAttemptsAreTheDefaultAndFirstWaitsATenthOfASecond) {
  start([&](Scope& b) { b.subscribe("in", throws()).dead_letter("dead").on_failure(retry_with_backoff(1ms, 1ms)); });
  publish("in", kOrder);
  EXPECT_EQ(attempts.wait(10).size(), 10U);
  EXPECT_EQ(take(dead), kOrder);
  EXPECT_EQ(numbers(10).back(), 10);
  EXPECT_EQ(FailurePolicy{}.action, FailurePolicy::Action::retry);
  EXPECT_EQ(FailurePolicy{}.backoff, 100ms);
  EXPECT_EQ(FailurePolicy{}.longest, 30s);
}

struct PolicyCase {
  const char* name;
  FailurePolicy policy;
  const char* payload;
  bool dead;
};

TEST_P(Failing, PoliciesAreSeparateForExceptionsAndForWhatDoesNotDecode) {
  const PolicyCase cases[] = {{"skip", kSkip, kOrder, false},
                              {"reject", kReject, kOrder, true},
                              {"skip-undecoded", kSkip, "{", false},
                              {"default-undecoded", kReject, "{", true}};
  start([&](Scope& b) {
    for (const PolicyCase& each : cases) {
      const bool decodes = std::string_view(each.payload) == kOrder;
      auto registered =
          b.subscribe(each.name, throws()).dead_letter("dead").on_failure(decodes ? each.policy : retry_with_backoff());
      if (!decodes && each.policy.action != FailurePolicy::Action::reject) registered.on_decode_failure(each.policy);
    }
  });
  for (const PolicyCase& each : cases) {
    publish(each.name, each.payload);
    EXPECT_EQ(take(dead, each.dead ? kSoon : kNot), each.dead ? each.payload : "(nothing)") << each.name;
  }
  EXPECT_EQ(numbers(2), (std::vector<int>{1, 1}));
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Failing, PayloadsThatCannotBeOrdersAreRejectedWithThePathAndNeverThePayload) {
  start([&](Scope& b) { b.subscribe("in", throws()).dead_letter("dead"); });
  const char* const cases[] = {"",
                               "secret-word",
                               R"({"id":"secret-word","text":"t"})",
                               R"({"id":-1,"text":"secret-word"})",
                               R"({"id":99999999999999999999,"text":"secret-word"})",
                               R"({"id":1})",
                               "{\"id\":1,\"text\":\"secret-word\xff\"}",
                               R"({"id":1,"text":"secret-word"} more)"};
  for (const char* each : cases) {
    publish("in", each);
    EXPECT_EQ(take(dead), each);
  }
  const std::string deep = R"({"id":1,"text":"t","x":)" + std::string(100'000, '[');
  publish("in", deep);
  EXPECT_EQ(take(dead).size(), deep.size());
  EXPECT_TRUE(logged("does not decode"));
  EXPECT_FALSE(logged("secret-word"));
  EXPECT_TRUE(attempts.wait(0).empty());
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Failing, FatalAndFailFastReleaseAndEndTheServiceWithSeventy) {
  const struct {
    const char* name;
    std::function<void(Scope&)> declare;
  } cases[] = {
      {"fatal", [](Scope& b) { b.subscribe("in", [](Payload) { throw Fatal("no disk"); }).group("g"); }},
      {"fail fast",
       [](Scope& b) {
         b.subscribe("in", [](Payload) { throw std::runtime_error("no disk"); }).group("g").on_failure(kFailFast);
       }},
      {"undecoded", [](Scope& b) { b.subscribe("in", [](const Order&) {}).group("g").on_decode_failure(kFailFast); }},
  };
  SubscribeOptions group;
  group.group = "g";
  for (const auto& each : cases) {
    App ending{{.title = each.name, .version = "1"}};
    if (GetParam() == Form::loaded) ending.set("plugin.path", MEMORY_PLUGIN);
    ending.broker("memory:", each.declare);
    good(ending.start());
    publish("in", "no order");
    EXPECT_EQ(ending.wait(), kExitFatal) << each.name;
    auto again = good(broker.subscribe("in", group).get());
    auto back = receive(again);
    EXPECT_EQ(back.message().attempt(), 1) << each.name << ": a release is no attempt";
    good(std::move(back).ack());
  }
}

struct Slow {
  Seen<int>& attempts;
  std::chrono::milliseconds duration;
  Task<void> operator()(Payload, Context& ctx) const {
    attempts.add(ctx.message().attempt());
    co_await sleep_for(duration);
  }
};

TEST_P(Failing, TheDeadlineIsExtendedWhileAHandlerRunsOrItsMessageWaits) {
  Seen<int> seen;
  start([&](Scope& b) { b.subscribe("in", Slow{seen, 600ms}).option("ack_timeout", "200ms"); });
  publish("in", "a");
  publish("in", "b");
  EXPECT_EQ(seen.wait(2), (std::vector<int>{1, 1}));
  std::this_thread::sleep_for(700ms);
  EXPECT_EQ(seen.wait(3, 0ms), (std::vector<int>{1, 1}));
  EXPECT_FALSE(logged("too late"));
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Failing, TheDeadlineOfWhatWaitsIsExtendedThoughEachHandlerBeforeItIsQuick) {
  Seen<int> seen;
  start([&](Scope& b) { b.subscribe("in", Slow{seen, 300ms}).option("ack_timeout", "1s").batch(1).in_flight(5); });
  for (int i = 0; i < 5; ++i) publish("in", "x");  // the last waits for 1.2 s
  EXPECT_EQ(seen.wait(5), (std::vector<int>(5, 1)));
  std::this_thread::sleep_for(350ms);
  EXPECT_EQ(seen.wait(6, 0ms).size(), 5U);
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Failing, AVerdictThatComesTooLateIsSaidAndTheMessageComesAgain) {
  Seen<int> seen;
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload, Context& ctx) {
       if (seen.add(ctx.message().attempt()) == 1) std::this_thread::sleep_for(450ms);  // blocks the loop: no EXTEND
     }).option("ack_timeout", "300ms");
  });
  publish("in", "a");
  EXPECT_EQ(seen.exactly(2), (std::vector<int>{1, 2}));
  EXPECT_TRUE(logged("a verdict came too late"));
  EXPECT_EQ(stop(), kExitOk);
}

}  // namespace
}  // namespace ruststream::testing
