// What a handler may take and return, and what becomes of its publishes and replies.
#include "runtime/runtime_testing.hpp"

#include <thread>

namespace ruststream::testing {
namespace {

struct Handlers : OnApp {};
INSTANTIATE_TEST_SUITE_P(Memory, Handlers, ::testing::Values(Form::embedded, Form::loaded), name_of);

Seen<std::string>* g_functions = nullptr;  // a plain function has nowhere else to write
void plain(const Order& order) { g_functions->add("function " + order.text); }
Task<void> asynchronous(const Order& order, Context& ctx) {
  const std::string text = order.text;
  co_await sleep_for(1ms);
  g_functions->add("coroutine " + text + " " + std::string(ctx.message().address()));
}

struct Functor {
  Seen<std::string>& seen;
  void operator()(const Order& order, Context&) const { seen.add("functor " + order.text); }
};

TEST_P(Handlers, TakeValuesBytesMessagesAndBatchesByFunctionFunctorLambdaAndCoroutine) {
  Seen<std::string> seen;
  g_functions = &seen;
  start([&](Scope& b) {
    b.subscribe("in", plain).name("1");
    b.subscribe("in", asynchronous).name("2");
    b.subscribe("in", Functor{seen}).name("3");
    b.subscribe("in", [&](const Order& order) { seen.add("lambda " + order.text); }).name("4");
    b.subscribe("in", [&](Payload payload) { seen.add("bytes " + std::to_string(payload.size())); }).name("5");
    b.subscribe("in", [&](Message message) { seen.add("message " + std::string(*message.key())); }).name("6");
    b.subscribe("in", [&](std::span<const Order> orders, Context& ctx) {
       seen.add("span " + orders[0].text + " " + std::string(*ctx.message(0).key()));
     }).name("7");
    b.subscribe("in", [&, count = 0](const Order&) mutable {
       seen.add("mutable " + std::to_string(++count));
     }).name("8");
  });
  publish("in", R"({"id":1,"text":"tea"})", "k");
  auto all = seen.wait(8);
  std::ranges::sort(all);
  EXPECT_EQ(all, (std::vector<std::string>{"bytes 21", "coroutine tea in", "function tea", "functor tea", "lambda tea",
                                           "message k", "mutable 1", "span tea k"}));
  EXPECT_EQ(stop(), kExitOk);
}

using Attempts = Seen<int>;
/// True for the first delivery of a message: the later ones are there to be seen, and acknowledged.
bool first(Attempts& seen, Context& ctx) { return seen.add(ctx.message().attempt()) == 1; }

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class R>
struct Coroutine {
  Attempts& seen;
  R once, then;
  Task<R> operator()(Payload, Context& ctx) const {
    const bool now = first(seen, ctx);
    co_await sleep_for(1ms);
    co_return now ? once : then;
  }
};
struct ThrowingCoroutine {
  Attempts& seen;
  Task<void> operator()(Payload, Context& ctx) const {
    const bool now = first(seen, ctx);
    co_await sleep_for(1ms);
    if (now) throw Failure("no");
  }
};

struct ResultCase {
  const char* name;
  std::function<Registration(Scope&, const std::string&, Attempts&)> subscribe;
  std::vector<int> attempts;
  bool dead = false;
};

template <class R>
ResultCase returns(const char* name, R once, R then, std::vector<int> attempts, bool dead = false) {
  return {name,
          [=](Scope& b, const std::string& at, Attempts& seen) {
            return b.subscribe(at, [=, &seen](Payload, Context& ctx) -> R { return first(seen, ctx) ? once : then; });
          },
          std::move(attempts), dead};
}
template <class R>
ResultCase yields(const char* name, R once, R then, std::vector<int> attempts, bool dead = false) {
  return {
      name,
      [=](Scope& b, const std::string& at, Attempts& seen) { return b.subscribe(at, Coroutine<R>{seen, once, then}); },
      std::move(attempts), dead};
}

using Done = std::expected<void, Error>;
using Odd = std::expected<void, int>;
using Answer = std::expected<Order, Outcome>;

std::vector<ResultCase> result_cases() {
  const std::vector<Outcome> one{retry()}, two{ack(), ack()}, well{ack()};
  return {
      returns("ack", ack(), ack(), {1}),
      returns("retry", retry(), ack(), {1, 2}),
      returns("later", retry_after(5ms), ack(), {1, 2}),
      returns("release", release(), ack(), {1, 1}),
      returns("reject", reject("why"), ack(), {1}, true),
      returns("settle", Settle(retry(), [] {}), Settle(ack(), [] {}), {1, 2}),
      returns<Done>("done", {}, {}, {1}),
      returns<Done>("error", std::unexpected(Error(Code::denied, "no")), {}, {1, 2}),
      returns<Odd>("other", std::unexpected(5), {}, {1, 2}),
      returns<Answer>("answer", Order{1, "x"}, Order{1, "x"}, {1}),
      returns<Answer>("refused", std::unexpected(reject()), Order{1, "x"}, {1}, true),
      yields("task", retry(), ack(), {1, 2}),
      yields<Done>("task-error", std::unexpected(Error(Code::denied, "no")), {}, {1, 2}),
      {"void",
       [](Scope& b, const std::string& at, Attempts& seen) {
         return b.subscribe(at, [&](Payload, Context& ctx) { first(seen, ctx); });
       },
       {1}},
      {"throws",
       [](Scope& b, const std::string& at, Attempts& seen) {
         return b.subscribe(at, [&](Payload, Context& ctx) {
           if (first(seen, ctx)) throw Failure("no");
         });
       },
       {1, 2}},
      {"throws-int",
       [](Scope& b, const std::string& at, Attempts& seen) {
         return b.subscribe(at, [&](Payload, Context& ctx) {
           if (first(seen, ctx)) throw 5;
         });
       },
       {1, 2}},
      {"task-throws",
       [](Scope& b, const std::string& at, Attempts& seen) { return b.subscribe(at, ThrowingCoroutine{seen}); },
       {1, 2}},
      {"each",
       [=](Scope& b, const std::string& at, Attempts& seen) {
         return b
             .subscribe(
                 at, [=, &seen](std::span<const std::string>, Context& ctx) { return first(seen, ctx) ? one : well; })
             .codec(raw());
       },
       {1, 2}},
      {"too-many",
       [=](Scope& b, const std::string& at, Attempts& seen) {
         return b
             .subscribe(
                 at, [=, &seen](std::span<const std::string>, Context& ctx) { return first(seen, ctx) ? two : well; })
             .codec(raw());
       },
       {1, 2}},
  };
}

TEST_P(Handlers, EveryResultSettlesAsItSays) {
  const auto cases = result_cases();
  std::vector<Attempts> attempts(cases.size());
  auto dead = good(broker.subscribe("dead").get());
  start([&](Scope& b) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      cases[i]
          .subscribe(b, std::string("r.") + cases[i].name, attempts[i])
          .dead_letter("dead")
          .on_failure(retry_with_backoff(1ms, 2ms));
    }
  });
  std::size_t deads = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    publish(std::string("r.") + cases[i].name, cases[i].name);
    EXPECT_EQ(attempts[i].wait(cases[i].attempts.size()), cases[i].attempts) << cases[i].name;
    if (cases[i].dead) {
      ++deads;
      EXPECT_EQ(take(dead), cases[i].name);
    }
  }
  EXPECT_EQ(take(dead, kNot), "(nothing)") << deads;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(attempts[i].wait(99, 0ms), cases[i].attempts) << cases[i].name << ": once and no more";
  }
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Handlers, AContinuationRunsOnceAfterItsSettlementOnTheLoopsThread) {
  SubscribeOptions grouped;
  grouped.group = "g";
  Seen<std::string> seen;
  std::thread::id handler_thread;
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload payload) {
       handler_thread = std::this_thread::get_id();
       const std::string text(payload.text());
       return Settle(ack(), [&, text] {
         EXPECT_EQ(std::this_thread::get_id(), handler_thread);
         seen.add(text);
         if (text == "throws") throw Failure("continuation");
       });
     }).group("g");
  });
  publish("in", "throws");
  publish("in", "b");
  EXPECT_EQ(seen.exactly(2), (std::vector<std::string>{"throws", "b"}));
  EXPECT_TRUE(logged("a continuation threw: continuation"));
  EXPECT_EQ(stop(), kExitOk);
  auto left = good(broker.subscribe("in", grouped).get());
  EXPECT_EQ(take(left, kNot), "(nothing)");
}

