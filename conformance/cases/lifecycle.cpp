// Instances, handles, closing and completions: rules L1 to L3, L6, C1 and C3. What races a close is in races.cpp.
#include "cases/case.hpp"
#include "cases/life.hpp"
#include "host/heap.hpp"
#include "host/out_array.hpp"

#include <dirent.h>
#include <set>

namespace conformance {
namespace {

std::size_t entries(const char* folder) {
  std::size_t count = 0;
  DIR* const open = ::opendir(folder);
  while (open != nullptr && ::readdir(open) != nullptr) ++count;
  if (open != nullptr) ::closedir(open);
  return count;
}

struct Resources {
  std::size_t threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
  bool operator==(const Resources&) const = default;
  [[nodiscard]] std::string shown() const {
    return std::to_string(threads - 2) + " threads and " + std::to_string(descriptors - 3) + " descriptors";
  }
};

/// What there is, once that has been the same for a while: the kernel wakes who joins a thread before it takes the
/// thread off its list.
Resources once_still() {
  using Clock = std::chrono::steady_clock;
  constexpr auto kStill = 100ms;
  Resources now;
  for (auto since = Clock::now(); Clock::now() - since < kStill;) {
    std::this_thread::sleep_for(5ms);
    if (const Resources next; next != now) {
      now = next;
      since = Clock::now();
    }
  }
  return now;
}

/// A call of each verb that takes a handle.
struct Probe {
  const char* verb;
  std::function<std::int32_t(Instance&, std::uint64_t, rst_error*)> call;
};

std::vector<Probe> probes_of_subscription(Test& t) {
  std::vector<Probe> all;
  all.push_back({"close", [](Instance& i, std::uint64_t handle, rst_error* error) {
                   return i.table().close(i.raw(), handle, 0, 1'000'000'000, 0, error);
                 }});
  all.push_back({"credit", [](Instance& i, std::uint64_t handle, rst_error* error) {
                   const Lent<rst_credit> call("rst_credit");
                   *call = {sizeof(rst_credit), RST_CREDIT_ADD, handle, 1, 0, 1, 0};
                   return i.table().credit(i.raw(), call.get(), error);
                 }});
  if (!t.kind.can(RST_CAP_SETTLE) || t.plugin.table().settle == nullptr) return all;
  all.push_back({"settle", [](Instance& i, std::uint64_t handle, rst_error* error) {
                   const Lent<rst_settlement> item("rst_settlement");
                   *item = {1, 0, nullptr, RST_VERDICT_ACK, 0, 0};
                   const Lent<rst_settle> call("rst_settle");
                   *call = {sizeof(rst_settle), 0, handle, 0, 0, item.get(), 1, sizeof(rst_settlement), 0, 0};
                   return i.table().settle(i.raw(), call.get(), error);
                 }});
  return all;
}

std::vector<Probe> probes_of_publisher(Test& t) {
  std::vector<Probe> all;
  all.push_back({"publish", [](Instance& i, std::uint64_t handle, rst_error* error) {
                   const Out out{.payload = "x", .destination = i.test.address()};
                   const OutArray messages(std::span(&out, 1));
                   const Lent<rst_publish> call("rst_publish");
                   call->struct_size = sizeof(rst_publish);
                   call->publisher = handle;
                   call->messages = messages.data();
                   call->count = 1;
                   call->stride = sizeof(rst_out_message);
                   return i.table().publish(i.raw(), call.get(), error);
                 }});
  all.push_back({"close", [](Instance& i, std::uint64_t handle, rst_error* error) {
                   return i.table().close(i.raw(), handle, 0, 1'000'000'000, 0, error);
                 }});
  if (t.plugin.table().flush != nullptr) {
    all.push_back({"flush", [](Instance& i, std::uint64_t handle, rst_error* error) {
                     return i.table().flush(i.raw(), handle, 1'000'000'000, 0, error);
                   }});
  }
  return all;
}

std::vector<Probe> probes_of_connection(Test& t) {
  std::vector<Probe> all;
  if (t.kind.consumes()) {
    all.push_back({"subscribe", [](Instance& i, std::uint64_t handle, rst_error* error) {
                     const SubscriptionSpec spec(i.test, i.test.kind, {});
                     spec->id = i.host.name_connection();  // any id that is the host's
                     std::uint64_t made = 0;
                     return i.table().subscribe(i.raw(), handle, spec.get(), &made, error);
                   }});
  }
  if (t.publish_kind.publishes()) {
    all.push_back({"open_publisher", [](Instance& i, std::uint64_t handle, rst_error* error) {
                     const PublisherSpec spec(i.test, i.test.publish_kind, {});
                     spec->id = i.host.name_connection();
                     std::uint64_t made = 0;
                     return i.table().open_publisher(i.raw(), handle, spec.get(), &made, error);
                   }});
  }
  all.push_back({"close", [](Instance& i, std::uint64_t handle, rst_error* error) {
                   return i.table().close(i.raw(), handle, 0, 1'000'000'000, 0, error);
                 }});
  return all;
}

/// CLOSED, or STALE once it is long gone.
void expect_gone(Test& t, const std::vector<Probe>& probes, std::uint64_t handle, const char* of) {
  for (const Probe& each : probes) {
    const std::int32_t code =
        -t.instance().call(each.verb, [&](rst_error* error) { return each.call(t.instance(), handle, error); });
    t.expect(code == RST_E_CLOSED || code == RST_E_STALE, "L2",
             std::string(each.verb) + " of a closed " + of + ": CLOSED, or STALE", code_name(std::max(0, code)));
  }
}

void expect_stale(Test& t, const std::vector<Probe>& probes, const char* of) {
  for (const std::uint64_t never : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x1234'5678'0000'0001}}) {
    for (const Probe& each : probes) {
      const std::int32_t code =
          -t.instance().call(each.verb, [&](rst_error* error) { return each.call(t.instance(), never, error); });
      t.expect_code(std::max(0, code), RST_E_STALE, "L2",
                    std::string(each.verb) + " of a " + of + " that was never issued, " + std::to_string(never));
    }
  }
}

constexpr Case kCases[] = {
    {.name = "lifecycle.never-issued-handles",
     .rule = "L2",
     .says = "Every verb says STALE of a handle that was never issued, and looks at nothing behind it.",
     .run =
         [](Test& t) {
           (void)t.instance().connection();
           expect_stale(t, probes_of_subscription(t), "subscription");
           expect_stale(t, probes_of_publisher(t), "publisher");
           expect_stale(t, probes_of_connection(t), "connection");
         }},
    {.name = "lifecycle.odd-arguments-return",
     .rule = "L1",
     .says = "Whatever a verb is asked for, nothing or what makes no sense, it returns: nothing unwinds out of it.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           for (const std::string& odd : {std::string(), std::string("\xFF\xFE"), std::string("a\0b", 3),
                                          std::string(1U << 16U, 'a'), std::string(" \r\n*>#./")}) {
             (void)t.plan({.addresses = {odd}});
             auto [made, subscribing] = t.instance().try_subscribe({.addresses = {odd}});
             (void)subscribing.wait();
             auto [opened, opening] = t.instance().try_publisher({.destination = odd});
             (void)opening.wait();
             (void)out.publish(Out{.payload = "x", .destination = odd});
           }
           (void)out.publish(std::span<const Out>());
           if (t.kind.can(RST_CAP_SETTLE)) (void)sub.settle(std::span<const Verdict>());
           (void)sub.credit(0, 0);
           out.send("as ever");
           finish(sub, sub.next());
         }},
    {.name = "lifecycle.closed-handles",
     .rule = "L2",
     .says = "Every verb says CLOSED or STALE of a handle that is closed, a second close too.",
     .run =
         [](Test& t) {
           const Connection on = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = on});
           const Publisher out = t.publisher({.connection = on});
           (void)sub.close().wait();
           expect_gone(t, probes_of_subscription(t), sub.handle, "subscription");
           (void)out.close().wait();
           expect_gone(t, probes_of_publisher(t), out.handle, "publisher");
           const Subscription with = t.subscribe({.connection = on});
           (void)on.close().wait();
           expect_gone(t, probes_of_connection(t), on.handle, "connection");
           expect_gone(t, probes_of_subscription(t), with.handle, "subscription, by its connection,");
         }},
    {.name = "lifecycle.handles-are-not-reused",
     .rule = "C3",
     .says = "A handle is given once: the ones of a hundred objects, each closed before the next, are all different.",
     .run =
         [](Test& t) {
           std::set<std::uint64_t> seen;
           const auto fresh = [&](std::uint64_t handle) {
             t.expect(handle != 0 && seen.insert(handle).second, "L2", "a handle that was never given before",
                      std::to_string(handle));
           };
           const Connection on = t.instance().connect();
           fresh(on.handle);
           for (int i = 0; i < 50; ++i) {
             const Subscription sub = t.subscribe({.connection = on});
             fresh(sub.handle);
             (void)sub.close().wait();
             const Publisher out = t.publisher({.connection = on});
             fresh(out.handle);
             (void)out.close().wait();
           }
         }},
    {.name = "lifecycle.deinit-out-of-order",
     .rule = "L2",
     .says = "Deinit with an open connection is STATE, and everything goes on as before.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::int32_t returned = t.inside("deinit", [&] {
             const Lent<rst_error> error("rst_error");
             return t.plugin.table().deinit(t.instance().raw(), error.get());
           });
           t.expect_code(-returned, RST_E_STATE, "L2", "deinit with an open connection");
           t.publisher().send("still here");
           finish(sub, sub.next());
         }},
    {.name = "lifecycle.instances-overlap",
     .rule = "L3",
     .says = "Several instances at once are independent: each has its own life, the others go on.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           for (int i = 0; i < 3; ++i) {
             Instance other(t);
             live(other);
             Instance third(t);
             (void)third.connect();
             (void)other.deinit();
             out.send("x");
             finish(sub, sub.next());
           }
         }},
    {.name = "lifecycle.cycles-leave-nothing",
     .rule = "L3",
     .says = "Threads and descriptors are as many after the second life of an instance as after the fifth.",
     .run =
         [](Test& t) {
           const bool runtime = t.plugin.table().runtime != RST_RUNTIME_NONE;
           t.use_real_time();        // with whatever threads that needs
           (void)t.address("life");  // where it has to be created: by another instance, which stays
           t.elsewhere([] {});       // a sanitizer starts a thread of its own beside the first one
           const Resources at_first = once_still();
           for (int i = 0; i < 2; ++i) live_and_end(t);
           const Resources second = once_still();
           for (int i = 0; i < 3; ++i) live_and_end(t);
           const Resources fifth = once_still();
           t.expect(second == fifth, "L3", "after the fifth life as after the second: " + second.shown(),
                    fifth.shown());
           t.expect(runtime || at_first.threads == fifth.threads, "L3",
                    "deinit ends the threads of the instance: " + at_first.shown(), fifth.shown());
         }},
    {.name = "lifecycle.cycles-cost-no-memory",
     .rule = "L3",
     .says =
         "The life of an instance leaves no memory behind, however many connections, publishers and messages it had.",
     .run =
         [](Test& t) {
           constexpr int kWindows = 12, kLives = 3, kConnections = 6;
           constexpr std::int64_t kMay = 256;  // a life: less than one small leak for each of its connections
           if (t.plugin.table().runtime != RST_RUNTIME_NONE) Test::skip("its runtime's memory is not the C library's");
           if (heap_bytes() == 0) Test::skip("the C library's allocator is not in use");
           std::int64_t each = INT64_MAX;  // a leak is in each window; caches of the allocator grow in some
           for (int window = 0; window <= kWindows && each > kMay; ++window) {
             const std::int64_t before = heap_bytes();
             for (int life = 0; life < kLives; ++life) {
               Instance instance(t);  // what the host keeps about it goes with it
               for (int i = 0; i < kConnections; ++i) live(instance);
             }
             if (window > 0) each = std::min(each, (heap_bytes() - before) / kLives);  // the first one warms up
           }
           t.expect(each <= kMay, "L3", "a life leaves at most " + std::to_string(kMay) + " bytes",
                    std::to_string(each));
         }},
    {.name = "lifecycle.nothing-after-close",
     .rule = "L6",
     .says = "When the close of a connection has completed nothing carries its ids any more, logs included.",
     .run =
         [](Test& t) {
           for (int i = 0; i < 5; ++i) {
             const Connection on = t.instance().connect();
             const Subscription sub = t.subscribe({.connection = on});
             const Publisher out = t.publisher({.connection = on});
             out.send(numbered(20));
             const Message held = sub.next();
             const Outcome closed = on.close(i % 2 == 0 ? 0 : RST_CLOSE_ABORT).wait();
             t.expect(closed.ok(), "cap", "close succeeds", closed.said());
             t.pass(t.tick());  // the host says so when something comes; `held` is released after it
           }
         }},
    {.name = "lifecycle.close-counts-what-it-drops",
     .rule = "cap",
     .says = "The close of a subscription tells how many messages went with it: never more than there were.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.group = "", .credit = 2});
           t.publisher().send(numbered(6));
           const Message held = sub.next();
           const Outcome closed = sub.close().wait();
           t.expect(closed.ok() && closed.value <= 6, "cap", "6 at most", std::to_string(closed.value));
         }},
    {.name = "lifecycle.subscribe-completes-first",
     .rule = "C4",
     .says = "The completion of subscribe comes before its first delivery, though messages wait and there is credit.",
     .needs = {RST_CAP_GROUP},
     .run =
         [](Test& t) {
           if (!t.publish_kind.publishes()) Test::skip("nothing can be published");
           (void)t.subscribe({.credit = 0});  // keeps the group, which has what waits
           for (const std::uint32_t credit : {1U, 2U, 256U}) {
             t.publisher().send(numbered(3));
             const Subscription sub = t.subscribe({.credit = credit});  // the host sees which came first
             t.pass(t.testkit.quiet);
             while (const auto message = sub.try_next(0ns)) finish(sub, *message);
             (void)sub.close().wait();
           }
         }},
    {.name = "lifecycle.subscribe-without-an-operation",
     .rule = "C1",
     .says = "A subscribe without an op is not completed; where it is done its handle is of a subscription as any.",
     .run =
         [](Test& t) {
           auto [sub, pending] = t.instance().try_subscribe({.completes = false});
           const Outcome outcome = pending.wait();
           if (!outcome.ok() || outcome.value == 0) Test::skip("the plugin subscribes only with an operation");
           t.publisher().send("m");
           const Message message = sub.next("P1", "what is published after a subscribe is delivered");
           if (message.token != 0) sub.ack(message);
           const Outcome closed = sub.close().wait();
           t.expect(closed.ok(), "L2", "close of a handle that subscribe gave", closed.said());
         }},
    {.name = "lifecycle.subscribe-that-fails",
     .rule = "C1",
     .says = "A subscribe that fails, as with a position that the log does not have, has done nothing: nothing is "
             "delivered for it, and the next one gets all.",
     .needs = {RST_CAP_SEEK, RST_CAP_POSITION},
     .run =
         [](Test& t) {
           const std::string address = t.address("longer");
           const Subscription longer = t.subscribe({.addresses = {address}});
           t.publisher({.destination = address}).send(numbered(5));
           const rst_position beyond = position_of(t, longer.next(5).back());
           subscribe_once(t);
           t.publisher().send("first");
           auto [failed, pending] = t.instance().try_subscribe({.start = beyond});
           if (pending.wait().ok()) Test::skip("a subscription starts at any position");
           t.publisher().send("second");
           failed.nothing("C1", "nothing is delivered for a subscribe that failed");
           const Subscription sub = t.subscribe({.start = position(RST_POSITION_EARLIEST)});
           for (const Message& message : sub.next(2, "cap")) finish(sub, message);
         }},
    {.name = "lifecycle.close-completes-everything",
     .rule = "C1",
     .says = "Closing a connection completes all that is pending on it first, and then itself, in its time.",
     .run =
         [](Test& t) {
           const Connection on = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = on});
           const Publisher out = t.publisher({.connection = on});
           std::vector<Publishing> pending;
           for (int i = 0; i < 10; ++i) pending.push_back(out.start(numbered(10), {.timeout = 60s}));
           Pending drain = sub.drain();
           for (Pending each : {t.subscribe({.connection = on}).close(), t.publisher({.connection = on}).close()}) {
             const Outcome alone = each.wait();
             t.expect(alone.ok(), "cap", "close succeeds", alone.said());
           }
           const Outcome closed = on.close(0, 5s).wait();
           t.expect(closed.ok(), "cap", "close succeeds", closed.said());
           for (const Publishing& each : pending)
             t.expect(each.verb().done(), "C1", "each publish is complete when its connection is closed", "one is not");
           t.expect(drain.done(), "C1", "DRAIN is complete when its connection is closed", "it is not");
         }},
    {.name = "lifecycle.abort-after-graceful-close",
     .rule = "C1",
     .says = "An ABORT may follow a graceful close that is pending; each completes once.",
     .run =
         [](Test& t) {
           const Connection on = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = on});
           t.publisher().send(numbered(20));
           const Message held = sub.next();
           Pending graceful = on.close(0, 60s);
           const bool over = graceful.done();
           Pending abort = on.close(RST_CLOSE_ABORT, 1s);
           const Outcome second = abort.wait();
           t.expect(second.ok() || second.code == RST_E_CLOSED || second.code == RST_E_STALE, "L2",
                    over ? "CLOSED or STALE for a close of what is closed" : "an ABORT is taken, or CLOSED",
                    second.said());
           (void)graceful.wait();
           t.pass(t.testkit.quiet);
         }},
    {.name = "lifecycle.verbs-do-not-wait",
     .rule = "B1",
     .says = "No verb waits while messages come and go as fast as they can.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 100'000});
           const Publisher out = t.publisher();
           for (int i = 0; i < 100; ++i) {
             out.send(numbered(20));
             sub.credit(1, 1);
             for (const Message& message : sub.next(20)) finish(sub, message);
             if (t.plugin.table().flush != nullptr) (void)out.flush().wait();
             if (i % 10 != 0) continue;
             const Connection on = t.instance().connect();
             (void)on.close().wait();
           }
         }},
};

}  // namespace

std::span<const Case> lifecycle_cases() { return kCases; }

}  // namespace conformance
