// What publishing promises: rules P1 and P2, and routing. Back-pressure, flush and P6 are in backpressure.cpp.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <csignal>
#include <map>
#include <sys/wait.h>

namespace conformance {
namespace {

constexpr std::uint16_t kUndefinedFlag = 0x8000;

/// Each status of a publish is that of a message that was taken.
void expect_taken(Test& t, const Published& published, std::size_t count) {
  t.expect(published.verb.ok() && published.accepted == count, "P1", "publish takes " + std::to_string(count),
           published.verb.said() + ", accepted " + std::to_string(published.accepted));
  for (const std::int32_t status : published.statuses) {
    t.expect(status >= 0, "P1", "an accepted message gets the status OK", code_name(rst_status_code(status)));
  }
}

constexpr std::size_t kConfirmed = 20;
void publish_confirmed(const Publisher& out) {
  for (const Out& each : numbered(kConfirmed)) out.send(each);
}

constexpr Case kCases[] = {
    {.name = "publish.status-of-each",
     .rule = "P1",
     .says = "Each accepted message gets a status of its own, whether it is confirmed or only handed over.",
     .per = Case::Per::publisher_kind,
     .run =
         [](Test& t) {
           const Publisher out = t.publisher();
           expect_taken(t, out.publish(numbered(7)), 7);
           expect_taken(t, out.publish(numbered(7), {.confirm = false}), 7);
           expect_taken(t, out.publish(numbered(1)), 1);
         }},
    {.name = "publish.confirmed-is-kept",
     .rule = "P1",
     .says = "What is confirmed is stored: a process that is killed right after it has lost nothing of that.",
     .needs = {RST_CAP_PUBLISH_CONFIRM},
     .observes = RST_CAP_PUBLISH_CONFIRM,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           if (t.testkit.server_place()) {
             const Apart killed = t.run_apart("publish");
             t.expect(WIFSIGNALED(killed.status) && WTERMSIG(killed.status) == SIGKILL, "P1",
                      "another process publishes with confirmation", killed.output);
           } else {  // the broker lives in this process: its connection is lost instead
             const Connection other = t.instance().connect();
             publish_confirmed(t.publisher({.connection = other}));
             (void)other.close(RST_CLOSE_ABORT).wait();
           }
           std::set<std::string> seen;
           while (seen.size() < kConfirmed) {
             const Message message = sub.next("P1", "what was confirmed is delivered");
             seen.insert(message.payload);
             finish(sub, message);
           }
         },
     .apart =
         [](Test& t) {
           publish_confirmed(t.publisher());
           (void)std::raise(SIGKILL);
         }},
    {.name = "publish.without-completion",
     .rule = "P1",
     .says = "Without an op nothing completes, nothing is borrowed after the return, and the messages are delivered.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           const Published published = out.publish(numbered(10), {.confirm = false, .completes = false});
           t.expect(published.verb.ok() && published.accepted == 10, "P1", "publish takes ten messages",
                    published.verb.said());
           const std::vector<Message> got = sub.next(10);
           t.expect(payloads(got) == payloads(numbered(10)), "P1", "the ten messages", "others");
           for (const Message& message : got) finish(sub, message);
         }},
    {.name = "publish.one-bad-entry",
     .rule = "P1",
     .says = "Of an array with one message that cannot be published that one is told, and the others are published.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           std::vector<Out> messages = numbered(3);
           messages[1].flags = kUndefinedFlag;
           const Published published = t.publisher().publish(messages);
           Payloads wanted{"m0", "m2"};
           if (!published.verb.ok()) {  // all refused: nothing was done
             t.expect_code(published.verb.code, RST_E_UNSUPPORTED, "V2", "an array with an undefined flag in it");
             wanted.clear();
           } else {
             t.expect(published.accepted == 3, "P4", "all are accepted: there is room",
                      std::to_string(published.accepted));
             t.expect(published.statuses[0] >= 0 && published.statuses[2] >= 0, "P1", "the good ones are OK",
                      "they are not");
             const std::int32_t code = rst_status_code(published.statuses[1]);
             t.expect(code != 0, "P1", "the bad one has a status that says so", "OK");
             t.expect_code(code, RST_E_UNSUPPORTED, "V2", "a message with an undefined flag");
           }
           Payloads seen;
           for (std::size_t i = 0; i < wanted.size(); ++i) {
             const Message message = sub.next();
             seen.insert(message.payload);
             finish(sub, message);
           }
           t.expect(seen == wanted, "P1", "the good ones are delivered", "others");
           sub.nothing("P1", "what was not published is not delivered");
         }},
    {.name = "publish.order-of-a-key",
     .rule = "P2",
     .says = "Messages of one publisher keep their order for each key, in one array and from one to the next.",
     .needs = {RST_CAP_PUBLISH_ORDER},
     .observes = RST_CAP_PUBLISH_ORDER,
     .run =
         [](Test& t) {
           constexpr std::size_t kKeys = 4, kEach = 50;
           const bool keyed = t.publish_kind.can(RST_CAP_KEY);
           const Subscription sub = t.subscribe({.credit = kKeys * kEach});
           const Publisher out = t.publisher();
           std::vector<Out> messages;
           for (std::size_t i = 0; i < kKeys * kEach; ++i) {
             messages.push_back({.payload = std::to_string(i)});
             if (keyed) messages.back().key = "key" + std::to_string(i % kKeys);
           }
           for (std::size_t at = 0, size = 1; at < messages.size(); at += size, size = size % 13 + 3) {
             size = std::min(size, messages.size() - at);
             out.send(std::span(messages).subspan(at, size));
           }
           std::map<std::string, std::size_t> last;
           for (const Message& message : sub.next(messages.size())) {
             const auto number = std::stoul("0" + message.payload) + 1;
             std::size_t& before = last[message.key.value_or("")];
             t.expect(number > before, "P2", "a key's messages in their order",
                      quoted(message.payload) + " behind " + std::to_string(before - 1));
             before = number;
             finish(sub, message);
           }
         }},
    {.name = "publish.unrouted",
     .rule = "cap",
     .says = "Where nobody listens the status is OK_UNROUTED, and with MANDATORY NO_ROUTE.",
     .per = Case::Per::publisher_kind,
     .needs = {RST_CAP_UNROUTED},
     .observes = RST_CAP_UNROUTED,
     .run =
         [](Test& t) {
           if (!t.kind.can(RST_CAP_PUBLISH_CONFIRM)) Test::skip("the kind confirms nothing, so it knows it too late");
           const Publisher out = t.publisher({.destination = t.address("nobody")});
           const Published plain = out.publish(Out{.payload = "x"});
           if (plain.verb.ok() && plain.statuses[0] == RST_OK &&
               (t.kind.can(RST_CAP_RETAINED) || t.kind.can(RST_CAP_SEEK)))
             Test::skip("the kind keeps what nobody listens to");
           t.expect(plain.verb.ok() && plain.statuses[0] == RST_OK_UNROUTED, "cap", "the status OK_UNROUTED",
                    plain.verb.ok() ? std::to_string(plain.statuses[0]) : plain.verb.said());
           const std::int32_t code = out.publish(Out{.payload = "x", .flags = RST_OUT_MANDATORY}).code();
           t.expect_code(code, RST_E_NO_ROUTE, "cap", "MANDATORY where nobody listens");
           if (!t.kind.consumes()) return;
           const Subscription sub = t.subscribe({.addresses = {t.address("nobody")}});
           sub.nothing("cap", "what had no route is not delivered later");
           const Published routed = out.publish(Out{.payload = "x", .flags = RST_OUT_MANDATORY});
           t.expect(routed.verb.ok() && routed.statuses[0] == RST_OK, "cap", "OK where somebody listens",
                    routed.verb.said());
           finish(sub, sub.next());
         }},
    {.name = "publish.destination-of-each",
     .rule = "P1",
     .says = "A message that names its own destination goes there, whatever the publisher's is.",
     .run =
         [](Test& t) {
           const Subscription a = t.subscribe({.addresses = {t.address("a")}});
           const Subscription b = t.subscribe({.addresses = {t.address("b")}});
           const Publisher out = t.publisher({.destination = t.address("a")});
           const Out own{.payload = "own"}, other{.payload = "other", .destination = t.address("b")};
           out.send(std::array<Out, 3>{own, other, own});
           for (const Subscription* const sub : {&a, &a, &b}) {
             const Message message = sub->next();
             t.expect(message.payload == (sub == &b ? "other" : "own"), "P1", "each message at its destination",
                      quoted(message.payload));
             finish(*sub, message);
           }
         }},
    {.name = "publish.bad-destination",
     .rule = "P1",
     .says = "A message without any destination is told as INVALID; the ones beside it are published.",
     .per = Case::Per::publisher_kind,
     .run =
         [](Test& t) {
           const Publisher out = t.publisher({.destination = ""});
           const std::array<Out, 2> messages{
               {{.payload = "nowhere"}, {.payload = "somewhere", .destination = t.address()}}};
           const Published published = out.publish(messages);
           t.expect(published.code() != 0, "P1", "no status OK for a message that goes nowhere", "OK");
           if (published.verb.ok())
             t.expect(published.statuses[1] >= 0, "P1", "the other message is published",
                      code_name(rst_status_code(published.statuses[1])));
         }},
    {.name = "publish.receipts",
     .rule = "cap",
     .says = "A receipt is the position of its own message: reading from there begins with it.",
     .needs = {RST_CAP_RECEIPT, RST_CAP_SEEK},
     .observes = RST_CAP_RECEIPT,
     .run =
         [](Test& t) {
           const Published published = t.publisher().publish(numbered(5), {.wants_receipts = true});
           t.expect(published.verb.ok() && published.accepted == 5, "P1", "publish succeeds", published.verb.said());
           for (const rst_position& each : published.receipts) {
             t.expect(each.kind == RST_POSITION_AT && each.len <= sizeof each.data, "cap", "a receipt of kind AT",
                      std::to_string(each.kind));
           }
           const Subscription sub = t.subscribe({.start = published.receipts[3]});
           const Message message = sub.next("cap", "reading from a receipt brings its message");
           t.expect(message.payload == "m3", "cap", "the message of the receipt, m3", quoted(message.payload));
           finish(sub, message);
         }},
    {.name = "publish.duplicates",
     .rule = "cap",
     .says = "The same message id within the declared time is stored once, and the second status says so.",
     .needs = {RST_CAP_DEDUPLICATE},
     .observes = RST_CAP_DEDUPLICATE,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Out message{.payload = "once", .message_id = t.unique("id")};
           const Publisher out = t.publisher();
           out.send(message);
           const Published again = out.publish(message);
           t.expect(again.verb.ok() && again.statuses[0] == RST_OK_DUPLICATE, "cap", "the status OK_DUPLICATE",
                    again.verb.ok() ? std::to_string(again.statuses[0]) : again.verb.said());
           finish(sub, sub.next());
           sub.nothing("cap", "a duplicate is not delivered");
         }},
    {.name = "publish.too-large",
     .rule = "cap",
     .says = "The largest payload that is promised is taken; one byte more is TOO_LARGE and is not delivered.",
     .needs = {RST_CAP_MAX_PAYLOAD},
     .observes = RST_CAP_MAX_PAYLOAD,
     .run =
         [](Test& t) {
           constexpr std::uint64_t kMost = 64U << 20U;  // more costs the runner too much
           const Connection& on = t.instance().connection();
           const rst_capability declared = t.publish_kind.capability(RST_CAP_MAX_PAYLOAD);
           std::uint64_t limit = declared.limit;
           const auto found = [&] {  // what holds on this connection
             const auto up = t.instance().host.take_event(RST_EVENT_CONN_UP, on.id);
             if (!up) return false;
             for (const rst_capability& each : up->capabilities) {
               if (each.id == RST_CAP_MAX_PAYLOAD && each.limit != 0) limit = each.limit;
             }
             return true;
           };
           if (!found() && (declared.flags & RST_CAP_CONDITIONAL) != 0) (void)t.wait(found, t.testkit.arrival);
           const Publisher out = t.publisher();
           if (limit > kMost) Test::skip("the limit is " + std::to_string(limit) + " bytes: too many to try");
           const Subscription sub = t.subscribe({.credit_bytes = limit + 1, .window_bytes = 2 * limit});
           const std::int32_t code = out.publish(Out{.payload = std::string(limit + 1, 'x')}).code();
           t.expect_code(code, RST_E_TOO_LARGE, "cap", "a payload one byte over the limit");
           sub.nothing("P3", "what is too large is not delivered");
           out.send(std::string(limit, 'y'));
           const Message message = sub.next();
           t.expect(message.payload == std::string(limit, 'y'), "P3", "the largest payload, whole",
                    std::to_string(message.payload.size()) + " bytes");
           finish(sub, message);
         }},
    {.name = "publish.failures-without-statuses",
     .rule = "P1",
     .says = "Where nobody wants statuses, one message that fails does not keep the others from being published.",
     .per = Case::Per::publisher_kind,
     .needs = {RST_CAP_UNROUTED},
     .run =
         [](Test& t) {
           if (t.kind.can(RST_CAP_SEEK)) Test::skip("the kind keeps what nobody listens to");
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           const Out lost{.payload = "lost", .destination = t.address("nobody"), .flags = RST_OUT_MANDATORY};
           for (const std::vector<Out>& all : {std::vector<Out>{{.payload = "m0"}, lost, {.payload = "m1"}},
                                               std::vector<Out>{{.payload = "m0"}, lost}}) {
             const Published published = out.publish(all, {.confirm = false, .completes = false});
             t.expect(published.verb.ok() && published.accepted == all.size(), "P1", "all messages are accepted",
                      published.verb.said() + ", " + std::to_string(published.accepted));
             const auto failed = t.instance().host.take_event(RST_EVENT_PUB_FAILED, out.id);
             t.expect(!failed || failed->value == 1, "P1", "PUB_FAILED of one message",
                      failed ? std::to_string(failed->value) : "");
             const std::vector<Message> came = sub.next(all.size() - 1);
             t.expect(payloads(came) == payloads(numbered(all.size() - 1)), "P1", "the others", "something else");
             for (const Message& message : came) finish(sub, message);
           }
         }},
};

}  // namespace

std::span<const Case> publish_cases() { return kCases; }

}  // namespace conformance
