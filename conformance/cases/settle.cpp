// Settlements and their tokens: rules S1, S3, S4, S6, S7. What each verdict does is in verdicts.cpp.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <array>

namespace conformance {
namespace {

/// One item, handed over without waiting for the broker.
std::int32_t settle(const Subscription& sub, const Verdict& one) { return sub.settle(one).code(); }

constexpr Case kCases[] = {
    {.name = "settle.ack-is-final",
     .rule = "S1",
     .says = "An acknowledged message does not come again, and its token is used up.",
     .needs = {RST_CAP_SETTLE},
     .observes = RST_CAP_SETTLE,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send("once");
           const Message message = sub.next();
           sub.ack(message);
           sub.nothing("S1", "an acknowledged message does not come again");
           t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_E_SETTLED, "S1", "the second settlement of a token");
         }},
    {.name = "settle.twice-in-one-array",
     .rule = "S1",
     .says = "Of two settlements of one token in the same array the first counts, whatever the second says.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::vector<Message> taken = exchange(t, sub, 2);
           const Settled settled = sub.settle(std::array<Verdict, 4>{{{taken[0].token, RST_VERDICT_ACK},
                                                                      {taken[1].token, RST_VERDICT_ACK},
                                                                      {taken[0].token, RST_VERDICT_ACK},
                                                                      {taken[1].token, RST_VERDICT_ACK}}});
           t.expect(settled.verb.ok(), "S1", "an array whose items were looked at is taken", settled.verb.said());
           constexpr std::array<std::int32_t, 4> kExpected{RST_OK, RST_OK, RST_E_SETTLED, RST_E_SETTLED};
           for (std::size_t i = 0; i < kExpected.size(); ++i) {
             t.expect_code(rst_status_code(settled.statuses[i]), kExpected.at(i), "S1",
                           "item " + std::to_string(i) + " of ack a, ack b, ack a, ack b");
           }
         }},
    {.name = "settle.twice-at-once",
     .rule = "S1",
     .says = "Of two threads that settle one token at the same moment exactly one gets OK, the other SETTLED.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           for (const Message& message : exchange(t, sub, 50)) {
             std::array<std::int32_t, 2> codes{};
             t.together({[&] { codes[0] = settle(sub, {message.token, RST_VERDICT_ACK}); },
                         [&] { codes[1] = settle(sub, {message.token, RST_VERDICT_ACK}); }});
             const bool one =
                 (codes[0] == RST_OK && codes[1] == RST_E_SETTLED) || (codes[1] == RST_OK && codes[0] == RST_E_SETTLED);
             t.expect(one, "S1", "one OK and one SETTLED", code_name(codes[0]) + " and " + code_name(codes[1]));
           }
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "settle.token-zero",
     .rule = "S1",
     .says = "Token 0 means that there is nothing to settle: settling it is INVALID, and the other items go on.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::vector<Message> taken = exchange(t, sub, 1);
           const Settled settled =
               sub.settle(std::array<Verdict, 2>{{{0, RST_VERDICT_ACK}, {taken[0].token, RST_VERDICT_ACK}}});
           t.expect(settled.verb.ok(), "S1", "an array whose items were looked at is taken", settled.verb.said());
           t.expect_code(rst_status_code(settled.statuses[0]), RST_E_INVALID, "S1", "the settlement of token 0");
           t.expect_code(rst_status_code(settled.statuses[1]), RST_OK, "S1", "the settlement beside it");
         }},
    {.name = "settle.unknown-token",
     .rule = "S3",
     .says = "A token that was never given is STALE, and settles nothing else.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::vector<Message> taken = exchange(t, sub, 1);
           const std::uint64_t never = taken[0].token ^ (std::uint64_t{1} << 62U);
           t.expect_code(settle(sub, {never, RST_VERDICT_ACK}), RST_E_STALE, "S3", "a token that was never given");
           t.expect_code(sub.settle(taken[0], RST_VERDICT_ACK), RST_OK, "S3", "the one that was, after it");
         }},
    {.name = "settle.unknown-verdict",
     .rule = "V2",
     .says = "A verdict or a flag that nobody defined is UNSUPPORTED, and the token stays unsettled.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::vector<Message> taken = exchange(t, sub, 1);
           constexpr std::uint16_t kUndefined = 200;
           t.expect_code(settle(sub, {taken[0].token, kUndefined}), RST_E_UNSUPPORTED, "V2", "an undefined verdict");
           t.expect_code(settle(sub, {.token = taken[0].token, .verdict = RST_VERDICT_ACK, .flags = 0x8000}),
                         RST_E_UNSUPPORTED, "V2", "an undefined flag of an item");
           const Verdict ack{taken[0].token, RST_VERDICT_ACK};
           t.expect_code(sub.settle(ack, 0x8000'0000U).verb.code, RST_E_UNSUPPORTED, "V2",
                         "an undefined flag of settle");
           t.expect_code(sub.settle(taken[0], RST_VERDICT_ACK), RST_OK, "V2", "the token is still unsettled");
         }},
    {.name = "settle.from-any-thread",
     .rule = "L5",
     .says = "Messages are settled from whatever threads, in whatever order.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           std::vector<Message> taken = exchange(t, sub, 60);
           std::ranges::shuffle(taken, t.random);
           const auto settles = [&](std::size_t from) {
             return [&t, &sub, &taken, from] {
               for (std::size_t i = from; i < taken.size(); i += 3) {
                 t.expect_code(settle(sub, {taken[i].token, RST_VERDICT_ACK}), RST_OK, "L5", "an ack of any thread");
               }
             };
           };
           t.together({settles(0), settles(1), settles(2)});
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "settle.after-close",
     .rule = "F3",
     .says = "When the close of a subscription has completed its tokens are stale: they settle nothing.",
     .needs = {RST_CAP_SETTLE, RST_CAP_RELEASE, RST_CAP_GROUP},
     .run =
         [](Test& t) {
           const Subscription leaves = t.subscribe({.credit = 1});
           const std::vector<Message> taken = exchange(t, leaves, 1);
           const Subscription stays = t.subscribe();
           const Outcome closed = leaves.close().wait();
           t.expect(closed.ok(), "cap", "close succeeds", closed.said());
           const std::int32_t code = settle(leaves, {taken[0].token, RST_VERDICT_ACK});
           t.expect(code == RST_E_CLOSED || code == RST_E_STALE, "F3", "CLOSED or STALE for a settlement after close",
                    code_name(code));
           stays.ack(stays.next("S4", "what was unsettled at close goes to another member of the group"));
         }},
    {.name = "settle.close-releases",
     .rule = "S4",
     .says = "Close gives back what is unsettled as RELEASE does: it comes again, and is not counted as failed.",
     .needs = {RST_CAP_RELEASE, RST_CAP_GROUP},
     .run =
         [](Test& t) {
           const Subscription leaves = t.subscribe({.credit = 3});
           const std::vector<Message> taken = exchange(t, leaves, 3);
           leaves.ack(taken[0]);
           const Subscription stays = t.subscribe();
           (void)leaves.close().wait();
           const bool counted = (t.kind.capability(RST_CAP_RELEASE).flags & RST_CAP_COUNTED) != 0;
           for (std::size_t wanted = 2; wanted > 0;) {
             const Message message = stays.next("S4", "what was unsettled at close comes again");
             stays.ack(message);
             if (message.payload == taken[0].payload) continue;  // a log may repeat what is above the lowest unsettled
             --wanted;
             t.expect(counted || message.attempt <= taken[1].attempt, "S4", "close does not count as a failure",
                      "attempt " + std::to_string(message.attempt));
           }
         }},
    {.name = "settle.confirmed-is-kept",
     .rule = "S6",
     .says = "A settlement with CONFIRM completes when the broker has it: an aborted connection does not undo it.",
     .needs = {RST_CAP_SETTLE_CONFIRM, RST_CAP_GROUP},
     .observes = RST_CAP_SETTLE_CONFIRM,
     .undeclared =
         [](Test& t) {
           if (!t.kind.can(RST_CAP_SETTLE)) return;
           const Subscription sub = t.subscribe();
           const std::vector<Message> taken = exchange(t, sub, 1);
           const Verdict ack{taken[0].token, RST_VERDICT_ACK};
           t.expect_code(sub.settle(ack, RST_SETTLE_CONFIRM).verb.code, RST_E_UNSUPPORTED, "V2",
                         "CONFIRM where SETTLE_CONFIRM is not declared");
           t.expect_code(settle(sub, ack), RST_OK, "V2", "the token is still unsettled");
         },
     .run =
         [](Test& t) {
           const Connection first = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = first});
           const std::vector<Message> taken = exchange(t, sub, 3);
           for (const Message& message : taken) sub.ack(message);
           sub.nothing("S1", "an acknowledged message does not come again");
           const Subscription again = t.subscribe({.credit = 0});  // of the same group, which does not end then
           (void)first.close(RST_CLOSE_ABORT).wait();
           again.credit(10);
           again.nothing("S6", "what was settled with CONFIRM does not come again");
         }},
    {.name = "settle.never-backpressure",
     .rule = "S7",
     .says = "However many settlements come at once, settle takes them: it never returns BACKPRESSURE.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const std::uint32_t many = t.unsettled(500);
           const Subscription sub = t.subscribe({.credit = many, .window = many});
           const std::vector<Message> taken = exchange(t, sub, many);
           for (std::size_t i = 0; i < many / 2; ++i) {
             t.expect_code(settle(sub, {taken[i].token, RST_VERDICT_ACK}), RST_OK, "S2", "an ack");
           }
           std::vector<Verdict> rest;
           for (std::size_t i = many / 2; i < many; ++i) rest.push_back({taken[i].token, RST_VERDICT_ACK});
           const Settled settled = sub.settle(rest);
           t.expect(settled.verb.ok(), "S2", "an array of acks is taken", settled.verb.said());
           for (const std::int32_t status : settled.statuses) {
             t.expect_code(rst_status_code(status), RST_OK, "S2", "an ack");
           }
         }},
    {.name = "settle.stale-after-seek",
     .rule = "G2",
     .says = "Seek voids what was delivered before: those tokens are STALE, the generation is higher.",
     .needs = {RST_CAP_SETTLE, RST_CAP_SEEK},
     .observes = RST_CAP_SEEK,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::vector<Message> taken = exchange(t, sub, 1);
           sub.seek(position(RST_POSITION_EARLIEST));
           t.expect_code(settle(sub, {taken[0].token, RST_VERDICT_ACK}), RST_E_STALE, "G2",
                         "a token from before a seek");
           const Message again = sub.next("cap", "seek to the earliest position delivers it again");
           t.expect(again.generation > taken[0].generation, "G2", "seek raises the generation",
                    std::to_string(again.generation));
           sub.ack(again);
         }},
};

}  // namespace

std::span<const Case> settle_cases() { return kCases; }

}  // namespace conformance
