// What the memory broker never does: completions that come late, kinds that lack verdicts, deliveries and revokes at
// the wrong moment.
#include "client/publisher_core.hpp"
#include "client/scripted_broker.hpp"

namespace ruststream::testing {
namespace {

using State = Scripted::State;

struct OnScripted : ::testing::Test {
  OnScripted() {
    Scripted::look([](State& s) { return s = State{}, 0; });
    good(environment->loader().link(&Scripted::table()), "link");
  }
  static Subscription subscribe(Broker& broker, const char* kind = "all") {
    SubscribeOptions options;
    options.kind = kind;
    options.in_flight = 2;
    return good(broker.subscribe("a", options).get());
  }
  static std::uint64_t id() {
    return Scripted::look([](State& s) { return s.subscription; });
  }
  static bool aborted(std::uint64_t handle) {
    return Scripted::soon(
        [&](State& s) { return std::ranges::count(s.closes, std::pair{handle, std::uint32_t{RST_CLOSE_ABORT}}) == 1; });
  }

  std::shared_ptr<detail::Environment> environment = detail::Environment::shared();
};

TEST_F(OnScripted, WhatHasNoVerdictOrOneThatTheKindLacksGoesBackAsTheKindCanAndItsCreditReturns) {
  const struct {
    const char* kind;
    const char* verdict;  // of the messages that go back
  } cases[] = {{"all", "2 "}, {"releases", "3 "}, {"acknowledges", nullptr}};
  for (const auto& each : cases) {
    Scripted::look([](State& s) { return s = State{}, 0; });
    auto broker = good(connect("scripted:").get());
    auto taken = subscribe(broker, each.kind);
    const std::pair<std::uint64_t, std::function<void()>> steps[] = {
        {1, [&] { (void)good(taken.receive(kSoon)); }},
        {2, [&] { (void)good(taken.receive_batch(2, kSoon)); }},
        {3, [&] { EXPECT_EQ(good(taken.receive(kSoon)).settle(reject()).error().code, Code::unsupported); }},
        {4, [&] { EXPECT_EQ(good(taken.receive_batch(2, kSoon)).settle(reject()).error().code, Code::unsupported); }},
        {5, [&] {
           EXPECT_EQ(good(taken.receive_batch(2, kSoon)).settle(std::span<const Outcome>()).error().code,
                     Code::invalid);
         }}};
    std::vector<std::string> expected;
    for (const auto& [token, step] : steps) {
      ASSERT_EQ(Scripted::deliver(id(), {token}), RST_DONE) << each.kind << ' ' << token;
      step();
      if (each.verdict != nullptr) expected.push_back(each.verdict + std::to_string(token));
      EXPECT_EQ(Scripted::look([](State& s) { return s.credit; }), token) << each.kind;
    }
    EXPECT_EQ(Scripted::look([](State& s) { return s.verdicts; }), expected) << each.kind;
    EXPECT_EQ(taken.forgotten(), 3U);
  }
}

TEST_F(OnScripted, ADestroyedSubscriptionKeepsItsSlotUntilItsCloseHasCompletedAndTakesNothingMore) {
  auto broker = good(connect("scripted:").get());
  detail::Instance& instance = *good(environment->instance(Scripted::table()));
  Scripted::look([](State& s) { return s.pending = kClose; });
  std::uint64_t gone = 0;
  for (const bool explicitly : {false, true}) {
    {
      auto brief = subscribe(broker);
      gone = id();
      ASSERT_EQ(Scripted::deliver(gone, {1}), RST_DONE);
      if (explicitly) (void)brief.close();
    }
    EXPECT_EQ(Scripted::deliver(gone, {2}), -RST_E_STALE);
    EXPECT_EQ(Scripted::look([](State& s) { return s.released; }), explicitly ? 2 : 1);
    EXPECT_NE(instance.subscriptions.find(gone), nullptr) << "the slot was given up too early";
    Scripted::complete(kClose);
    if (!explicitly) continue;  // who closes next looks after that one
    EXPECT_EQ(instance.subscriptions.find(gone), nullptr) << "the slot was kept";
  }
  Scripted::look([](State& s) { return s.pending = 0; });
}

TEST_F(OnScripted, ABatchForTheSlotsFormerHolderIsRefusedWhateverTheLookUpFound) {
  auto broker = good(connect("scripted:").get());
  detail::Instance& instance = *good(environment->instance(Scripted::table()));
  auto former = std::make_optional(subscribe(broker));
  const std::uint64_t stale = id();
  detail::SubscriptionCore& slot = *instance.subscriptions.find(stale);  // as a plugin's thread found it
  good(former->close().get());
  former.reset();
  rst_batch late{};
  late.subscription = stale;
  EXPECT_EQ(slot.accept(late), -RST_E_STALE) << "the slot is free";
  auto next = subscribe(broker);
  ASSERT_EQ(instance.subscriptions.find(id()), &slot) << "slots are not reused: this test says nothing";
  EXPECT_EQ(slot.accept(late), -RST_E_STALE) << "the slot is another's";
  EXPECT_FALSE(slot.accept(stale, rst_event{}));
}

Task<Result<Broker>> connect_within(std::chrono::milliseconds timeout) {
  ConnectOptions options;
  options.timeout = timeout;
  co_return co_await connect("scripted:", options);
}

TEST_F(OnScripted, WhatIsOpenedForSomebodyWhoHasGivenUpIsAborted) {
  auto broker = good(connect("scripted:").get());
  Scripted::look([](State& s) { return s.pending = kConnect | kSubscribe | kPublisher; });
  ConnectOptions brief;
  brief.timeout = 1ms;
  const struct {
    Scripted::Verb verb;
    std::function<void()> give_up;
  } cases[] = {{kConnect, [&] { EXPECT_EQ(run(connect_within(1ms)).error().code, Code::timeout); }},
               {kConnect, [&] { EXPECT_EQ(connect("scripted:", brief).get().error().code, Code::timeout); }},
               {kConnect, [&] { (void)connect("scripted:"); }},
               {kSubscribe, [&] { (void)broker.subscribe("a"); }},
               {kPublisher, [&] { (void)broker.publisher("a"); }}};
  std::uint64_t handle = 100;
  for (const auto& each : cases) {
    each.give_up();
    Scripted::complete(each.verb, ++handle);
    EXPECT_TRUE(aborted(handle)) << each.verb << ' ' << handle;
  }
  auto dropped = std::make_optional(broker.subscribe("a"));
  Scripted::complete(kSubscribe, ++handle);
  dropped.reset();
  EXPECT_TRUE(aborted(handle)) << "completed, and never taken";
  Scripted::look([](State& s) { return s.pending = 0; });
}

TEST_F(OnScripted, AnOperationMayBeTheLastThatHoldsItsBroker) {
  auto last = std::make_optional(connect("scripted:"));
  environment.reset();
  last.reset();
  EXPECT_TRUE(aborted(1));
}

TEST_F(OnScripted, AFlushWaitsForWhatWaitsForRoom) {
  auto broker = good(connect("scripted:").get());
  auto out = good(broker.publisher("a").get());
  const auto full = [](bool is) { return Scripted::look([&](State& s) { return s.full = is; }); };
  full(true);
  auto waiting = out.publish(Payload("x"));
  auto flushed = out.flush();
  std::this_thread::sleep_for(kNot);
  EXPECT_FALSE(flushed.await_ready()) << "a publish still waits for room";
  Scripted::look([](State& s) { return s.pending = kFlush; });
  full(false);
  Scripted::send(RST_EVENT_PUB_WRITABLE, Scripted::look([](State& s) { return s.publisher; }), 0);
  ASSERT_TRUE(Scripted::soon([](State& s) { return !s.held.empty(); }));
  EXPECT_EQ(Scripted::look([](State& s) { return s.published; }), 1);
  EXPECT_FALSE(flushed.await_ready()) << "the broker has not confirmed yet";
  Scripted::complete(kFlush);
  good(flushed.get());
  good(waiting.get());
}

TEST_F(OnScripted, WhatTheBrokerTookAndMayHaveIsNotPublishedAgain) {
  auto broker = good(connect("scripted:").get());
  Scripted::look([](State& s) { return s.status = rst_status(RST_E_UNAVAILABLE, RST_ERROR_MAYBE_APPLIED); });
  for (const bool confirm : {true, false}) {
    PublisherOptions options;
    options.confirm = confirm;
    auto out = good(broker.publisher("a", options).get());
    Scripted::look([](State& s) { return s.published = 0; });
    const auto result = out.publish(Payload("x")).get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::unavailable);
    EXPECT_NE(result.error().flags & kMaybeApplied, 0U);
    EXPECT_EQ(Scripted::look([](State& s) { return s.published; }), 1) << (confirm ? "confirmed" : "handed over");
  }
}

TEST_F(OnScripted, AFlushThatStillWaitsEndsWhenItsPublisherIsClosed) {
  auto broker = good(connect("scripted:").get());
  auto out = good(broker.publisher("a").get());
  Scripted::look([](State& s) { return s.full = true; });
  auto waiting = out.publish(Payload("x"));
  auto flushed = out.flush();
  EXPECT_FALSE(flushed.await_ready());
  EXPECT_TRUE(detail::core_of(out)->close(0, kSoon).done());
  const auto result = flushed.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::closed);
  EXPECT_NE(result.error().text.find("publisher was closed"), std::string::npos) << result.error().text;
  EXPECT_FALSE(waiting.get());
}

