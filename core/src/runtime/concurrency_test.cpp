// How many handlers run at the same time, in which order, and how batches close.
#include "runtime/runtime_testing.hpp"

#include <map>
#include <random>

namespace ruststream::testing {
namespace {

struct Concurrency : OnApp {};
INSTANTIATE_TEST_SUITE_P(Memory, Concurrency, ::testing::Values(Form::embedded, Form::loaded), name_of);

/// Suspends for a few milliseconds of its own choice and keeps book of what runs beside it.
struct Suspending {
  Seen<std::string>& seen;
  Overlap& overlap;
  Task<void> operator()(Payload payload) const {
    const std::string text(payload.text());
    overlap.enter();
    co_await sleep_for(std::chrono::milliseconds(1 + text.size() % 3));
    overlap.leave();
    seen.add(text);
  }
};

TEST_P(Concurrency, IsSequentialInOrderUnlessAskedOtherwise) {
  Seen<std::string> seen;
  Overlap overlap;
  start([&](Scope& b) { b.subscribe("in", Suspending{seen, overlap}); });
  std::vector<std::string> sent;
  for (int i = 0; i < 30; ++i) sent.emplace_back(static_cast<std::size_t>(30 - i), 'x');
  for (const std::string& each : sent) publish("in", each);
  EXPECT_EQ(seen.wait(sent.size()), sent);
  EXPECT_EQ(overlap.most, 1);
}

TEST_P(Concurrency, IsBoundedByWorkersAndByTheWindow) {
  const struct {
    std::uint32_t workers, in_flight;
    int most;
  } cases[] = {{3, 0, 3}, {16, 4, 4}};
  std::vector<Seen<std::string>> seen(2);
  std::vector<Overlap> overlap(2);
  start([&](Scope& b) {
    for (std::size_t i = 0; i < 2; ++i) {
      b.subscribe("in." + std::to_string(i), Suspending{seen[i], overlap[i]})
          .workers(cases[i].workers)
          .in_flight(cases[i].in_flight);
    }
  });
  for (std::size_t i = 0; i < 2; ++i) {
    for (int message = 0; message < 60; ++message) publish("in." + std::to_string(i), std::to_string(message));
    EXPECT_EQ(seen[i].exactly(60).size(), 60U);
    EXPECT_EQ(overlap[i].most, cases[i].most) << cases[i].workers;
  }
}

struct Keyed {
  std::map<std::string, Overlap>& by_key;
  Overlap& all;
  Seen<std::pair<std::string, int>>& seen;
  Task<Outcome> operator()(Payload payload, Context& ctx) const {
    const std::string key(ctx.message().key().value_or("none"));
    const int number = std::stoi(std::string(payload.text()));
    by_key[key].enter();
    all.enter();
    if (number % 3 != 0) co_await sleep_for(std::chrono::microseconds(number % 7 * 500));
    by_key[key].leave();
    all.leave();
    seen.add({key, number});
    co_return ack();
  }
};

TEST_P(Concurrency, KeyedWorkersNeverReorderAKeyNorRunItTwiceWhileKeysOverlap) {
  constexpr int kMessages = 600;
  std::map<std::string, Overlap> by_key;
  Overlap all;
  Seen<std::pair<std::string, int>> seen;
  start([&](Scope& b) { b.subscribe("in", Keyed{by_key, all, seen}).workers(4, ruststream::by_key); });
  std::minstd_rand random(7);
  for (int i = 0; i < kMessages; ++i) publish("in", std::to_string(i), "k" + std::to_string(random() % 12));
  std::map<std::string, int> last;
  for (const auto& [key, number] : seen.wait(kMessages)) {
    const auto [at, is_new] = last.try_emplace(key, -1);
    EXPECT_LT(std::exchange(at->second, number), number) << key;
  }
  EXPECT_EQ(last.size(), 12U);
  for (const auto& [key, overlap] : by_key) EXPECT_EQ(overlap.most, 1) << key;
  EXPECT_GT(all.most, 1);
  EXPECT_LE(all.most, 4);
}

TEST_P(Concurrency, BatchesCloseBySizeOrByTheirDeadline) {
  Seen<std::size_t> sizes;
  using Clock = std::chrono::steady_clock;
  Seen<Clock::time_point> when;
  start([&](Scope& b) {
    b.subscribe("in", [&](std::span<const Order> orders) {
       when.add(Clock::now());
       sizes.add(orders.size());
     }).batch(8, 150ms);
  });
  std::vector<std::string> texts(20, R"({"id":1,"text":"t"})");
  const std::vector<Payload> payloads(texts.begin(), texts.end());
  auto to = good(broker.publisher("in").get());
  const auto begin = Clock::now();
  good(to.publish_all(payloads).get());
  EXPECT_EQ(sizes.wait(3), (std::vector<std::size_t>{8, 8, 4}));
  const auto times = when.wait(3);
  EXPECT_LT(times[1] - begin, 150ms);
  EXPECT_GE(times[2] - begin, 150ms);
}

TEST_P(Concurrency, AnElementThatDoesNotDecodeIsSettledAlone) {
  auto dead = good(broker.subscribe("dead").get());
  Seen<std::string> seen;
  start([&](Scope& b) {
    b.subscribe("in",
                [&](std::span<const Order> orders, Context& ctx) {
                  std::string all;
                  for (std::uint32_t i = 0; i < orders.size(); ++i) {
                    all += std::to_string(orders[i].id) + std::string(*ctx.message(i).key()) + " ";
                  }
                  seen.add(all);
                })
        .batch(5, 5s)
        .dead_letter("dead");
  });
  for (const auto& [payload, key] : std::vector<std::pair<std::string, std::string>>{{R"({"id":1,"text":""})", "a"},
                                                                                     {"{bad", "b"},
                                                                                     {R"({"id":3,"text":""})", "c"},
                                                                                     {R"({"id":"4"})", "d"},
                                                                                     {R"({"id":5,"text":""})", "e"}}) {
    publish("in", payload, key);
  }
  EXPECT_EQ(seen.wait(1), (std::vector<std::string>{"1a 3c 5e "}));
  EXPECT_EQ(take(dead), "{bad");
  EXPECT_EQ(take(dead), R"({"id":"4"})");
  EXPECT_TRUE(logged("does not decode"));
  EXPECT_FALSE(logged("{bad")) << "a payload in the log";
}

struct View {
  std::uint64_t id;
  std::string_view text;
};

struct Holding {
  Seen<std::string>& seen;
  Overlap& overlap;
  Task<std::expected<void, Error>> operator()(const View& view, Context& ctx) const {
    overlap.enter();
    const std::string before(view.text);
    for (int i = 0; i < 5; ++i) co_await sleep_for(std::chrono::milliseconds(1 + view.id % 4));
    overlap.leave();
    seen.add(before == view.text ? before + std::string(*ctx.message().key()) : "changed while it was suspended");
    co_return std::expected<void, Error>();
  }
};

TEST_P(Concurrency, SixtyFourSuspendedCoroutinesKeepTheirEscapedStrings) {
  constexpr std::size_t kMessages = 512;
  Seen<std::string> seen;
  Overlap overlap;
  start([&](Scope& b) { b.subscribe("in", Holding{seen, overlap}).workers(64); });
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const std::string number = std::to_string(i);
    publish("in", R"({"id":)" + number + R"(,"text":"line\n\"quoted\" \u00e9 )" + number + R"("})", "k" + number);
    expected.push_back("line\n\"quoted\" \u00e9 " + number + "k" + number);
  }
  auto all = seen.wait(kMessages);
  std::ranges::sort(all);
  std::ranges::sort(expected);
  EXPECT_EQ(all, expected);
  EXPECT_EQ(overlap.most, 64);
}

}  // namespace
}  // namespace ruststream::testing
