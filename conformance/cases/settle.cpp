// Settlements: rules S1 to S7.
#include "cases/case.hpp"

namespace conformance {
namespace {

constexpr Case kCases[] = {
    {.name = "settle.ack-is-final",
     .rule = "S1",
     .says = "An acknowledged message does not come again, and its token is used up.",
     .needs = {RST_CAP_SETTLE},
     .observes = RST_CAP_SETTLE,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.group = "g"});
           t.publisher().send("once");
           const Message message = sub.next();
           sub.ack(message);
           sub.nothing("S1", "an acknowledged message does not come again");
           t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_E_SETTLED, "S1", "the second settlement of a token");
         }},
    {.name = "settle.retry-redelivers",
     .rule = "S2",
     .says = "RETRY brings the message again, unchanged, with a new token.",
     .needs = {RST_CAP_RETRY},
     .observes = RST_CAP_RETRY,
     .undeclared =
         [](Test& t) {
           const Subscription sub = t.subscribe({.group = "g"});
           t.publisher().send("m");
           const Message message = sub.next();
           if (message.token == 0) return;
           t.expect_code(sub.settle(message, RST_VERDICT_RETRY), RST_E_UNSUPPORTED, "S2", "a verdict of level NONE");
         },
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.group = "g"});
           t.publisher().send({.payload = "again", .headers = {{"h", "v"}}});
           const Message first = sub.next();
           sub.retry(first);
           const Message second = sub.next("S2", "a message that was retried comes again");
           t.expect(second.payload == first.payload && second.headers == first.headers, "S2",
                    "the same message: " + quoted(first.payload), quoted(second.payload));
           t.expect(second.token != first.token, "S1", "a new token", "the old one");
           sub.ack(second);
         }},
    {.name = "settle.attempt-counts-retries",
     .rule = "S5",
     .says = "The first delivery is attempt 1; each RETRY raises it by one.",
     .needs = {RST_CAP_ATTEMPT, RST_CAP_RETRY},
     .observes = RST_CAP_ATTEMPT,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.group = "g"});
           t.publisher().send("m");
           for (std::uint16_t attempt = 1; attempt <= 3; ++attempt) {
             const Message message = sub.next(attempt == 1 ? "P1" : "S2");
             t.expect(message.attempt == attempt, "S5", "attempt " + std::to_string(attempt),
                      std::to_string(message.attempt));
             if (attempt < 3)
               sub.retry(message);
             else
               sub.ack(message);
           }
         }},
};

}  // namespace

std::span<const Case> settle_cases() { return kCases; }

}  // namespace conformance
