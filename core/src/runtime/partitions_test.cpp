// What goes on and what ends when partitions are revoked or lost (rules G1, G2, H6).
#include "runtime/weak_testing.hpp"

#include <array>
#include <atomic>

namespace ruststream::testing {
namespace {

using Lines = std::vector<std::string>;

struct Partitions : OnWeak {
  std::array<std::atomic<bool>, 10> open{};  // by partition: whether its handlers may end

  struct Gated {
    Partitions& test;
    Task<void> operator()(Payload payload) const {
      const std::string text(payload.text());
      test.seen.add(text);
      while (!test.open[static_cast<std::size_t>(text[0] - '0')]) co_await sleep_for(1ms);
    }
  };
  ~Partitions() override {
    for (auto& each : open) each = true;
    app.stop();  // before the gates go
    app.wait();
  }
  /// All of them may be settled in any order.
  static Lines settled(std::size_t count) {
    Lines lines = of(&Weak::Script::settled, count);
    std::ranges::sort(lines);
    return lines;
  }
  void begin(const std::function<void(Registration)>& describe) {
    start([&](Scope& b) { describe(b.subscribe("in", Gated{*this}).kind("retries").batch(1)); });
    for (const char* each : {"1:runs", "2:runs", "1:waits", "2:waits"}) publish(each);
    EXPECT_EQ(seen.exactly(2), (Lines{"1:runs", "2:runs"}));
  }
};

struct Dispatch : Partitions, ::testing::WithParamInterface<void (*)(Registration)> {};

TEST_P(Dispatch, ARevokeWaitsForItsOwnMessagesOnlyWhileOthersGoOnAndStart) {
  begin(GetParam());
  Weak::lose(RST_EVENT_SUB_REVOKING, 1, 7, 30s);
  EXPECT_EQ(settled(1), (Lines{"3 1:waits"})) << "given back, not started";
  open[2] = true;
  EXPECT_EQ(settled(3), (Lines{"1 2:runs", "1 2:waits", "3 1:waits"}));
  EXPECT_TRUE(of(&Weak::Script::answers, 0).empty()) << "one of the revoked partition runs";
  open[1] = true;
  EXPECT_EQ(of(&Weak::Script::answers, 1).size(), 1U);
  EXPECT_EQ(Weak::script.settled_before_answer, 4U) << "the last of it is settled before the answer";
  EXPECT_EQ(settled(4).front(), "1 1:runs");
  publish("1:again");
  EXPECT_EQ(settled(5).front(), "1 1:again") << "of a later generation: not revoked";
}
void workers(Registration registration) { registration.workers(2); }
void keyed(Registration registration) { registration.workers(2, by_key); }
INSTANTIATE_TEST_SUITE_P(Workers, Dispatch, ::testing::Values(workers, keyed),
                         [](const auto& tested) { return tested.index == 0 ? "any" : "keyed"; });

TEST_F(Partitions, ARevokeIsAnsweredBeforeItsDeadlineWhateverStillRuns) {
  begin(workers);
  const auto sent = std::chrono::steady_clock::now();
  Weak::lose(RST_EVENT_SUB_REVOKING, 1, 7, 2s);
  EXPECT_EQ(of(&Weak::Script::answers, 1).size(), 1U);
  const auto took = std::chrono::steady_clock::now() - sent;
  EXPECT_GT(took, 1s);
  EXPECT_LT(took, 2s);
  EXPECT_EQ(of(&Weak::Script::settled, 1), (Lines{"3 1:waits"}));
  EXPECT_TRUE(logged("partitions are given up with 1 messages of theirs still being handled"));
}

TEST_F(Partitions, WhatWaitsOfALostPartitionIsGivenBackAtOnce) {
  begin(keyed);
  Weak::lose(RST_EVENT_SUB_LOST, 1, 0, {});
  EXPECT_EQ(settled(1), (Lines{"3 1:waits"}));
  open[1] = open[2] = true;
  EXPECT_EQ(settled(4), (Lines{"1 1:runs", "1 2:runs", "1 2:waits", "3 1:waits"}));
}

TEST_F(Partitions, ADelayedRetryOfARevokedPartitionIsSettledBeforeTheAnswer) {
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload payload) {
       seen.add(std::string(payload.text()));
       return retry_after(1h);
     }).kind("retries");
  });
  for (const char* each : {"1:late", "2:late"}) publish(each);
  EXPECT_EQ(seen.exactly(2).size(), 2U);
  Weak::lose(RST_EVENT_SUB_REVOKING, 1, 7, 30s);
  EXPECT_EQ(of(&Weak::Script::answers, 1).size(), 1U);
  EXPECT_EQ(settled(1), (Lines{"2 1:late"}));
}

TEST_F(Partitions, WhatIsGatheredForABatchIsGivenBackAndTheRestStays) {
  start([&](Scope& b) {
    b.subscribe("in",
                [&](std::span<const Order> orders) {
                  for (const Order& order : orders) seen.add(order.text);
                })
        .kind("retries")
        .batch(2, 30s);
  });
  const auto order = [](const std::string& text) { return R"({"id":1,"text":")" + text + "\"}"; };
  publish(order("1:goes"));
  Weak::lose(RST_EVENT_SUB_REVOKING, 1, 7, 30s);
  EXPECT_EQ(of(&Weak::Script::answers, 1).size(), 1U);
  EXPECT_EQ(settled(1), (Lines{"3 " + order("1:goes")}));
  publish(order("2:stays"));
  publish(order("1:new"));
  EXPECT_EQ(seen.exactly(2), (Lines{"2:stays", "1:new"}));
}

}  // namespace
}  // namespace ruststream::testing
