// One scenario with so many messages, to be run under callgrind: run.py runs it twice and divides the difference.
//   bench_instructions SCENARIO MESSAGES PLUGIN DATA
#include "bench.hpp"
#include "measure.hpp"

#include <array>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace bench {
namespace {

struct Run {
  Broker& broker;
  std::uint64_t messages;
  std::string data;  // the folder of the JSON payloads

  [[nodiscard]] std::string payload() const { return std::string(kPayloadBytes, 'x'); }
  [[nodiscard]] std::string small() const { return read_file(data + "/order_small.json"); }
};

/// Runs a service over a filled queue; all of its life is measured.
void consume(Run& run, Countdown& countdown, const std::function<void(rs::Scope&)>& declare) {
  countdown.left = run.messages;
  rs::App app = run.broker.service(declare);
  countdown.app = &app;
  Measure::begin();
  need(app.start(), "start");
  app.wait();
  Measure::end();
  countdown.app = nullptr;
  if (countdown.left != 0) need<void>(rs::fail(rs::Code::internal, "messages are missing"), "consume");
}

void raw_payload(Run& run) {
  run.broker.fill(kTopic, run.payload(), run.messages);
  Countdown countdown;
  consume(run, countdown, [&](rs::Scope& scope) {
    scope.subscribe(kTopic, [&](rs::Payload bytes) { countdown.one(bytes.size()); }).group(kGroup);
  });
}

void json(Run& run, const std::string& payload) {
  run.broker.fill(kTopic, payload, run.messages);
  Countdown countdown;
  consume(run, countdown, [&](rs::Scope& scope) {
    scope.subscribe(kTopic, [&](const Order& order) { countdown.one(order.quantity); }).group(kGroup);
  });
}
void json_small(Run& run) { json(run, run.small()); }
void json_1k(Run& run) { json(run, read_file(run.data + "/order_1k.json")); }

void batch64_json(Run& run) {
  constexpr std::uint32_t kBatch = 64;
  run.broker.fill(kTopic, run.small(), run.messages);
  Countdown countdown;
  consume(run, countdown, [&](rs::Scope& scope) {
    scope
        .subscribe(kTopic,
                   [&](std::span<const Order> orders) { countdown.many(orders.size(), orders.back().quantity); })
        .group(kGroup)
        .batch(kBatch);
  });
}

void reply(Run& run) {
  constexpr const char* kReplies = "replies";
  run.broker.make_group(kReplies, kGroup);
  run.broker.warm(kReplies, kGroup, run.small(), run.messages);
  run.broker.fill(kTopic, run.small(), run.messages);
  Countdown countdown;
  consume(run, countdown, [&](rs::Scope& scope) {
    scope
        .subscribe(kTopic,
                   [&](const Order& order) {
                     countdown.one(order.quantity);
                     return Order{order.id, order.quantity + 1};
                   })
        .group(kGroup)
        .reply_to(kReplies);
  });
}

rs::Task<void> suspend_once(rs::Payload bytes, Countdown& countdown) {
  Yield yield;
  co_await yield;
  countdown.one(bytes.size());
}

void coroutine_suspend(Run& run) {
  run.broker.fill(kTopic, run.payload(), run.messages);
  Countdown countdown;
  consume(run, countdown, [&](rs::Scope& scope) {
    scope.subscribe(kTopic, [&](rs::Payload bytes) { return suspend_once(bytes, countdown); }).group(kGroup);
  });
}

rs::Task<void> suspend_sometimes(rs::Payload bytes, Countdown& countdown, std::uint64_t& started) {
  constexpr std::uint64_t kEvery = 16;
  if (++started % kEvery == 0) {
    Yield yield;
    co_await yield;
  }
  countdown.one(bytes.size());
}

/// A handler that now and then suspends: on one worker, or on keyed ones, where messages then go through lanes.
void suspending(Run& run, std::uint32_t workers) {
  constexpr std::uint32_t kInFlight = 512;  // the same for both: it decides how much is settled at once
  run.broker.fill_keyed(kTopic, run.payload(), run.messages);
  std::uint64_t started = 0;
  Countdown countdown;
  consume(run, countdown, [&](rs::Scope& scope) {
    rs::Registration subscription =
        scope.subscribe(kTopic, [&](rs::Payload bytes) { return suspend_sometimes(bytes, countdown, started); });
    subscription.group(kGroup).in_flight(kInFlight);
    if (workers > 1) subscription.workers(workers, rs::by_key);
  });
}
void sequential_suspends(Run& run) { suspending(run, 1); }
void keyed_workers(Run& run) { suspending(run, 4); }

/// One subscriber that has used up its credit, so that nothing is consumed.
void memory_publish(Run& run) {
  const std::string payload = run.payload();
  run.broker.warm(kTopic, kGroup, payload, run.messages);
  rs::SubscribeOptions options;
  options.group = kGroup;
  const rs::Subscription idle = need(run.broker.client().subscribe(kTopic, options).get(), "subscribe");
  rs::Publisher out = run.broker.publisher(kTopic);
  Measure::begin();
  for (std::uint64_t i = 0; i < run.messages; ++i) need(out.publish(rs::Payload(payload)).get(), "publish");
  Measure::end();
}

rs::Task<rs::Result<void>> publish_chunks(rs::Publisher& out, std::string payload, std::uint64_t messages,
                                          const std::uint64_t& consumed) {
  for (std::uint64_t sent = 0; sent < messages;) {
    for (std::uint64_t i = 0; i < kChunk && sent < messages; ++i, ++sent) {
      auto publishing = out.publish(rs::Payload(payload));
      if (auto done = co_await publishing; !done) co_return done;
    }
    while (consumed < sent) {
      Yield yield;
      co_await yield;
    }
  }
  co_return rs::Result<void>();
}

void memory_whole(Run& run) {
  std::uint64_t consumed = 0;
  rs::Publisher out;
  rs::App app = run.broker.service([&](rs::Scope& scope) {
    rs::PublisherOptions options;
    options.confirm = false;
    out = scope.publisher("out", kTopic, options);
    scope.subscribe(kTopic, [&](rs::Payload bytes) { consumed += bytes.size() / kPayloadBytes; }).group(kGroup);
  });
  app.after_startup([&](rs::App&) { return publish_chunks(out, run.payload(), run.messages, consumed); });
  run.broker.warm(kTopic, kGroup, run.payload(), kChunk);
  Measure::begin();
  need(app.start(), "start");
  app.stop();
  app.wait();
  Measure::end();
}

/// Not divided by messages: from App::start to the first line of the first handler.
void cold_start(Run& run) {
  run.broker.fill(kTopic, run.payload(), 1);
  Countdown countdown{.left = 1};
  rs::App app = run.broker.service([&](rs::Scope& scope) {
    scope
        .subscribe(kTopic,
                   [&](rs::Payload bytes) {
                     Measure::end();
                     countdown.one(bytes.size());
                   })
        .group(kGroup);
  });
  countdown.app = &app;
  Measure::begin();
  need(app.start(), "start");
  app.wait();
  countdown.app = nullptr;
}

struct Scenario {
  const char* name;
  void (*run)(Run& run);
};

constexpr std::array kScenarios{
    Scenario{"raw_payload", raw_payload},
    Scenario{"json_small", json_small},
    Scenario{"json_1k", json_1k},
    Scenario{"batch64_json", batch64_json},
    Scenario{"reply", reply},
    Scenario{"memory_publish", memory_publish},
    Scenario{"memory_whole", memory_whole},
    Scenario{"coroutine_suspend", coroutine_suspend},
    Scenario{"sequential_suspends", sequential_suspends},
    Scenario{"keyed_workers", keyed_workers},
    Scenario{"cold_start", cold_start},
};

int main_of(std::span<char* const> arguments) {
  for (const Scenario& scenario : kScenarios) {
    if (arguments.size() != 5 || arguments[1] != std::string_view(scenario.name)) continue;
    Broker broker(arguments[3]);
    broker.make_group(kTopic, kGroup);
    Run run{broker, std::strtoull(arguments[2], nullptr, 10), arguments[4]};
    scenario.run(run);
    std::printf("%llu\n", static_cast<unsigned long long>(Measure::allocations()));
    return EXIT_SUCCESS;
  }
  std::fprintf(stderr, "usage: bench_instructions SCENARIO MESSAGES PLUGIN DATA; scenarios:");
  for (const Scenario& scenario : kScenarios) std::fprintf(stderr, " %s", scenario.name);
  std::fprintf(stderr, "\n");
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main_of({argv, static_cast<std::size_t>(argc)}); }
