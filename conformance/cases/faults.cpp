// Losses, through the fault proxy: rules R1 and R2, and what must hold across them.
//
// A case strikes at a place in the stream of bytes, so that it is the same in each run. What it looks at it sees
// through a second, direct connection where it can.
#include "cases/case.hpp"
#include "cases/messages.hpp"
#include "proxy/proxy.hpp"

#include <charconv>

namespace conformance {
namespace {

constexpr Fault kEnds[] = {Fault::cut, Fault::reset, Fault::restart};  // the other side is told
constexpr Fault kAll[] = {Fault::cut, Fault::reset, Fault::restart, Fault::half_open, Fault::stall};
constexpr Way kWays[] = {Way::to_server, Way::to_client};
constexpr auto kAway = 200ms;    // how long a server is away, or a connection stalls
constexpr auto kBrief = 1500ms;  // timeout of what fails by it

Connection direct(Test& t) { return t.instance().connect({.url = t.testkit.url, .options = t.testkit.options}); }

/// Makes the fault and waits until the plugin has noticed, which another case is about.
void lose(Test& t, const Connection& connection, Fault fault = Fault::cut) {
  Host& host = t.instance().host;
  while (host.take_event(RST_EVENT_CONN_DOWN, connection.id)) {
  }
  t.proxy().make(fault, kAway);
  (void)t.instance().await_event(RST_EVENT_CONN_DOWN, connection.id, kBrief);
}

/// How many bytes go each way in `action`: a strike within it is armed at a random one of them.
struct Length {
  std::uint64_t ways[2];
  [[nodiscard]] std::uint64_t any(Test& t, Way way) const {
    return t.random() % std::max<std::uint64_t>(1, ways[way == Way::to_server ? 0 : 1]);
  }
};
template <class Action>
Length length_of(Test& t, Action&& action) {
  Length before{}, length{};
  for (std::size_t i = 0; i < 2; ++i) before.ways[i] = t.proxy().forwarded(kWays[i]);
  action();
  for (std::size_t i = 0; i < 2; ++i) length.ways[i] = t.proxy().forwarded(kWays[i]) - before.ways[i];
  return length;
}

std::string during(Fault fault) { return " (" + std::string(name_of(fault)) + ")"; }

/// What failed because the server was away says that it is worth another try.
void expect_retryable(Test& t, const Outcome& outcome, Fault fault) {
  t.expect(outcome.ok() || (outcome.flags & RST_ERROR_RETRYABLE) != 0, "R2",
           "what is pending at the loss succeeds, or fails RETRYABLE" + during(fault), outcome.said());
}

/// The next message; when none comes, whether it is the credit that is gone or the subscription.
Message after_loss(Test& t, const Subscription& sub) {
  if (auto message = sub.try_next(t.testkit.arrival)) return std::move(*message);
  sub.credit(1);
  if (sub.try_next(t.testkit.arrival)) t.fail("F1", "balances survive a reconnect", "they are gone");
  t.fail("R1", "a subscription resumes after a loss", "nothing comes");
}

/// Publishes until something arrives: a kind that keeps nothing has nobody to give it to before it has resumed.
Message until_it_flows(Test& t, const Publisher& out, const Subscription& sub) {
  for (const auto until = t.now() + t.testkit.arrival; t.now() < until;) {
    out.send("flows");
    if (auto message = sub.try_next(2 * t.testkit.quiet)) return std::move(*message);
  }
  return after_loss(t, sub);
}

/// Acknowledges a message from before a loss: done, or STALE. The code.
std::int32_t ack_old(Test& t, const Subscription& sub, const Message& message) {
  const std::int32_t code = sub.settle(message, RST_VERDICT_ACK);
  t.expect(code == RST_OK || code == RST_E_STALE, "S3", "a token from before the loss is honoured, or STALE",
           code_name(code));
  return code;
}

/// How often the plugin says that it tries refused credentials.
std::size_t declared_attempts(Test& t) {
  constexpr std::size_t kUndeclared = 10;
  std::string text;
  for (std::uint32_t i = 0; i < t.plugin.table().option_count; ++i) {
    if (view(t.plugin.option(i).name) == RST_OPT_RECONNECT_AUTH_ATTEMPTS) text = view(t.plugin.option(i).default_text);
  }
  for (const auto& [name, value] : t.testkit.options)
    if (name == RST_OPT_RECONNECT_AUTH_ATTEMPTS) text = value;
  std::size_t number = kUndeclared;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Fills the way to a server that does not read, as far as the plugin lets it.
void fill(Test& t, const Publisher& out) {
  constexpr int kMost = 400;
  const auto limit = t.publish_kind.capability(RST_CAP_MAX_PAYLOAD).limit;
  const Out large{.payload = std::string(limit == 0 ? 65536 : std::min<std::uint64_t>(limit, 65536), 'x')};
  for (int i = 0; i < kMost; ++i) {
    const Published one = out.publish(large, {.completes = false, .timeout = 10 * t.testkit.arrival});
    if (!one.verb.ok()) return t.expect_code(one.verb.code, RST_E_BACKPRESSURE, "P4", "publish when there is no room");
  }
}

constexpr Case kCases[] = {
    {.name = "faults.connect",
     .rule = "R1",
     .says = "Whatever happens to the connection while it greets: connect completes, and when it keeps trying it "
             "succeeds.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Length greeting = length_of(t, [&] { (void)t.instance().connect(); });
           for (const Fault fault : kAll) {
             for (const Way way : kWays) {
               proxy.arm({.fault = fault, .way = way, .keep = greeting.any(t, way), .lasts = kAway});
               auto [made, pending] =
                   t.instance().try_connect({.flags = RST_CONNECT_RETRY_INITIAL, .timeout = t.testkit.arrival});
               const Outcome outcome = pending.wait();
               proxy.disarm();
               expect_retryable(t, outcome, fault);
               t.expect(outcome.ok() || fault == Fault::half_open, "R1",
                        "connect with RETRY_INITIAL succeeds at a later attempt" + during(fault), outcome.said());
               made.handle = outcome.value;
               if (outcome.ok()) (void)made.close().wait();
             }
           }
         }},
    {.name = "faults.connect-is-refused",
     .rule = "R1",
     .says = "Nobody listens: connect fails RETRYABLE, and keeps trying where it is told to.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           proxy.refuse();
           const Outcome refused = t.instance().try_connect({.timeout = t.testkit.arrival}).second.wait();
           t.expect(!refused.ok(), "R1", "connect completes OK only with a session", "OK");
           expect_retryable(t, refused, Fault::restart);
           auto [made, pending] =
               t.instance().try_connect({.flags = RST_CONNECT_RETRY_INITIAL, .timeout = t.testkit.arrival});
           t.pass(kAway);
           proxy.listen();
           const Outcome outcome = pending.wait();
           t.expect(outcome.ok(), "R1", "connect with RETRY_INITIAL succeeds when the server is there", outcome.said());
           made.handle = outcome.value;
           (void)made.close().wait();
         }},
    {.name = "faults.refused-credentials",
     .rule = "R1",
     .says = "Refused credentials are an error of connect, and are tried no more often than declared.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           if (t.testkit.refused_options.empty()) Test::skip("the testkit has no refused_options");
           for (const std::uint32_t flags : {0U, RST_CONNECT_RETRY_INITIAL}) {
             const std::size_t before = proxy.accepted().size();
             const Outcome outcome =
                 t.instance()
                     .try_connect({.options = t.testkit.refused_options, .flags = flags, .timeout = t.testkit.arrival})
                     .second.wait();
             t.expect(!outcome.ok(), "R1", "connect completes OK only with an authenticated session", "OK");
             t.expect(outcome.code == RST_E_UNAUTHENTICATED || outcome.code == RST_E_DENIED, "R1",
                      "refused credentials are UNAUTHENTICATED or DENIED", outcome.said());
             t.pass(2 * t.testkit.quiet);
             const std::size_t attempts = proxy.accepted().size() - before;
             t.expect(attempts <= declared_attempts(t), "R1",
                      "at most " + std::to_string(declared_attempts(t)) + " attempts with refused credentials",
                      std::to_string(attempts));
           }
         }},
    {.name = "faults.loss-is-an-event",
     .rule = "R1",
     .says = "The loss of a connection is CONN_DOWN, and its return CONN_UP; a peer that is silent for ever is a loss.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Connection connection = t.instance().connect();
           const auto comes = [&](std::uint32_t kind, std::uint32_t outdated = 0) {
             return t.instance().await_event(kind, connection.id, t.testkit.arrival, outdated).has_value();
           };
           for (const Fault fault : {Fault::cut, Fault::reset, Fault::restart, Fault::half_open}) {
             proxy.make(fault, kAway);
             t.expect(comes(RST_EVENT_CONN_DOWN, RST_EVENT_CONN_UP), "R1", "a loss is CONN_DOWN" + during(fault),
                      "no such event");
             t.expect(comes(RST_EVENT_CONN_UP), "R1", "a return is CONN_UP" + during(fault), "no such event");
           }
         }},
    {.name = "faults.attempts-are-spaced",
     .rule = "R1",
     .says = "While the server turns everybody away there are attempts, with time between them.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           constexpr std::size_t kAttempts = 20;
           constexpr auto kLeast = 100ms;  // for so many: a slow machine only makes it longer
           Proxy& proxy = t.proxy();
           const Connection connection = t.instance().connect();
           const std::size_t before = proxy.accepted().size();
           proxy.turn_away(true);
           proxy.cut();
           for (const auto until = t.now() + t.testkit.arrival; proxy.accepted().size() == before;) {
             t.expect(t.now() < until, "R1", "a lost connection is tried again", "no attempt");
             t.pass(20ms);
           }
           t.pass(1s);
           const auto attempts = proxy.accepted();
           for (std::size_t i = before; i + kAttempts < attempts.size(); ++i) {
             t.expect(attempts[i + kAttempts] - attempts[i] >= kLeast, "R1",
                      "attempts are spaced: " + std::to_string(kAttempts) + " of them take at least 100 ms",
                      std::to_string(attempts.size() - before) + " within a second");
           }
           proxy.turn_away(false);
           t.publisher({.connection = connection}).send("again");
         }},
    {.name = "faults.subscription-resumes",
     .rule = "R1",
     .says = "After each loss a subscription delivers again, without being asked.",
     .run =
         [](Test& t) {
           (void)t.proxy();
           const Connection connection = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = connection});
           const Publisher out = t.publisher({.connection = direct(t)});
           for (const Fault fault : kEnds) {
             lose(t, connection, fault);
             finish(sub, until_it_flows(t, out, sub));
             while (const auto more = sub.try_next(t.testkit.quiet)) finish(sub, *more);
           }
         }},
    {.name = "faults.balance-survives",
     .rule = "F1",
     .says = "A reconnect neither adds to the balance nor takes from it.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           (void)t.proxy();
           const Connection connection = t.instance().connect();
           const Subscription sub = t.subscribe({.credit = 5, .connection = connection});
           const Publisher out = t.publisher({.connection = direct(t)});
           out.send(numbered(3));
           for (const Message& message : sub.next(3)) sub.ack(message);
           t.pass(t.testkit.quiet);  // the settlements arrive
           lose(t, connection);
           out.send(numbered(10, "after-"));
           for (int i = 0; i < 2; ++i) sub.ack(after_loss(t, sub));
           sub.nothing("F1", "five messages for a credit of five, before the loss and after it");
           sub.credit(4);
           for (int i = 0; i < 4; ++i) sub.ack(after_loss(t, sub));
           sub.nothing("F1", "four messages for a credit of four");
         }},
    {.name = "faults.unsettled-comes-again",
     .rule = "S4",
     .says = "What was unsettled at the loss comes again, unless its token is still honoured.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           (void)t.proxy();
           const Connection connection = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = connection});
           const Publisher out = t.publisher({.connection = direct(t)});
           out.send(numbered(5));
           const std::vector<Message> unsettled = sub.next(5);
           t.pass(t.testkit.quiet);
           lose(t, connection);
           Payloads stale;
           for (const Message& message : unsettled) {
             if (ack_old(t, sub, message) == RST_E_STALE) stale.insert(message.payload);
           }
           while (!stale.empty()) {
             const auto again = sub.try_next(t.testkit.arrival);
             if (!again) (void)until_it_flows(t, out, sub);  // else that is what is wrong
             t.expect(again.has_value(), "S4", "what was unsettled at the loss comes again",
                      std::to_string(stale.size()) + " did not");
             sub.ack(*again);
             stale.erase(again->payload);
           }
         }},
    {.name = "faults.old-tokens-disturb-nothing",
     .rule = "S3",
     .says = "Settling a token from before the loss touches no message but its own.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           (void)t.proxy();
           const Connection connection = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = connection});
           t.publisher({.connection = direct(t)}).send(numbered(3));
           const std::vector<Message> before = sub.next(3);
           sub.ack(before[0]);
           t.pass(t.testkit.quiet);  // it arrives
           lose(t, connection);
           Payloads again;
           while (again.size() < 2) {
             const auto message = sub.try_next(t.testkit.arrival);
             if (!message) Test::skip("what is unsettled does not come again at a loss");
             again.insert(message->payload);
           }
           const std::int32_t code = ack_old(t, sub, before[1]);
           t.pass(t.testkit.quiet);
           lose(t, connection);
           if (code == RST_OK) again.erase(before[1].payload);
           while (!again.empty()) {
             const auto message = sub.try_next(t.testkit.arrival);
             t.expect(message.has_value(), "S3", "what an old token did not name is unsettled still, and comes again",
                      quoted(*again.begin()) + " does not");
             sub.ack(*message);
             again.erase(message->payload);
           }
         }},
    {.name = "faults.publish",
     .rule = "R2",
     .says = "A publish that a fault strikes within completes once: OK and stored, or RETRYABLE.",
     .needs = {RST_CAP_PUBLISH_CONFIRM},
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Subscription sub = t.subscribe({.connection = direct(t)});
           for (const Fault fault : kAll) {
             const Publisher out =
                 t.publisher({.connection = t.instance().connect({.flags = RST_CONNECT_RETRY_INITIAL})});
             const Out message{.payload = "struck by " + std::string(name_of(fault))};
             const std::size_t before = proxy.struck();
             proxy.arm({.fault = fault,
                        .text = message.payload,
                        .keep = t.random() % message.payload.size(),
                        .lasts = kAway});
             const Published published = out.publish(message, {.timeout = t.testkit.arrival});
             if (proxy.struck() == before) Test::skip("payloads are not readable on their way");
             expect_retryable(t, published.verb, fault);
             const std::int32_t status = published.verb.ok() ? published.statuses[0] : -published.verb.code;
             if (status < 0) {
               t.expect((rst_status_flags(status) & RST_ERROR_RETRYABLE) != 0 || !published.verb.ok(), "R2",
                        "a message that the loss made fail is RETRYABLE" + during(fault),
                        code_name(rst_status_code(status)));
             } else {
               const Message arrived = sub.next("P1", "a message with the status OK is stored" + during(fault));
               t.expect(arrived.payload == message.payload, "P1", "it arrives as it was", quoted(arrived.payload));
               finish(sub, arrived);
             }
             while (const auto copy = sub.try_next(t.testkit.quiet)) finish(sub, *copy);  // at least once
           }
         }},
    {.name = "faults.maybe-applied",
     .rule = "P1",
     .says = "When the connection is lost between a message and its confirmation, it fails RETRYABLE and "
             "MAYBE_APPLIED.",
     .needs = {RST_CAP_PUBLISH_CONFIRM},
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Subscription sub = t.subscribe({.connection = direct(t)});
           const Publisher out = t.publisher({.connection = t.instance().connect()});
           proxy.refuse();  // no second connection
           proxy.arm({.fault = Fault::cut, .way = Way::to_client, .keep = 0});
           const Published published = out.publish({.payload = "stored"}, {.timeout = kBrief});
           const bool stored = sub.try_next(t.testkit.quiet).has_value();
           const std::int32_t status =
               published.verb.ok() ? published.statuses[0] : rst_status(published.verb.code, published.verb.flags);
           proxy.listen();
           t.expect(status < 0, "P1", "OK means confirmed, and no confirmation came", "OK");
           t.expect((rst_status_flags(status) & RST_ERROR_RETRYABLE) != 0, "R2",
                    "what fails for the loss of a connection is RETRYABLE", code_name(rst_status_code(status)));
           t.expect(!stored || (rst_status_flags(status) & RST_ERROR_MAYBE_APPLIED) != 0, "P1",
                    "a failed message that the broker has is MAYBE_APPLIED", "it is stored, and is not");
         }},
    {.name = "faults.pending-while-away",
     .rule = "R2",
     .says = "What is begun while the server is away ends by its timeout, RETRYABLE, or succeeds when it is back.",
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Connection connection = t.instance().connect();
           const Publisher out = t.publisher({.connection = connection});
           proxy.refuse();
           lose(t, connection);
           auto [subscription, subscribing] = t.instance().try_subscribe({.connection = connection, .timeout = kBrief});
           const Published published = out.publish({.payload = "late"}, {.timeout = kBrief});
           expect_retryable(t, published.verb, Fault::restart);
           if (published.verb.ok() && t.publish_kind.can(RST_CAP_PUBLISH_CONFIRM)) {
             t.expect((rst_status_flags(published.statuses.at(0)) & RST_ERROR_RETRYABLE) != 0, "R2",
                      "a message that could not be sent fails RETRYABLE",
                      code_name(rst_status_code(published.statuses[0])));
           }
           expect_retryable(t, subscribing.wait(), Fault::restart);
           proxy.listen();
           out.send("back");
         }},
    {.name = "faults.subscribe",
     .rule = "R2",
     .says = "A subscribe that a fault strikes within succeeds after it, or fails RETRYABLE.",
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Publisher out = t.publisher({.connection = direct(t)});
           const Connection connection = t.instance().connect();
           const Length length = length_of(t, [&] { (void)t.subscribe({.connection = connection}).close().wait(); });
           for (const Fault fault : kEnds) {
             proxy.arm({.fault = fault, .keep = length.any(t, Way::to_server) / 2, .lasts = kAway});
             auto [sub, pending] = t.instance().try_subscribe({.connection = connection, .timeout = t.testkit.arrival});
             const Outcome outcome = pending.wait();
             proxy.disarm();
             expect_retryable(t, outcome, fault);
             if (!outcome.ok()) continue;
             sub.handle = outcome.value;
             finish(sub, until_it_flows(t, out, sub));
             while (const auto more = sub.try_next(t.testkit.quiet)) finish(sub, *more);
             (void)sub.close().wait();
           }
         }},
    {.name = "faults.settle",
     .rule = "S3",
     .says =
         "A settlement that a fault strikes within is done, or its message comes again; what follows is not held up.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Connection connection = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = connection});
           const Publisher out = t.publisher({.connection = direct(t)});
           for (const Fault fault : kEnds) {
             out.send("first");
             const Message message = after_loss(t, sub);
             proxy.arm({.fault = fault, .keep = t.random() % 8, .lasts = kAway});
             const std::int32_t code = sub.settle(message, RST_VERDICT_ACK);
             t.expect(code == RST_OK || code == RST_E_STALE || code == RST_E_UNAVAILABLE || code == RST_E_TIMEOUT, "S3",
                      "an ack is taken, or the token is STALE" + during(fault), code_name(code));
             t.pass(t.testkit.quiet);
             proxy.disarm();
             sub.ack(until_it_flows(t, out, sub));
             while (const auto more = sub.try_next(t.testkit.quiet)) sub.ack(*more);
           }
         }},
    {.name = "faults.close",
     .rule = "S4",
     .says = "A close that a fault strikes within completes, and what was unsettled goes to another.",
     .needs = {RST_CAP_SETTLE, RST_CAP_GROUP},
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Connection beside = direct(t);
           const Connection connection = t.instance().connect();
           for (const Fault fault : kEnds) {
             const std::string address = t.address(name_of(fault));
             const Subscription sub = t.subscribe({.addresses = {address}, .connection = connection});
             t.publisher({.destination = address, .connection = beside}).send(numbered(3));
             Payloads unsettled = payloads(sub.next(3));
             proxy.arm({.fault = fault, .keep = t.random() % 8, .lasts = kAway});
             (void)sub.close().wait();
             proxy.disarm();
             const Subscription other = t.subscribe({.addresses = {address}, .connection = beside});
             while (!unsettled.empty()) {
               const auto message = other.try_next(t.testkit.arrival);
               t.expect(message.has_value(), "S4", "what was unsettled at the close comes to another" + during(fault),
                        "nothing comes");
               other.ack(*message);
               unsettled.erase(message->payload);
             }
           }
         }},
    {.name = "faults.no-verb-waits-for-the-peer",
     .rule = "B1",
     .says = "While the peer reads nothing and says nothing, every verb returns at once.",
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Connection connection = t.instance().connect();
           const Subscription sub = t.subscribe({.credit = 4, .connection = connection});
           const Subscription second = t.subscribe({.addresses = {t.address("b")}, .connection = connection});
           const Publisher out = t.publisher({.destination = t.address("away"), .connection = connection});
           t.publisher({.connection = direct(t)}).send(numbered(4));
           const std::vector<Message> messages = sub.next(4);
           proxy.stall();
           std::vector<Pending> pending;
           auto [third, connecting] = t.instance().try_connect({.timeout = t.testkit.arrival});
           pending.push_back(t.instance().try_subscribe({.connection = connection, .timeout = kBrief}).second);
           pending.push_back(t.instance().try_publisher({.connection = connection, .timeout = kBrief}).second);
           fill(t, out);
           pending.push_back(out.flush(kBrief));
           if (messages[0].token != 0) {
             const Verdict ack{messages[0].token, RST_VERDICT_ACK};
             (void)sub.settle(ack);
           }
           sub.credit(4);
           pending.push_back(sub.drain());
           pending.push_back(second.close(0, kBrief));
           proxy.resume();
           for (Pending& each : pending) (void)each.wait();  // exactly once, whatever it came to (rule C1)
           const Outcome connected = connecting.wait();
           third.handle = connected.value;
           if (connected.ok()) (void)third.close().wait();
         }},
    {.name = "faults.publishing-is-blocked",
     .rule = "P6",
     .says = "While one connection cannot publish, deliveries, settlements and EXTEND of another go on.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Proxy& proxy = t.proxy();
           const Publisher blocked =
               t.publisher({.destination = t.address("blocked"), .connection = t.instance().connect()});
           const Connection beside = direct(t);
           const Subscription sub = t.subscribe({.credit = 100, .window = 4, .connection = beside});
           const Publisher out = t.publisher({.connection = beside});
           proxy.stall();
           fill(t, blocked);
           out.send(numbered(12));
           for (int i = 0; i < 12; ++i) {
             const Message message = sub.next("P6", "settlements make room for deliveries while publishing is blocked");
             if (t.kind.can(RST_CAP_EXTEND)) sub.extend(message);
             sub.ack(message);
           }
           proxy.resume();
         }},
    {.name = "faults.nothing-is-lost",
     .rule = "P1",
     .says = "The connection is cut within one message and the server restarts within another: each of 1,200 that was "
             "confirmed is delivered.",
     .needs = {RST_CAP_PUBLISH_CONFIRM, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 1200, kAtOnce = 50;
           Proxy& proxy = t.proxy();
           const Connection connection = t.instance().connect();
           const Subscription sub =
               t.subscribe({.credit = 20 * kMessages, .credit_bytes = 1U << 30U, .connection = connection});
           const Publisher out = t.publisher({.connection = connection});
           proxy.arm({.text = "n-400.", .keep = t.random() % 6});
           proxy.arm({.fault = Fault::restart, .text = "n-600.", .keep = t.random() % 6, .lasts = kAway});
           Payloads seen;
           const auto take = [&](std::chrono::nanoseconds at_most) {
             const auto message = sub.try_next(at_most);
             if (message && sub.settle(*message, RST_VERDICT_ACK) == RST_OK) seen.insert(message->payload);
             return message.has_value();
           };
           std::set<std::string> confirmed;
           for (std::size_t next = 0; next < kMessages; next += kAtOnce) {
             std::vector<Out> batch;
             for (std::size_t i = next; i < next + kAtOnce; ++i)
               batch.push_back({.payload = "n-" + std::to_string(i) + "."});
             while (!batch.empty()) {
               const Published published = out.publish(batch, {.timeout = t.testkit.arrival});
               std::vector<Out> again;
               for (std::size_t i = 0; i < batch.size(); ++i) {
                 const bool known = published.verb.ok() && i < published.accepted;
                 if (known && published.statuses[i] >= 0) {
                   confirmed.insert(batch[i].payload);
                   continue;
                 }
                 if (known)
                   t.expect((rst_status_flags(published.statuses[i]) & RST_ERROR_RETRYABLE) != 0, "R2",
                            "what the loss made fail is RETRYABLE", code_name(rst_status_code(published.statuses[i])));
                 again.push_back(batch[i]);
               }
               batch = std::move(again);
               while (take(0ns)) {
               }
             }
           }
           if (proxy.struck() < 2) Test::skip("payloads are not readable on their way");
           std::set<std::string> missing;
           do {
             missing.clear();
             std::ranges::set_difference(confirmed, seen, std::inserter(missing, missing.end()));
           } while (!missing.empty() && take(t.testkit.arrival));
           if (!missing.empty()) (void)until_it_flows(t, out, sub);  // else that is what is wrong
           t.expect(missing.empty(), "P1", "each message that was confirmed is delivered",
                    std::to_string(missing.size()) + " are not, " + quoted(missing.empty() ? "" : *missing.begin()) +
                        " among them");
         }},
};

}  // namespace

std::span<const Case> fault_cases() { return kCases; }

}  // namespace conformance