TEST_F(OnScripted, ARevokeIsAnsweredThoughNobodyTakesAndItsMessagesAreReleased) {
  auto broker = good(connect("scripted:").get());
  auto taken = subscribe(broker);
  ASSERT_EQ(Scripted::deliver(id(), {1}, 7), RST_DONE);
  ASSERT_EQ(Scripted::deliver(id(), {2}, 8), RST_DONE);
  rst_partition lost{};
  lost.partition = 7;
  lost.generation = 1;
  Scripted::send(RST_EVENT_SUB_REVOKING, id(), 41, &lost);
  Scripted::send(RST_EVENT_SUB_CAUGHT_UP, id(), 42);
  const std::vector<std::pair<std::uint64_t, std::int32_t>> answers{{41, RST_OK},
                                                                    {42, rst_status(RST_E_UNSUPPORTED, 0)}};
  EXPECT_TRUE(Scripted::soon([&](State& s) { return s.answers == answers; }));
  EXPECT_EQ(taken.poll_event().value().kind, static_cast<std::uint32_t>(RST_EVENT_SUB_REVOKING));
  good(good(taken.receive(kSoon)).ack());
  EXPECT_EQ(Scripted::look([](State& s) { return s.verdicts; }), (std::vector<std::string>{"3 1", "1 2"}));
}

}  // namespace
}  // namespace ruststream::testing
