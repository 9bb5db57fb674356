// A broker that has no room: rules P4, P2 across refusals, P5 and P6.
#include "cases/case.hpp"
#include "cases/connections.hpp"
#include "cases/messages.hpp"

namespace conformance {
namespace {

/// Publishes so many at a time until one call is refused, whole or in part; how many messages were taken.
std::size_t fill(Test& t, const Publisher& out, std::span<const Out> messages, std::size_t step = 64) {
  std::size_t taken = 0;
  while (taken < messages.size()) {
    const std::size_t now = std::min(step, messages.size() - taken);
    const Published published = out.publish(messages.subspan(taken, now));
    if (!published.verb.ok())
      t.expect_code(published.verb.code, RST_E_BACKPRESSURE, "P4", "a publish for which there is no room");
    for (std::uint32_t i = 0; i < published.accepted; ++i) {
      t.expect(published.statuses[i] >= 0, "P4", "what does not fit is not accepted", "it has a status that failed");
    }
    taken += published.accepted;
    if (published.accepted < now) return taken;
  }
  Test::skip("the backpressure_options of the testkit leave room for " + std::to_string(messages.size()));
}

constexpr Case kCases[] = {
    {.name = "publish.prefix-then-writable",
     .rule = "P4",
     .says =
         "Without room a prefix is accepted; when there is room exactly one PUB_WRITABLE comes, and nothing is lost.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Connection on = narrow(t);
           const Subscription sub = t.subscribe({.credit = 0, .connection = on});
           const Publisher out = t.publisher({.connection = on});
           const std::vector<Out> messages = numbered(kMoreThanFits);
           for (const std::size_t step : {std::size_t{64}, std::size_t{1}}) {
             std::size_t taken = fill(t, out, messages, step);
             const bool by_itself = writable(t, out, t.testkit.quiet);  // what was full was the way to the broker
             if (by_itself) {
               t.expect(out.publish(messages[taken]).accepted == 1, "P4", "no PUB_WRITABLE while there is no room",
                        "one came");
               ++taken;
             }
             sub.credit(static_cast<std::uint32_t>(taken));
             for (std::size_t i = 0; i < taken; ++i) {
               const Message message = sub.next("P4", "what was accepted is delivered");
               t.expect(message.payload == messages[i].payload || !t.kind.can(RST_CAP_PUBLISH_ORDER), "P4",
                        "the accepted ones are a prefix: " + messages[i].payload, quoted(message.payload));
               sub.ack(message);
             }
             t.expect(by_itself || writable(t, out, t.testkit.arrival), "P4", "one PUB_WRITABLE when there is room",
                      "none came");
             t.expect(!writable(t, out, t.testkit.quiet), "P4", "exactly one PUB_WRITABLE", "a second one came");
           }
           sub.credit(10);
           sub.nothing("P4", "what was refused is not delivered");
           out.send("again");
           sub.ack(sub.next());
         }},
    {.name = "publish.order-across-refusals",
     .rule = "P2",
     .says = "What is published again after a refusal comes behind what was accepted before.",
     .needs = {RST_CAP_SETTLE, RST_CAP_PUBLISH_ORDER},
     .run =
         [](Test& t) {
           constexpr std::size_t kCount = 300;
           const Connection on = narrow(t);
           const Subscription sub = t.subscribe({.credit = 0, .connection = on});
           const Publisher out = t.publisher({.connection = on});
           const std::vector<Out> messages = numbered(kCount);
           std::size_t sent = 0;
           for (std::size_t got = 0; got < kCount; ++got) {
             while (sent < kCount) {
               const std::size_t now = std::min<std::size_t>(32, kCount - sent);
               const std::uint32_t accepted = out.publish(std::span(messages).subspan(sent, now)).accepted;
               sent += accepted;
               if (accepted == now) continue;
               if (sent > got || !writable(t, out, t.testkit.arrival))
                 break;  // else only the way to the broker was full
             }
             sub.credit(1);
             const Message message = sub.next("P1");
             t.expect(message.payload == messages[got].payload, "P2", messages[got].payload + " next",
                      quoted(message.payload));
             sub.ack(message);
           }
         }},
    {.name = "publish.blocked-delays-nothing-else",
     .rule = "P6",
     .says = "While publishing is blocked settlements, credit, EXTEND and close of other things go on as ever.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Connection on = narrow(t);
           const Subscription other = t.subscribe({.addresses = {t.address("other")}, .credit = 4, .connection = on});
           const Publisher to_other = t.publisher({.destination = t.address("other"), .connection = on});
           to_other.send(numbered(3));
           const std::vector<Message> taken = other.next(3);
           const Subscription sub = t.subscribe({.credit = 0, .connection = on});
           const Publisher out = t.publisher({.connection = on});
           const std::size_t full = fill(t, out, numbered(kMoreThanFits));
           t.expect_code(other.settle(taken[0], RST_VERDICT_ACK), RST_OK, "P6", "an ack while publishing is blocked");
           if (t.kind.can(RST_CAP_EXTEND))
             t.expect_code(other.settle(taken[1], RST_VERDICT_EXTEND), RST_OK, "P6",
                           "EXTEND while publishing is blocked");
           t.expect_code(other.settle(taken[1], RST_VERDICT_ACK), RST_OK, "P6", "an ack while publishing is blocked");
           t.expect(other.credit(1) == RST_OK, "P6", "credit while publishing is blocked", "an error");
           sub.credit(static_cast<std::uint32_t>(full));
           for (const Message& message : sub.next(full, "P6")) sub.ack(message);
           other.ack(taken[2]);
           const Outcome closed = other.close().wait();
           t.expect(closed.ok(), "P6", "close of another subscription", closed.said());
         }},
    {.name = "publish.flush",
     .rule = "P5",
     .says = "Flush completes when all that was accepted before it has its final status.",
     .per = Case::Per::publisher_kind,
     .run =
         [](Test& t) {
           if (t.plugin.table().flush == nullptr) Test::skip("the plugin has no flush");
           const Publisher out = t.publisher();
           for (int round = 0; round < 5; ++round) {
             const Publishing first = out.start(numbered(20)), second = out.start(numbered(20));
             Pending flush = out.flush();
             if (flush.returned() == -RST_E_UNSUPPORTED) Test::skip("publishers of the kind have no flush");
             const Outcome flushed = flush.wait();
             t.expect(flushed.ok(), "P5", "flush succeeds", flushed.said());
             const bool all = first.verb().done() && second.verb().done();
             t.expect(
                 all && (flush.order() == 0 || std::max(first.verb().order(), second.verb().order()) < flush.order()),
                 "P5", "every publish before the flush is complete when it is", "one is not");
             Publishing ended = first, ended_too = second;
             (void)ended.wait();
             (void)ended_too.wait();
           }
           const Outcome idle = out.flush().wait();
           t.expect(idle.ok(), "P5", "flush of nothing succeeds", idle.said());
         }},
};

}  // namespace

std::span<const Case> backpressure_cases() { return kCases; }

}  // namespace conformance