Order echo(const Order& order) { return {order.id + 1, order.text}; }
struct SlowEcho {
  Task<std::expected<Order, Outcome>> operator()(const Order& order) const {
    const Order answer{order.id + 1, order.text};
    co_await sleep_for(1ms);
    co_return answer;
  }
};

TEST_P(Handlers, AReplyGoesWhereItIsWantedWithItsCorrelation) {
  auto answers = good(broker.subscribe("answers").get());
  auto fixed = good(broker.subscribe("fixed").get());
  start([&](Scope& b) {
    b.subscribe("ask", echo);
    b.subscribe("ask-slowly", SlowEcho{});
    b.subscribe("ask-fixed", echo).reply_to("fixed");
  });
  const struct {
    const char* ask;
    Subscription& at;
  } cases[] = {{"ask", answers}, {"ask-slowly", answers}, {"ask-fixed", fixed}};
  for (const auto& each : cases) {
    good(outside.message(Order{7, "é\n"}).to(each.ask).reply_to("answers").correlation_id("c-7").publish().get());
    auto reply = receive(each.at);
    EXPECT_EQ(good(reply.decode<Order>()).id, 8U) << each.ask;
    EXPECT_EQ(reply.message().correlation_id(), "c-7");
    good(std::move(reply).ack());
  }
  publish("ask", R"({"id":1,"text":"nobody asked for an answer"})");
  EXPECT_EQ(take(answers, kNot), "(nothing)");
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Handlers, AReplyOrPublishThatFailsIsTheHandlersFailure) {
  Seen<std::string> seen;
  start([&](Scope& b) {
    const auto quickly = retry_with_backoff(1ms, 1ms);
    b.subscribe("bad-reply",
                [&](Payload, Context& ctx) -> Order {
                  return {1, seen.add("reply") < 2 || ctx.message().attempt() < 2 ? "\xff" : "x"};
                })
        .reply_to("elsewhere")
        .on_failure(quickly);
    b.subscribe("bad-publish", [&](Payload, Context& ctx) {
       const bool again = ctx.message().attempt() > 1;
       seen.add(again ? "published" : "failed");
       (void)ctx.publish(again ? "fine" : "not..fine", Payload("x"));
     }).on_failure(quickly);
  });
  publish("bad-reply", "x");
  EXPECT_EQ(seen.wait(2), (std::vector<std::string>{"reply", "reply"}));
  publish("bad-publish", "x");
  EXPECT_EQ(seen.exactly(4), (std::vector<std::string>{"reply", "reply", "failed", "published"}));
  EXPECT_TRUE(logged("a publish failed"));
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Handlers, TheDeliveryIsSettledOnlyOnceItsPublishesAreKnown) {
  Broker tight = open("memory:tight?capacity=1");
  auto full = good(tight.subscribe("out").get());
  auto filler = good(tight.publisher("out").get());
  good(filler.publish(Payload("fills it")).get());
  auto in = good(tight.publisher("in").get());
  Seen<std::string> seen;
  App second{{.title = "second", .version = "1"}};
  if (GetParam() == Form::loaded) second.set("plugin.path", MEMORY_PLUGIN);
  second.broker("memory:tight?capacity=1", [&](Scope& b) {
    b.subscribe("in", [&](Payload payload, Context& ctx) {
      seen.add(std::string(payload.text()));
      (void)ctx.publish("out", payload);
      return Settle(ack(), [&] { seen.add("settled"); });
    });
  });
  good(second.start());
  good(in.publish(Payload("a")).get());
  EXPECT_EQ(seen.wait(2, kNot), (std::vector<std::string>{"a"}));
  EXPECT_EQ(take(full), "fills it");
  EXPECT_EQ(seen.wait(2), (std::vector<std::string>{"a", "settled"}));
  EXPECT_EQ(take(full), "a");
  second.stop();
  EXPECT_EQ(second.wait(), kExitOk);
}

