// Credit, windows, drain and close: rules F1 to F6.
#include "cases/case.hpp"
#include "cases/messages.hpp"
#include "host/heap.hpp"

#include <thread>

namespace conformance {
namespace {

/// Whether members of a group get partitions of their own, instead of whatever is next.
bool assigns_partitions(Test& t) {
  return std::ranges::any_of(t.instance().host.events(), [](const Event& event) {
    return event.kind == RST_EVENT_SUB_ASSIGNING || event.kind == RST_EVENT_SUB_ASSIGNED ||
           (event.kind == RST_EVENT_SUB_UP && !event.partitions.empty());
  });
}

void skip_shared_window(Test& t) {
  if (t.plan({}).has(RST_PLAN_SHARED_WINDOW)) Test::skip("the plan has SHARED_WINDOW");
}

constexpr Case kCases[] = {
    {.name = "flow.credit-is-exact",
     .rule = "F1",
     .says = "As many messages are delivered as there is credit for, and not one more.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 5});
           t.publisher().send(numbered(20));
           for (const Message& message : sub.next(5)) finish(sub, message);
           sub.nothing("F1", "nothing is delivered without credit");
           sub.credit(3);
           for (const Message& message : sub.next(3, "F1")) finish(sub, message);
           sub.nothing("F1", "nothing is delivered without credit");
         }},
    {.name = "flow.tiny-credits",
     .rule = "F1",
     .says = "Two hundred credits of one message each bring two hundred messages, one by one.",
     .run =
         [](Test& t) {
           constexpr std::size_t kMany = 200;
           const Subscription sub = t.subscribe({.credit = 0, .credit_bytes = 0});
           t.publisher().send(numbered(kMany));
           sub.nothing("F1", "nothing is delivered without credit");
           std::set<std::string> seen;
           for (std::size_t i = 0; i < kMany; ++i) {
             sub.credit(1, 64);
             const Message message = sub.next("F1", "a credit of one message brings one");
             once(t, seen, message);
             finish(sub, message);
           }
         }},
    {.name = "flow.credit-adds-up",
     .rule = "F1",
     .says = "New credit is added to the balance; it does not replace it.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 2, .credit_bytes = 10});
           for (int i = 0; i < 5; ++i) sub.credit(2, 10);
           t.publisher().send(numbered(20));  // two or three bytes each
           for (const Message& message : sub.next(12, "F1")) finish(sub, message);
           sub.nothing("F1", "nothing is delivered without credit");
           const Subscription bytes =
               t.subscribe({.addresses = {t.address("bytes")}, .credit = 0, .credit_bytes = 100});
           bytes.credit(1, 0);
           t.publisher({.destination = t.address("bytes")}).send("m");
           finish(bytes,
                  bytes.next("F1", "the bytes that a subscription began with are there when messages are added"));
         }},
    {.name = "flow.one-byte-of-credit",
     .rule = "F1",
     .says = "One byte of credit is enough for a message; what it costs beyond is owed before the next one comes.",
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 5, kSize = 1000;
           const Subscription sub = t.subscribe({.credit = 100, .credit_bytes = 1});
           t.publisher().send(std::vector<Out>(kMessages, Out{.payload = std::string(kSize, 'x')}));
           const Host& host = t.instance().host;
           for (std::size_t got = 1;; ++got) {
             finish(sub, sub.next("F1", "one byte of credit is enough for a message"));
             if (got == kMessages) return;
             if (host.waiting(sub.id) != 0) continue;  // of the same read
             const auto owed = -host.balance(sub.id).second;
             t.expect(owed >= 0, "F1", "1000 bytes cost more than the credit", std::to_string(-owed) + " are left");
             sub.credit(0, static_cast<std::uint64_t>(owed));
             sub.nothing("F1", "nothing is delivered while the balance of bytes is not above zero");
             sub.credit(0, 1);
           }
         }},
    {.name = "flow.balance-survives-seek",
     .rule = "F1",
     .says = "Seek neither adds to the balance nor takes from it.",
     .needs = {RST_CAP_SEEK},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 10});
           t.publisher().send(numbered(10));
           for (const Message& message : sub.next(10)) finish(sub, message);
           sub.seek(position(RST_POSITION_EARLIEST));
           sub.nothing("F1", "seek brings no credit");
           sub.credit(10);
           for (const Message& message : sub.next(10, "F1")) finish(sub, message);
           sub.credit(6);  // for nothing that is there
           sub.seek(position(RST_POSITION_EARLIEST));
           (void)sub.next(6, "F1");
           sub.nothing("F1", "six messages for a credit of six");
         }},
    {.name = "flow.window-of-unsettled",
     .rule = "F2",
     .says = "No more than the window is unsettled, whatever the credit; each settlement makes room for one.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           skip_shared_window(t);
           constexpr std::size_t kWindow = 4;
           const Subscription sub = t.subscribe({.credit = 100, .window = kWindow});
           t.publisher().send(numbered(12));
           std::vector<Message> unsettled = sub.next(kWindow);
           sub.nothing("F2", "at most window_messages are unsettled");
           for (int i = 0; i < 8; ++i) {
             sub.ack(unsettled.front());
             unsettled.erase(unsettled.begin());
             unsettled.push_back(sub.next("F2", "a settlement makes room in the window"));
             if (i == 0) sub.nothing("F2", "a settlement makes room for one");
           }
           for (const Message& message : unsettled) sub.ack(message);
         }},
    {.name = "flow.stalled-member-holds-its-window",
     .rule = "F2",
     .says = "A member without credit takes no more than its window away from the others of its group.",
     .needs = {RST_CAP_GROUP, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 50, kWindow = 8;
           const Subscription stalled = t.subscribe({.credit = 0, .window = kWindow});
           const Subscription works = t.subscribe({.credit = 200});
           if (assigns_partitions(t)) Test::skip("members have partitions of their own");
           t.publisher().send(numbered(kMessages));
           std::vector<Message> got = works.next(kMessages - kWindow, "F2");
           for (const Message& message : got) works.ack(message);
           (void)stalled.close().wait();
           while (payloads(got).size() < kMessages) {
             got.push_back(works.next("S4", "what a member holds comes to the others when it leaves"));
             works.ack(got.back());
           }
         }},
    {.name = "flow.memory-is-bounded",
     .rule = "F2",
     .says =
         "What waits for a consumer without credit lies with the broker: the plugin's memory does not grow with it.",
     .needs = {RST_CAP_GROUP},
     .run =
         [](Test& t) {
           constexpr std::size_t kRounds = 20, kMessages = 100, kSize = 4096, kWindow = 16;
           const auto growth_by_publishing = [&](const std::string& address) {
             const Publisher out = t.publisher({.destination = address});
             const std::vector<Out> messages(kMessages, Out{.payload = std::string(kSize, 'x')});
             out.send(messages);  // what is allocated once, is now
             const std::int64_t before = heap_bytes();
             for (std::size_t i = 0; i < kRounds; ++i) out.send(messages);
             return heap_bytes() - before;
           };
           const std::string durable = t.plan({.group = "g", .durable = "g"}).ok() ? "g" : "";
           // What the same costs with nobody there: a broker within the process, or a publisher's own queue.
           (void)t.subscribe({.addresses = {t.address("away")}, .group = "g", .durable = durable}).close().wait();
           const std::int64_t without = growth_by_publishing(t.address("away"));
           if (!durable.empty()) {
             (void)t.subscribe({.addresses = {t.address("away")}, .group = "g", .durable = durable, .credit = 1})
                 .next("F4", "what was published while the durable had no subscriber comes");
           }
           const Subscription stalled =
               t.subscribe({.addresses = {t.address("stalled")}, .group = "g", .credit = 1, .window = kWindow});
           const std::int64_t with = growth_by_publishing(t.address("stalled"));
           constexpr std::int64_t kAllowed = 2 * kWindow * kSize + (std::int64_t{1} << 20U);
           (void)stalled.next();
           t.expect(with <= without + kAllowed, "F2",
                    "a stalled consumer costs its window: at most " + std::to_string(kAllowed) + " bytes for " +
                        std::to_string(kRounds * kMessages * kSize) + " published",
                    std::to_string(with - without) + " bytes");
         }},
    {.name = "flow.overflow",
     .rule = "F2",
     .says = "Without credit nothing is lost, or where OVERFLOW is drop every loss is reported.",
     .needs = {RST_CAP_OVERFLOW},
     .observes = RST_CAP_OVERFLOW,
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 500;
           const bool drops = t.kind.capability(RST_CAP_OVERFLOW).limit == RST_OVERFLOW_DROP;
           const Subscription sub = t.subscribe({.credit = 0, .window = 16});
           t.publisher().send(numbered(kMessages));
           sub.nothing("F1", "nothing is delivered without credit");
           sub.credit(kMessages);
           Payloads seen;
           while (seen.size() < kMessages) {
             const auto message = sub.try_next(t.testkit.arrival);
             if (!message) break;
             seen.insert(message->payload);
             finish(sub, *message);
           }
           std::uint64_t reported = 0;
           while (const auto event = t.instance().host.take_event(RST_EVENT_SUB_DROPPED, sub.id))
             reported += event->value;
           t.expect(drops || reported == 0, "F2", "only a kind that declares drop discards",
                    std::to_string(reported) + " were reported as dropped");
           t.expect(seen.size() + reported == kMessages, "F2",
                    "each of " + std::to_string(kMessages) + " is delivered or reported by SUB_DROPPED",
                    std::to_string(seen.size()) + " and " + std::to_string(reported));
         }},
    {.name = "flow.slow-does-not-stall-fast",
     .rule = "F2",
     .says = "A subscription without credit does not hold up another one of the same connection.",
     .run =
         [](Test& t) {
           skip_shared_window(t);
           const std::uint32_t many = t.unsettled(300);
           const Subscription slow = t.subscribe({.addresses = {t.address("slow")}, .credit = 0, .window = 8});
           const Subscription fast =
               t.subscribe({.addresses = {t.address("fast")}, .credit = 2 * many, .window = many});
           const Publisher to_slow = t.publisher({.destination = t.address("slow")});
           const Publisher to_fast = t.publisher({.destination = t.address("fast")});
           to_slow.send(numbered(many));
           to_fast.send(numbered(many));
           for (const Message& message : fast.next(many, "F2")) finish(fast, message);
           slow.nothing("F1", "nothing is delivered without credit");
         }},
    {.name = "flow.nothing-after-close",
     .rule = "F3",
     .says = "Once the close of a subscription has completed nothing is delivered for it, however busy it was.",
     .run =
         [](Test& t) {
           const Publisher out = t.publisher();
           for (int round = 0; round < 10; ++round) {
             const Subscription sub = t.subscribe({.credit = round % 2 == 0 ? 10'000U : 3U});  // or much waits for more
             t.together({[&] { out.send(numbered(20)); },
                         [&] {
                           const Outcome closed = sub.close().wait();
                           t.expect(closed.ok(), "cap", "close succeeds", closed.said());
                         }});
             out.send(numbered(5));
           }
           t.pass(t.testkit.quiet);  // the host says so when something comes
         }},
    {.name = "flow.close-keeps-what-is-durable",
     .rule = "F4",
     .says = "Close deletes nothing that outlives a session: a durable keeps what is published while nobody is there.",
     .run =
         [](Test& t) {
           const Subscribe wanted{.group = t.kind.can(RST_CAP_GROUP) ? "d" : "", .durable = "d"};
           if (!t.plan(wanted).ok()) Test::skip("the kind has no durable subscriptions");
           const Connection first = t.instance().connect();
           Subscribe on_first = wanted;
           on_first.connection = first;
           const Subscription away = t.subscribe(on_first);
           (void)away.close().wait();
           (void)first.close().wait();
           const Publisher out = t.publisher();
           out.send("meanwhile");
           const Subscription back = t.subscribe(wanted);
           const Message message = back.next("F4", "what was published while the durable had no subscriber comes");
           t.expect(message.payload == "meanwhile", "F4", "the message", quoted(message.payload));
           finish(back, message);
         }},
    {.name = "flow.drain",
     .rule = "F5",
     .says = "After DRAIN has completed nothing is delivered until new credit; tokens stay, nothing is lost.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           out.send(numbered(10));
           std::vector<Message> got = sub.next(3);
           const Outcome drained = sub.drain().wait();
           t.expect(drained.ok(), "F5", "DRAIN succeeds", drained.said());
           out.send(numbered(10, "later"));
           t.pass(t.testkit.quiet);  // the host says so when something comes
           if (got[0].token != 0) {
             t.expect_code(sub.settle(got[0], RST_VERDICT_ACK), RST_OK, "F5", "a token from before DRAIN");
           }
           while (t.instance().host.waiting(sub.id) != 0) got.push_back(sub.next("F5"));
           sub.credit(2);  // for two: both balances were zero
           std::vector<Message> later = sub.next(2, "F5");
           sub.nothing("F1", "nothing is delivered without credit");
           sub.credit(100);
           std::ranges::move(sub.next(20 - got.size() - later.size(), "F5"), std::back_inserter(later));
           for (Message& message : later) {
             t.expect(message.payload != got[0].payload, "S1", "an acknowledged message does not come again", "it did");
             got.push_back(std::move(message));
           }
           Payloads expected = payloads(numbered(10));
           expected.merge(payloads(numbered(10, "later")));
           t.expect(payloads(got) == expected, "F5", "each message once, before DRAIN or with the new credit",
                    "others");
         }},
    {.name = "flow.drain-while-busy",
     .rule = "F5",
     .says = "DRAIN holds however many messages arrive at that moment, and none of them is lost.",
     .run =
         [](Test& t) {
           constexpr std::size_t kRounds = 20, kEach = 10;
           const Subscription sub = t.subscribe({.credit = 0});
           const Publisher out = t.publisher();
           for (std::size_t round = 0; round < kRounds; ++round) {
             sub.credit(1000);
             t.together({[&] { out.send(numbered(kEach, std::to_string(round) + "-")); },
                         [&] {
                           const Outcome drained = sub.drain().wait();
                           t.expect(drained.ok(), "F5", "DRAIN succeeds", drained.said());
                         }});
           }
           sub.credit(1000);
           const std::vector<Message> got = sub.next(kRounds * kEach, "F5");
           Payloads expected;
           for (std::size_t round = 0; round < kRounds; ++round) {
             expected.merge(payloads(numbered(kEach, std::to_string(round) + "-")));
           }
           t.expect(payloads(got) == expected, "F5", "each message once", "others");
         }},
    {.name = "flow.resumed-session-waits-for-its-subscription",
     .rule = "F6",
     .says = "What a resumed session brings before its subscription exists is held for it, never acknowledged.",
     .run =
         [](Test& t) {
           const Subscribe wanted{.group = t.kind.can(RST_CAP_GROUP) ? "d" : "", .durable = "d"};
           if (!t.plan(wanted).ok()) Test::skip("the kind has no durable subscriptions");
           Subscribe session = wanted;
           session.connection = t.instance().connect();
           const Subscription away = t.subscribe(session);
           (void)away.close().wait();
           (void)session.connection->close().wait();
           const Publisher out = t.publisher();
           out.send("kept");
           session.connection = t.instance().connect();
           const Subscription at_once = t.subscribe(session);
           finish(at_once, at_once.next("F4", "what was published while the durable had no subscriber comes"));
           (void)at_once.close().wait();
           (void)session.connection->close().wait();
           out.send(numbered(5));
           session.connection = t.instance().connect();
           t.pass(t.tick());  // the session is there, and may bring its messages
           const Subscription back = t.subscribe(session);
           for (const Message& message : back.next(5, "F6")) finish(back, message);
         }},
};

}  // namespace

std::span<const Case> flow_cases() { return kCases; }

}  // namespace conformance
