// Outcome × plan: what a service does on brokers that cannot redeliver, and what it answers to their events.
#include "runtime/weak_testing.hpp"

namespace ruststream::testing {
namespace {

TEST_F(OnWeak, WithoutSettlementARetryIsLostCountedAndSaidAndTheRestIsNothing) {
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload payload) {
      const std::string text(payload.text());
      seen.add(text);
      if (text == "throws") throw std::runtime_error("no");
      return text == "retry"     ? retry()
             : text == "later"   ? retry_after(1s)
             : text == "reject"  ? reject()
             : text == "release" ? release()
                                 : ack();
    });
  });
  const std::vector<std::string> all{"ack", "retry", "later", "reject", "release", "throws"};
  for (const std::string& each : all) publish(each);
  EXPECT_EQ(seen.exactly(all.size()), all);
  EXPECT_TRUE(logged("at most once: retry has no effect here"));
  EXPECT_TRUE(logged("a message is lost"));
  app.stop();
  EXPECT_EQ(app.wait(), kExitOk);
  EXPECT_TRUE(logged("6 handled, 1 failed, 3 lost"));
  EXPECT_TRUE(Weak::script.settled.empty()) << "there is nothing to settle (S1)";
}

TEST_F(OnWeak, MoreThanTheWindowIsHandledWithoutAnythingToSettle) {
  start([&](Scope& b) { b.subscribe("in", [&](Payload payload) { seen.add(std::string(payload.text())); }).batch(4); });
  for (int i = 0; i < 200; ++i) publish(std::to_string(i));
  EXPECT_EQ(seen.wait(200).size(), 200U);
}

TEST_F(OnWeak, APolicyThatNeedsRedeliveryIsRefusedUnlessLossIsAgreedTo) {
  const auto declare = [](Scope& b, auto&& describe) { describe(b.subscribe("in", [](Payload) {}).name("billing")); };
  const struct {
    const char* asked;
    std::function<void(Registration)> describe;
  } cases[] = {
      {"max_attempts", [](Registration r) { r.max_attempts(3); }},
      {"dead_letter", [](Registration r) { r.dead_letter("dead"); }},
      {"retry on failure", [](Registration r) { r.on_failure(retry_with_backoff()); }},
  };
  for (const auto& each : cases) {
    App strict{{.title = "strict", .version = "1"}};
    strict.broker("weak:", [&](Scope& b) { declare(b, each.describe); });
    const auto result = strict.start();
    ASSERT_FALSE(result) << each.asked;
    for (const char* word : {"billing", each.asked, "at_most_once"}) {
      EXPECT_NE(result.error().text.find(word), std::string::npos) << result.error().text;
    }
    App agreed{{.title = "agreed", .version = "1"}};
    agreed.broker("weak:", [&](Scope& b) {
      declare(b, [&](Registration r) {
        each.describe(r);
        r.at_most_once();
      });
    });
    EXPECT_TRUE(agreed.start()) << each.asked;
    agreed.stop();
    EXPECT_EQ(agreed.wait(), kExitOk);
  }
}

TEST_F(OnWeak, ARetryByCopyIsPublishedToThePrivateAddressAndThenAcknowledged) {
  start([&](Scope& b) {
    b.subscribe("in", [](Payload payload) { return payload.text() == "again" ? retry() : ack(); }).kind("copies");
  });
  publish("well");
  publish("again");
  EXPECT_EQ(of(&Weak::Script::settled, 2), (std::vector<std::string>{"1 well", "1 again"}));
  EXPECT_EQ(of(&Weak::Script::published, 3).back(), (std::pair<std::string, std::string>{"copies.mine", "again"}));
}

TEST_F(OnWeak, ACopyThatFailsLeavesTheMessageWithTheBroker) {
  Weak::script.refused = "copies.mine";
  start([&](Scope& b) { b.subscribe("in", [](Payload) { return retry(); }).kind("copies"); });
  publish("again");
  EXPECT_EQ(of(&Weak::Script::settled, 1), (std::vector<std::string>{"3 again"}));
  EXPECT_TRUE(logged("could not be copied"));
}