TEST_P(Handlers, PublishesThatWaitForRoomStayApartWhoeverDroppedThem) {
  constexpr int kMessages = 6;
  good(broker.admin("create", "topic", "crowded", {}, {{"capacity", "1"}}).get());
  auto crowded = good(broker.subscribe("crowded").get());
  Seen<std::string> settled;
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload payload, Context& ctx) {
       for (int i = 0; i < 3; ++i) (void)ctx.publish("crowded", payload);
       return Settle(ack(), [&] { settled.add("settled"); });
     }).workers(4);  // some of which wait at the same time
  });
  std::vector<std::string> sent;
  for (int i = 0; i < kMessages; ++i) {
    publish("in", std::to_string(i));
    sent.insert(sent.end(), 3, std::to_string(i));
  }
  for (const std::string& each : sent) ASSERT_EQ(take(crowded), each);
  EXPECT_EQ(settled.exactly(kMessages).size(), static_cast<std::size_t>(kMessages));
  EXPECT_EQ(stop(), kExitOk);
}

TEST_P(Handlers, APipelineOverFullTopicsDoesNotStopItself) {
  constexpr int kMessages = 60;
  Seen<std::string> out;
  App pipeline{{.title = "pipeline", .version = "1"}};
  if (GetParam() == Form::loaded) pipeline.set("plugin.path", MEMORY_PLUGIN);
  pipeline.broker("memory:pipeline?capacity=2", [&](Scope& b) {
    b.subscribe("in", [](Payload payload, Context& ctx) { (void)ctx.publish("middle", payload); });
    b.subscribe("middle", [](Payload payload, Context& ctx) { (void)ctx.publish("out", payload); });
    b.subscribe("out", [&](Payload payload) { out.add(std::string(payload.text())); });
  });
  good(pipeline.start());
  Publisher to = good(pipeline.publisher());
  std::vector<Publishing> under_way;
  std::vector<std::string> sent;
  for (int i = 0; i < kMessages; ++i) sent.push_back(std::to_string(i));
  for (const std::string& each : sent) under_way.push_back(to.message(Payload(each)).to("in").publish());
  EXPECT_EQ(out.wait(kMessages), sent);
  for (Publishing& each : under_way) good(each.get());
  pipeline.stop();
  EXPECT_EQ(pipeline.wait(), kExitOk);
}

