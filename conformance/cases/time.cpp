// What time and rank do to messages: TTL, delayed publishing, priority. No rule has an id: these are promises of a
// kind.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <functional>
#include <map>

namespace conformance {
namespace {

std::string in_ms(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

std::chrono::nanoseconds within_limit(const Test& t, std::uint32_t capability, std::chrono::nanoseconds wanted) {
  const std::uint64_t limit = t.publish_kind.capability(capability).limit;
  return limit == 0 ? wanted : std::min(wanted, std::chrono::nanoseconds(limit));
}

/// The message is refused with UNSUPPORTED, and nothing of it is delivered.
void refused(Test& t, const Out& message, const std::string& what) {
  const Subscription sub = t.subscribe();
  t.expect_code(t.publisher().publish(message).code(), RST_E_UNSUPPORTED, "P3", what);
  sub.nothing("P3", "a message that was refused is not delivered");
}

/// Only a kind that consumers and publishers share can be judged by its own declaration.
void skip_without(const Test& t, std::uint32_t capability) {
  if (!t.publish_kind.can(capability)) Test::skip("the publisher's kind does not declare it");
}

constexpr Case kCases[] = {
    {.name = "time.ttl-expires",
     .rule = "cap",
     .says = "A message is not delivered once its TTL is over; one that has none, or a longer one, is.",
     .needs = {RST_CAP_TTL},
     .observes = RST_CAP_TTL,
     .undeclared = [](Test& t) { refused(t, {.payload = "m", .ttl = 1s}, "a TTL where it has level NONE"); },
     .run =
         [](Test& t) {
           skip_without(t, RST_CAP_TTL);
           const auto ttl = within_limit(t, RST_CAP_TTL, t.tick());
           const Subscription sub = t.subscribe({.credit = 1, .window = 1});
           const Publisher out = t.publisher();
           out.send(Out{.payload = "in hand", .ttl = ttl});  // delivered before: what is delivered does not expire
           const Message first = sub.next();
           const std::vector<Out> waiting{{.payload = "a"},
                                          {.payload = "gone", .ttl = ttl},
                                          {.payload = "b"},
                                          {.payload = "c", .ttl = within_limit(t, RST_CAP_TTL, 100 * t.tick())},
                                          {.payload = "gone too", .ttl = ttl}};
           out.send(waiting);
           t.pass(ttl + ttl / 2);
           finish(sub, first);
           std::string order;
           for (int i = 0; i < 3; ++i) {
             sub.credit(1);
             const Message message = sub.next("P1", "what has no TTL or a longer one is delivered");
             order += message.payload;
             finish(sub, message);
           }
           t.expect(order == "abc", "cap", "what has not expired, in order: abc", order);
           sub.credit(10);
           sub.nothing("cap", "a message is not delivered once its TTL is over");
         }},
    {.name = "time.ttl-of-what-comes-again",
     .rule = "cap",
     .says = "A message that was given back does not come again once its TTL is over.",
     .needs = {RST_CAP_TTL, RST_CAP_RELEASE},
     .run =
         [](Test& t) {
           skip_without(t, RST_CAP_TTL);
           const auto ttl = within_limit(t, RST_CAP_TTL, t.tick());
           const Subscription sub = t.subscribe();
           t.publisher().send(Out{.payload = "short-lived", .ttl = ttl});
           const Message first = sub.next();
           sub.release(first);
           const Message second = sub.next("S2", "what was released comes again while its TTL lasts");
           t.pass(ttl + ttl / 2);
           sub.release(second);
           sub.nothing("cap", "a message is not delivered once its TTL is over");
         }},
    {.name = "time.ttl-of-what-is-gone",
     .rule = "cap",
     .says = "What waits with a TTL, a delay or for a retry when its subscription closes goes with it; its time passes "
             "and harms nobody.",
     .needs = {RST_CAP_TTL},
     .run =
         [](Test& t) {
           skip_without(t, RST_CAP_TTL);
           const auto ttl = within_limit(t, RST_CAP_TTL, t.tick());
           for (int i = 0; i < 5; ++i) {
             const Subscription sub = t.subscribe({.group = "", .credit = 1});
             const Publisher out = t.publisher();
             out.send(numbered(1));
             out.send(Out{.payload = "waits", .ttl = ttl});
             if (t.publish_kind.can(RST_CAP_DELAY)) out.send(Out{.payload = "later", .delay = ttl});
             const Message held = sub.next();
             if (t.kind.can(RST_CAP_RETRY_AFTER)) sub.retry(held, ttl);
             (void)sub.close().wait();
           }
           const Subscription other = t.subscribe({.addresses = {t.address("other")}});
           t.pass(2 * ttl);
           t.publisher({.destination = t.address("other")}).send("still here");
           finish(other, other.next());
         }},
    {.name = "time.delay",
     .rule = "cap",
     .says = "A message that is published with a delay comes no earlier than that, and not much later.",
     .needs = {RST_CAP_DELAY},
     .observes = RST_CAP_DELAY,
     .undeclared = [](Test& t) { refused(t, {.payload = "m", .delay = 1s}, "a delay where it has level NONE"); },
     .run =
         [](Test& t) {
           skip_without(t, RST_CAP_DELAY);
           const auto delay = within_limit(t, RST_CAP_DELAY, t.tick());
           const Subscription sub = t.subscribe();
           const auto before = t.now();
           t.publisher().send(Out{.payload = "later", .delay = delay});
           const auto came = sub.try_next(delay + t.testkit.arrival);
           const auto waited = t.now() - before;
           t.expect(came.has_value(), "P1", "a message with a delay is delivered", "nothing came");
           t.expect(waited + 1ms >= delay, "cap", "not before its delay of " + in_ms(delay), "after " + in_ms(waited));
           t.expect(!t.simulated() || waited <= delay + delay / 10, "cap", "not much later than " + in_ms(delay),
                    "after " + in_ms(waited));
           finish(sub, *came);
           sub.nothing("cap", "a message with a delay is delivered once");
         }},
    {.name = "time.delays-are-independent",
     .rule = "cap",
     .says = "Each message waits for its own delay, and holds nobody else up.",
     .needs = {RST_CAP_DELAY},
     .run =
         [](Test& t) {
           skip_without(t, RST_CAP_DELAY);
           const auto unit = within_limit(t, RST_CAP_DELAY, 3 * t.tick()) / 3;
           const Subscription sub = t.subscribe();
           const std::vector<Out> out{{.payload = "d", .delay = 3 * unit},
                                      {.payload = "b", .delay = unit},
                                      {.payload = "a"},
                                      {.payload = "c", .delay = 2 * unit}};
           t.publisher().send(out);
           std::string order;
           for (int i = 0; i < 4; ++i) {
             const auto message = sub.try_next(3 * unit + t.testkit.arrival);
             t.expect(message.has_value(), "P1", "a message with a delay is delivered", "nothing came");
             order += message->payload;
             finish(sub, *message);
           }
           t.expect(order == "abcd", "cap", "in the order of their delays: abcd", order);
         }},
    {.name = "time.delay-over-the-limit",
     .rule = "P3",
     .says = "A delay longer than the declared limit is UNSUPPORTED.",
     .needs = {RST_CAP_DELAY},
     .run =
         [](Test& t) {
           const std::uint64_t limit = t.publish_kind.capability(RST_CAP_DELAY).limit;
           if (limit == 0) Test::skip("DELAY has no limit");
           refused(t, {.payload = "m", .delay = std::chrono::nanoseconds(limit + 1)},
                   "a delay over the limit of DELAY");
         }},
    {.name = "time.priority",
     .rule = "cap",
     .says = "Of what waits the highest priority comes first, and each priority keeps its order.",
     .needs = {RST_CAP_PRIORITY},
     .observes = RST_CAP_PRIORITY,
     .undeclared = [](Test& t) { refused(t, {.payload = "m", .priority = 1}, "a priority where it has level NONE"); },
     .run =
         [](Test& t) {
           skip_without(t, RST_CAP_PRIORITY);
           const auto high = static_cast<std::int32_t>(
               std::min<std::uint64_t>(t.publish_kind.capability(RST_CAP_PRIORITY).limit - 1, INT32_MAX - 1) + 1);
           const Subscription sub = t.subscribe({.credit = 1, .max_batch = 1, .window = 1});
           const Publisher out = t.publisher();
           out.send("in hand");  // the window is full: what follows waits where it can be put in order
           const Message first = sub.next();
           const std::vector<Out> waiting{{.payload = "0a", .priority = 0},    {.payload = "1a", .priority = 1},
                                          {.payload = "ha", .priority = high}, {.payload = "0b", .priority = 0},
                                          {.payload = "hb", .priority = high}, {.payload = "1b", .priority = 1}};
           out.send(waiting);
           finish(sub, first);
           std::multimap<std::int32_t, std::string, std::greater<>> in_order;
           for (const Out& each : waiting) in_order.emplace(each.priority, each.payload);
           std::string order, expected;
           for (const auto& [priority, payload] : in_order) {
             sub.credit(1);
             const Message message = sub.next();
             order += message.payload + " ";
             expected += payload + " ";
             finish(sub, message);
           }
           t.expect(order == expected, "cap", "two of the highest priority, of 1 and of 0: " + expected, order);
         }},
    {.name = "time.priority-over-the-highest",
     .rule = "P3",
     .says = "A priority above the declared highest is UNSUPPORTED.",
     .needs = {RST_CAP_PRIORITY},
     .run =
         [](Test& t) {
           const std::uint64_t highest = t.publish_kind.capability(RST_CAP_PRIORITY).limit;
           if (highest == 0 || highest >= INT32_MAX) Test::skip("PRIORITY has no highest");
           refused(t, {.payload = "m", .priority = static_cast<std::int32_t>(highest) + 1},
                   "a priority above the highest");
         }},
};

}  // namespace

std::span<const Case> time_cases() { return kCases; }

}  // namespace conformance