TEST_F(OnWeak, ACopyCarriesWhatTheOriginalSaysOfItself) {
  start([&](Scope& b) {
    b.subscribe("in", [](Payload payload) { return payload.text() == "again" ? retry() : reject(); })
        .kind("copies")
        .dead_letter("dead");
  });
  for (const char* each : {"again", "never"}) {
    auto message = good(app.publisher()).message(Payload(each)).to("in").reply_to("answers").correlation_id("c-1");
    good(std::move(message).message_id("m-1").content_type("text/plain").publish().get());
  }
  EXPECT_EQ(of(&Weak::Script::settled, 2).size(), 2U);
  EXPECT_EQ(of(&Weak::Script::published, 4)[2].first, "copies.mine");
  EXPECT_EQ(of(&Weak::Script::published, 4)[3].first, "dead");
  const Weak::Props original{"answers", "c-1", "m-1", "text/plain"};
  EXPECT_EQ(of(&Weak::Script::props, 4), std::vector<Weak::Props>(4, original));
}

TEST_F(OnWeak, WhereTheBrokerKnowsNoDelayTheServiceKeepsItWhileOtherMessagesGoOn) {
  const auto later = [](Payload payload) {
    return payload.text() == "late" ? retry_after(400ms) : payload.text() == "sooner" ? retry_after(200ms) : ack();
  };
  start([&](Scope& b) {
    b.subscribe("in", later).kind("retries");
    b.subscribe("copied", later).kind("copies");
  });
  const auto begin = std::chrono::steady_clock::now();
  for (const char* each : {"late", "sooner", "now"}) publish(each);
  EXPECT_EQ(of(&Weak::Script::settled, 1), (std::vector<std::string>{"1 now"}));
  EXPECT_EQ(of(&Weak::Script::settled, 2).back(), "2 sooner");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 200ms);
  EXPECT_EQ(of(&Weak::Script::settled, 3).back(), "2 late");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 400ms);
  good(good(app.publisher()).message(Payload("late")).to("copied").publish().get());
  EXPECT_EQ(of(&Weak::Script::settled, 4).back(), "1 late");
  EXPECT_EQ(of(&Weak::Script::published, 5).back().first, "copies.mine");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 800ms);
}

TEST_F(OnWeak, AStopDoesNotWaitForADelayThatTheServiceKeeps) {
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload payload) {
       seen.add(std::string(payload.text()));
       return retry_after(1h);
     }).kind("retries");
  });
  publish("late");
  EXPECT_EQ(seen.exactly(1).size(), 1U);
  EXPECT_TRUE(of(&Weak::Script::settled, 0).empty());
  app.stop();
  EXPECT_EQ(app.wait(), kExitOk);
  EXPECT_EQ(of(&Weak::Script::settled, 1), (std::vector<std::string>{"2 late"}));
}

TEST_F(OnWeak, CheckSaysWhereTheDelayOfARetryIsKept) {
  app.broker("weak:", [](Scope& b) {
    b.subscribe("a", [](Payload) {}).kind("retries");
    b.subscribe("b", [](Payload) {}).kind("lossy");
  });
  const char* const arguments[] = {"weak", "check"};
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(app.run(2, arguments), kExitOk);
  const std::string text = ::testing::internal::GetCapturedStdout();
  const auto at = text.find("retry_after: the delay is kept by this service, at most 3600000 ms");
  EXPECT_NE(at, std::string::npos) << text;
  EXPECT_EQ(text.find("retry_after", at + 1), std::string::npos) << "lossy retries nothing";
}

TEST_F(OnWeak, EveryEventThatWaitsIsAnswered) {
  start([&](Scope& b) { b.subscribe("in", [](Payload) {}); });
  const struct {
    std::uint32_t kind;
    bool to_connection;
    std::int32_t status;
  } cases[] = {{RST_EVENT_SUB_ASSIGNING, false, RST_OK},
               {RST_EVENT_SUB_REVOKING, false, RST_OK},
               {12345, false, rst_status(RST_E_UNSUPPORTED, 0)},
               {12345, true, rst_status(RST_E_UNSUPPORTED, 0)}};
  std::vector<std::pair<std::uint64_t, std::int32_t>> expected;
  for (const auto& each : cases) {
    expected.emplace_back(expected.size() + 1, each.status);
    Weak::send(each.kind, expected.size(), each.to_connection);
    EXPECT_EQ(of(&Weak::Script::answers, expected.size()), expected) << each.kind;
  }
}

TEST_F(OnWeak, ASubscriptionThatTheBrokerEndsStopsTheService) {
  start([&](Scope& b) { b.subscribe("in", [](Payload) {}).name("billing"); });
  Weak::send(RST_EVENT_SUB_ENDED, 0);
  EXPECT_EQ(app.wait(), kExitFatal);
  EXPECT_TRUE(logged("subscription `billing` was ended by the broker"));
}

