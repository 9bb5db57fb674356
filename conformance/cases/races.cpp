// Verbs that race each other and the closing of their handle: rule L5. And what shutting down must not lose.
#include "cases/case.hpp"
#include "cases/life.hpp"

namespace conformance {
namespace {

/// As if it came before, or CLOSED; a little later STALE.
void expect_before_or_closed(Test& t, std::int32_t code, const char* verb) {
  t.expect(code == RST_OK || code == RST_E_CLOSED || code == RST_E_STALE || code == RST_E_CANCELLED, "L5",
           std::string(verb) + " beside close: as if it came before, or CLOSED", code_name(code));
}

constexpr int kRounds = 25;

constexpr Case kCases[] = {
    {.name = "races.subscription-verbs-and-close",
     .rule = "L5",
     .says = "Credit and settle beside the close of their subscription act as if they came first, or say CLOSED.",
     .run =
         [](Test& t) {
           const Publisher out = t.publisher();
           for (int round = 0; round < kRounds; ++round) {
             const Subscription sub = t.subscribe({.credit = 4});
             out.send(numbered(4));
             std::vector<Message> taken = sub.next(4);
             t.together({[&] { expect_before_or_closed(t, sub.close().wait().code, "close"); },
                         [&] { expect_before_or_closed(t, sub.credit(1), "credit"); },
                         [&] {
                           for (const Message& message : taken) {
                             if (message.token == 0) continue;
                             expect_before_or_closed(t, sub.settle(message, RST_VERDICT_ACK), "settle");
                           }
                         }});
           }
         }},
    {.name = "races.publisher-verbs-and-close",
     .rule = "L5",
     .says = "Publish and flush beside the close of their publisher act as if they came first, or say CLOSED.",
     .per = Case::Per::publisher_kind,
     .run =
         [](Test& t) {
           for (int round = 0; round < kRounds; ++round) {
             const Publisher out = t.publisher();
             t.together({[&] { expect_before_or_closed(t, out.close().wait().code, "close"); },
                         [&] {
                           const Published published = out.publish(Out{.payload = "x"});
                           expect_before_or_closed(t, published.verb.code, "publish");
                         },
                         [&] {
                           if (t.plugin.table().flush == nullptr) return;
                           const std::int32_t code = out.flush().wait().code;
                           if (code != RST_E_UNSUPPORTED) expect_before_or_closed(t, code, "flush");
                         }});
           }
         }},
    {.name = "races.opening-and-close",
     .rule = "L5",
     .says = "What is opened beside the close of its connection is opened before and closed with it, or CLOSED.",
     .run =
         [](Test& t) {
           (void)t.address();  // is there before anything races
           for (int round = 0; round < kRounds; ++round) {
             const Connection on = t.instance().connect();
             t.together({[&] { expect_before_or_closed(t, on.close().wait().code, "close"); },
                         [&] {
                           auto [sub, pending] = t.instance().try_subscribe({.connection = on});
                           expect_before_or_closed(t, pending.wait().code, "subscribe");
                         },
                         [&] {
                           auto [out, pending] = t.instance().try_publisher({.connection = on});
                           expect_before_or_closed(t, pending.wait().code, "open_publisher");
                         }});
           }
         }},
    {.name = "races.two-closes",
     .rule = "L5",
     .says = "Of two closes of one thing at once one does it; the other is as if it came before, or CLOSED.",
     .run =
         [](Test& t) {
           for (int round = 0; round < kRounds; ++round) {
             const Connection on = t.instance().connect();
             const Subscription sub = t.subscribe({.connection = on});
             std::array<std::int32_t, 3> codes{};
             t.together({[&] { codes[0] = sub.close().wait().code; }, [&] { codes[1] = sub.close().wait().code; },
                         [&] { codes[2] = on.close().wait().code; }});
             for (const std::int32_t code : codes) expect_before_or_closed(t, code, "close");
           }
         }},
    {.name = "races.storm",
     .rule = "L5",
     .says = "Subscriptions and publishers that come and go on several threads disturb no one else.",
     .run =
         [](Test& t) {
           const Subscription stays = t.subscribe({.addresses = {t.address("stays")}});
           const Publisher steady = t.publisher({.destination = t.address("stays")});
           const auto storms = [&](const char* name) {
             return [&t, address = t.address(name)] {
               for (int i = 0; i < kRounds; ++i) {
                 const Subscription sub = t.subscribe({.addresses = {address}});
                 const Publisher out = t.publisher({.destination = address});
                 (void)sub.close().wait();
                 (void)out.close().wait();
               }
             };
           };
           t.together({storms("a"), storms("a"), storms("b"), [&] {
                         for (int i = 0; i < kRounds; ++i) steady.send("x");
                       }});
           for (const Message& message : stays.next(kRounds)) finish(stays, message);
         }},
    {.name = "shutdown.loses-nothing",
     .rule = "S4",
     .says = "Closing with messages in flight loses none and dead-letters none: all that was not settled comes again.",
     .needs = {RST_CAP_SETTLE, RST_CAP_RELEASE, RST_CAP_GROUP},
     .run =
         [](Test& t) {
           constexpr std::size_t kMany = 30;
           const Subscribe wanted{.max_attempts = 1, .dead_letter = t.address("dead")};
           const bool limited = t.plan(wanted).ok();
           const Subscription dead = t.subscribe({.addresses = {t.address("dead")}});
           Subscribe first = limited ? wanted : Subscribe{};
           first.credit = kMany / 2;
           first.connection = t.instance().connect();
           const Subscription leaves = t.subscribe(first);
           t.publisher().send(numbered(kMany));
           const std::vector<Message> taken = leaves.next(kMany / 2);
           for (std::size_t i = 0; i < 5; ++i) leaves.ack(taken[i]);
           const Outcome closed = first.connection->close().wait();
           t.expect(closed.ok(), "cap", "close succeeds", closed.said());
           Subscribe second = limited ? wanted : Subscribe{};
           const Subscription back = t.subscribe(second);
           Payloads missing = payloads(numbered(kMany));
           for (std::size_t i = 0; i < 5; ++i) missing.erase(taken[i].payload);
           while (!missing.empty()) {
             const Message message = back.next("S4", "what was not settled at close comes again");
             missing.erase(message.payload);
             back.ack(message);
           }
           if ((t.kind.capability(RST_CAP_RELEASE).flags & RST_CAP_COUNTED) == 0)
             dead.nothing("S4", "close dead-letters nothing");
         }},
};

}  // namespace

std::span<const Case> race_cases() { return kCases; }

}  // namespace conformance