TEST_P(Handlers, DeclaredPublishersWorkFromHandlersAndFromOutsideWhileTheAppRuns) {
  auto there = good(broker.subscribe("audit").get());
  Publisher audit;
  EXPECT_EQ(app.publisher().error().code, Code::state);
  app.broker("memory:", [&](Scope& b) {
    audit = b.publisher("audit", "audit");
    b.subscribe("in", [&](const Order& order, Context& ctx) { (void)ctx.publish(audit, order); });
  });
  EXPECT_EQ(audit.publish(Order{1, "early"}).get().error().code, Code::state);
  (void)audit.publish(Payload("early and dropped"));
  EXPECT_EQ(audit.publish_all(std::array{Payload("early")}).get().error().code, Code::state);
  EXPECT_EQ(audit.flush().get().error().code, Code::state);
  good(app.start());
  publish("in", R"({"id":1,"text":"a"})");
  EXPECT_NE(take(there).find("\"a\""), std::string::npos);
  good(audit.publish(Payload("b")).get());
  EXPECT_EQ(take(there), "b");
  auto own = good(app.publisher());
  good(own.message(Payload("c")).to("audit").publish().get());
  EXPECT_EQ(take(there), "c");
  EXPECT_EQ(app.publisher("nobody").error().code, Code::not_found);
  EXPECT_EQ(stop(), kExitOk);
  EXPECT_EQ(app.publisher().error().code, Code::state);
  EXPECT_EQ(audit.publish(Payload("late")).get().error().code, Code::closed);
  EXPECT_EQ(own.message(Payload("late")).to("audit").publish().get().error().code, Code::closed);
}

}  // namespace
}  // namespace ruststream::testing