TEST_F(OnWeak, AConnectionThatIsLostForGoodStopsTheService) {
  start([&](Scope& b) { b.subscribe("in", [](Payload) {}); });
  Weak::send(RST_EVENT_CONN_FAILED, 0, true);
  EXPECT_EQ(app.wait(), kExitFatal);
}

TEST_F(OnWeak, ABrokerThatCannotBeReachedOrRefusesEndsTheStartCleanly) {
  Weak::script.connect_code = -RST_E_UNAVAILABLE;
  const auto unreachable = refused([](Scope& b) { b.subscribe("in", [](Payload) {}); });
  ASSERT_FALSE(unreachable);
  EXPECT_EQ(unreachable.error().code, Code::unavailable);
  EXPECT_NE(unreachable.error().text.find("nobody is at home"), std::string::npos);
  EXPECT_EQ(app.wait(), kExitUnavailable);
  Weak::script.connect_code = RST_DONE;
  Weak::script.subscribe_code = -RST_E_DENIED;
  App second{{.title = "second", .version = "1"}};
  second.broker("weak:", [](Scope& b) { b.subscribe("in", [](Payload) {}).name("billing"); });
  const auto denied = second.start();
  ASSERT_FALSE(denied);
  EXPECT_NE(denied.error().text.find("billing"), std::string::npos);
  EXPECT_TRUE(Weak::script.subscriptions.empty());
}

struct Publishes {
  Seen<std::string>& seen;
  Task<std::expected<void, Error>> operator()(Payload, Context& ctx) const {
    seen.add("begun");
    auto sent = ctx.publish("elsewhere", Payload("x"));
    auto done = co_await sent;
    seen.add(done ? "known" : done.error().text);
    co_return done;
  }
};

TEST_F(OnWeak, AHandlerThatWaitsForAConfirmationIsSettledAfterItAndNotBefore) {
  start([&](Scope& b) { b.subscribe("in", Publishes{seen}).kind("copies"); });
  Publisher outside = good(app.publisher());
  {
    const std::scoped_lock lock(Weak::script.mutex);
    Weak::script.holds_publishes = true;
  }
  (void)outside.message(Payload("m")).to("in").unconfirmed().publish();
  EXPECT_EQ(seen.exactly(1), (std::vector<std::string>{"begun"}));
  EXPECT_TRUE(of(&Weak::Script::settled, 0).empty());
  Weak::complete_held();
  EXPECT_EQ(seen.wait(2).back(), "known");
  EXPECT_EQ(of(&Weak::Script::settled, 1), (std::vector<std::string>{"1 m"}));
}

TEST_F(OnWeak, AReplyThatTheBrokerMayHaveIsNotPublishedAgainAndCountsAsFailed) {
  Weak::script.unsure = "out";
  start([&](Scope& b) {
    b.subscribe("in", [](Payload) { return Order{1, "reply"}; }).kind("retries").reply_to("out").on_failure(kReject);
  });
  publish("m");
  EXPECT_EQ(of(&Weak::Script::settled, 1), (std::vector<std::string>{"4 m"}));
  const auto published = of(&Weak::Script::published, 2);
  EXPECT_EQ(std::ranges::count(published, "out", &std::pair<std::string, std::string>::first), 1);
}

TEST_F(OnWeak, TheDrainDeadlineEndsAHandlerThatWaitsForWhatNeverComes) {
  app.set("drain_timeout", "50ms");
  start([&](Scope& b) { b.subscribe("in", Publishes{seen}).kind("copies"); });
  {
    const std::scoped_lock lock(Weak::script.mutex);
    Weak::script.holds_publishes = true;
  }
  (void)good(app.publisher()).message(Payload("m")).to("in").unconfirmed().publish();
  EXPECT_EQ(seen.exactly(1), (std::vector<std::string>{"begun"}));
  app.stop();
  EXPECT_EQ(app.wait(), kExitUnfinished);
  EXPECT_TRUE(logged("1 left unsettled"));
  Weak::complete_held();  // nobody waits any more, and nothing of the handler is touched
  EXPECT_EQ(seen.wait(0).size(), 1U);
  EXPECT_TRUE(of(&Weak::Script::settled, 0).empty());
}

}  // namespace
}  // namespace ruststream::testing
