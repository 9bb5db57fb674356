// What is published reaches who asked for it, in order, once.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <map>

namespace conformance {
namespace {

/// Takes from all of them until `count` messages came.
std::vector<std::vector<Message>> take_from(Test& t, const std::vector<Subscription>& all, std::size_t count,
                                            std::string_view rule) {
  std::vector<std::vector<Message>> taken(all.size());
  std::size_t came = 0;
  const auto take_some = [&] {
    for (std::size_t i = 0; i < all.size(); ++i) {
      while (auto message = t.instance().host.take(all[i].id)) {
        taken[i].push_back(std::move(*message));
        ++came;
      }
    }
    return came >= count;
  };
  while (came < count) {
    const std::size_t before = came;
    if (!t.wait([&] { return take_some() || came > before; }, t.testkit.arrival)) {
      t.fail(rule, std::to_string(count) + " messages are delivered", std::to_string(came) + " came");
    }
  }
  return taken;
}

void skip_without(bool given, const char* what) {
  if (!given) Test::skip(what);
}

constexpr Case kCases[] = {
    {.name = "delivery.round-trip",
     .rule = "P1",
     .says = "A published message is delivered as it was published.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           Out out{.payload = "hello, world"};
           if (t.publish_kind.can(RST_CAP_HEADERS)) out.headers = {{"kind", "greeting"}};
           t.publisher().send(out);
           const Message message = sub.next();
           t.expect(message.payload == out.payload, "P3", "the payload " + quoted(out.payload),
                    quoted(message.payload));
           for (const Header& each : out.headers) {
             t.expect(message.header(each.name) == each.value, "P3", "the header " + each.name,
                      quoted(message.header(each.name).value_or("")));
           }
           t.expect(message.address.empty() || message.address == t.address(), "cap", "the address " + t.address(),
                    message.address);
           finish(sub, message);
         }},
    {.name = "delivery.addresses-do-not-mix",
     .rule = "cap",
     .says = "A subscription gets what is published to its address, and nothing else.",
     .run =
         [](Test& t) {
           constexpr std::size_t kAddresses = 20;
           std::vector<Subscription> subs;
           std::vector<Out> messages;
           for (std::size_t i = 0; i < kAddresses; ++i) {
             const std::string address = t.address("n" + std::to_string(i));
             subs.push_back(t.subscribe({.addresses = {address}}));
             messages.push_back({.payload = address, .destination = address});
           }
           std::ranges::shuffle(messages, t.random);
           const Publisher out = t.publisher({.destination = ""});
           out.send(messages);
           out.send(messages);
           for (std::size_t i = 0; i < kAddresses; ++i) {
             const std::string address = t.address("n" + std::to_string(i));
             for (const Message& message : subs[i].next(2)) {
               t.expect(message.payload == address, "cap", "only what was published to " + address,
                        quoted(message.payload));
               finish(subs[i], message);
             }
           }
           if (const auto more = subs[0].try_next(t.testkit.quiet); more) {
             t.fail(more->payload == t.address("n0") ? "S1" : "cap", "nothing else comes", quoted(more->payload));
           }
         }},
    {.name = "delivery.groups-each-get-all",
     .rule = "cap",
     .says = "Each group of an address gets every message.",
     .needs = {RST_CAP_GROUP},
     .run =
         [](Test& t) {
           const Subscription first = t.subscribe({.group = "first"});
           const Subscription second = t.subscribe({.group = "second"});
           t.publisher().send(numbered(30));
           for (const Subscription& sub : {first, second}) {
             const std::vector<Message> came = sub.next(30, "cap");
             t.expect(payloads(came) == payloads(numbered(30)), "cap", "each group gets every message once", "others");
             for (const Message& message : came) finish(sub, message);
           }
         }},
    {.name = "delivery.without-a-group",
     .rule = "cap",
     .says = "A subscription without a group is one of its own: two of them each get every message.",
     .run =
         [](Test& t) {
           skip_without(t.plan({.group = ""}).ok(), "the kind wants a group");
           const Subscription first = t.subscribe({.group = ""});
           const Subscription second = t.subscribe({.group = ""});
           t.publisher().send(numbered(30));
           for (const Subscription& sub : {first, second}) {
             const std::vector<Message> came = sub.next(30, "cap");
             t.expect(payloads(came) == payloads(numbered(30)), "cap", "each gets every message once", "others");
             for (const Message& message : came) finish(sub, message);
           }
         }},
    {.name = "delivery.members-share",
     .rule = "cap",
     .says = "Members of a group share the work: each message goes to one of them, however many publish at once.",
     .needs = {RST_CAP_GROUP},
     .observes = RST_CAP_GROUP,
     .run =
         [](Test& t) {
           constexpr std::size_t kPublishers = 3, kEach = 60;
           std::vector<Subscription> members;
           for (int i = 0; i < 4; ++i) members.push_back(t.subscribe({.credit = 1000, .max_batch = 5}));
           Payloads expected;
           std::vector<std::function<void()>> publish;
           for (std::size_t i = 0; i < kPublishers; ++i) {
             const std::string prefix = std::to_string(i) + "-";
             expected.merge(payloads(numbered(kEach, prefix)));
             publish.emplace_back([prefix, out = t.publisher()] { out.send(numbered(kEach, prefix)); });
           }
           t.together(publish);
           Payloads seen;
           const auto taken = take_from(t, members, kPublishers * kEach, "P1");
           for (const auto& each : taken) seen.merge(payloads(each));
           t.expect(seen == expected, "cap", "each message goes to one member", "some came twice, others did not");
           for (const Subscription& each : members) each.nothing("cap", "each message goes to one member");
           for (std::size_t i = 0; i < members.size(); ++i) {
             for (const Message& message : taken[i]) finish(members[i], message);
           }
         }},
    {.name = "delivery.member-leaves",
     .rule = "S4",
     .says = "A member that leaves hands its work on: the others get what it had not settled.",
     .needs = {RST_CAP_GROUP, RST_CAP_RELEASE},
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 40;
           const Subscription leaves = t.subscribe({.credit = 1000, .max_batch = 4});
           const Subscription stays = t.subscribe({.credit = 1000, .max_batch = 4});
           t.publisher().send(numbered(kMessages));
           (void)t.wait([&] { return t.instance().host.waiting(leaves.id) != 0; }, t.testkit.quiet);
           (void)leaves.close().wait();
           std::set<std::string> seen;
           while (seen.size() < kMessages) {
             const Message message = stays.next("S4", "what a leaving member had not settled goes to the others");
             seen.insert(message.payload);
             stays.ack(message);
           }
         }},
    {.name = "delivery.start-earliest",
     .rule = "cap",
     .says = "A subscription that starts at the earliest position gets what was published before it.",
     .needs = {RST_CAP_SEEK},
     .run =
         [](Test& t) {
           subscribe_once(t);
           t.publisher().send(numbered(10));
           const Subscription sub = t.subscribe({.start = position(RST_POSITION_EARLIEST)});
           t.publisher().send("after");
           const std::vector<Message> came = sub.next(11, "cap");
           t.expect(payloads(came).contains("m0"), "cap", "the earliest message, too", "it did not come");
           for (const Message& message : came) finish(sub, message);
         }},
    {.name = "delivery.start-latest",
     .rule = "cap",
     .says = "A subscription that starts at the latest position gets what is published after it, and nothing before.",
     .needs = {RST_CAP_SEEK},
     .run =
         [](Test& t) {
           subscribe_once(t);
           t.publisher().send(numbered(10));
           const Subscription sub = t.subscribe({.start = position(RST_POSITION_LATEST)});
           t.publisher().send("after");
           const Message message = sub.next();
           t.expect(message.payload == "after", "cap", "only what came after", quoted(message.payload));
           finish(sub, message);
         }},
    {.name = "delivery.needs-no-other-verb",
     .rule = "P1",
     .says = "What a verb has made possible is delivered by itself: nobody has to call another one, or to step.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           t.use_real_time();
           const Subscription sub = t.subscribe({.credit = 1});
           const Publisher out = t.publisher();
           const auto comes = [&](const char* expected, const char* rule = "P1") {
             const Message message = sub.next(rule, expected);
             sub.credit(1);
             return message;
           };
           out.send(numbered(2));
           const Message first = sub.next("P1", "a published message is delivered");
           sub.credit(1);
           Message message = comes("a message is delivered with the credit for it");
           if (t.kind.can(RST_CAP_RELEASE)) {
             sub.release(message);
             message = comes("a released message is delivered again", "S2");
           }
           if (t.kind.can(RST_CAP_RETRY)) {
             sub.retry(message);
             message = comes("a retried message is delivered again", "S2");
           }
           if (t.kind.can(RST_CAP_RETRY_AFTER)) {
             sub.retry(message, 20ms);
             message = comes("a message retried with a delay is delivered when it is over", "S2");
           }
           sub.ack(message);
           sub.ack(first);
           if (t.kind.can(RST_CAP_SEEK)) {
             sub.seek(position(RST_POSITION_EARLIEST));
             sub.ack(comes("a message behind the position of a seek is delivered", "cap"));
             sub.ack(comes("a message behind the position of a seek is delivered", "cap"));
           }
           if (t.publish_kind.can(RST_CAP_TX_PUBLISH)) {
             const Publisher all = t.publisher({.flags = RST_PUBLISHER_TRANSACTIONAL});
             const Transaction tx = all.begin();
             (void)all.publish(Out{.payload = "tx"}, {.tx = tx.id});
             t.expect(tx.commit().ok(), "X1", "commit succeeds", "it failed");
             sub.ack(comes("what was published in a transaction is delivered after commit", "X1"));
             if (t.kind.can(RST_CAP_TX_SETTLE)) {
               out.send("undone");
               const Message undone = comes("a published message is delivered");
               const Transaction other = all.begin();
               (void)sub.settle(Verdict{undone.token, RST_VERDICT_ACK}, 0, other.id);
               t.expect(other.abort().ok(), "X3", "abort succeeds", "it failed");
               sub.ack(comes("what a transaction had settled is delivered again after abort", "X3"));
             }
           }
           if (t.kind.can(RST_CAP_RELEASE) && t.kind.can(RST_CAP_GROUP)) {
             const Subscription leaves = t.subscribe({.credit = 0});
             (void)leaves.close().wait();
             out.send("last");
             sub.ack(comes("a published message is delivered"));
           }
         }},
    {.name = "delivery.what-comes-back-keeps-its-order",
     .rule = "P2",
     .says = "What is given back comes again in its order, unless RELEASE loses it, whatever the messages carry.",
     .needs = {RST_CAP_PUBLISH_ORDER, RST_CAP_RELEASE, RST_CAP_RETRY_POSITION},
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 12;
           const bool front = t.kind.capability(RST_CAP_RETRY_POSITION).limit == RST_RETRY_FRONT;
           if (!front || (t.kind.capability(RST_CAP_RELEASE).flags & RST_CAP_LOSES_ORDER) != 0)
             Test::skip("what comes back comes anywhere");
           const Subscription sub = t.subscribe();
           std::vector<Out> all = numbered(kMessages, "");
           for (Out& each : all) {
             if (t.publish_kind.can(RST_CAP_KEY)) each.key = "k";
             if (t.publish_kind.can(RST_CAP_HEADERS)) each.headers = {{"h", "1"}};
           }
           t.publisher().send(all);
           std::vector<Message> taken = sub.next(kMessages);
           (void)sub.drain().wait();
           std::ranges::shuffle(taken, t.random);
           for (const Message& message : taken) sub.release(message);
           sub.credit(kMessages);
           for (std::size_t i = 0; i < kMessages; ++i) {
             const Message message = sub.next("S2", "what was released comes again");
             t.expect(message.payload == std::to_string(i), "P2", "in its order: " + std::to_string(i),
                      quoted(message.payload));
             sub.ack(message);
           }
         }},
    {.name = "delivery.nothing-from-before-a-seek",
     .rule = "cap",
     .says = "After a seek nothing comes that lies before its position, what was given back or waits for a retry too.",
     .needs = {RST_CAP_SEEK, RST_CAP_RELEASE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send(numbered(3));
           const std::vector<Message> taken = sub.next(3);
           (void)sub.drain().wait();
           sub.release(taken[0]);
           if (t.kind.can(RST_CAP_RETRY_AFTER)) sub.retry(taken[1], t.tick());
           sub.seek(position(RST_POSITION_LATEST));
           sub.credit(10);
           sub.nothing("cap", "nothing from before the position comes", 2 * t.tick());
         }},
    {.name = "delivery.order-per-key",
     .rule = "P2",
     .says = "A thousand messages of one key arrive in the order in which one publisher had them accepted.",
     .needs = {RST_CAP_PUBLISH_ORDER},
     .observes = RST_CAP_PUBLISH_ORDER,
     .run =
         [](Test& t) {
           constexpr std::size_t kEach = 1000, kArray = 50;
           const std::vector<std::string> keys = t.publish_kind.can(RST_CAP_KEY)
                                                     ? std::vector<std::string>{"left", "right"}
                                                     : std::vector<std::string>{""};
           const bool drops = t.kind.capability(RST_CAP_OVERFLOW).limit == RST_OVERFLOW_DROP;
           const Subscription sub = t.subscribe({.credit = 100'000, .window = 10'000});
           const Publisher out = t.publisher();
           std::map<std::string, std::size_t> next;
           const auto in_order = [&](std::size_t count) {
             for (std::size_t came = 0; came < count; ++came) {
               const Message message = sub.next();
               const std::string key = message.key.value_or("");
               const std::string expected = key + std::to_string(next[key]++);
               t.expect(message.payload == expected, "P2", "the next message of its key: " + expected,
                        quoted(message.payload));
               finish(sub, message);
             }
           };
           for (std::size_t at = 0; at < kEach; at += kArray) {
             std::vector<Out> messages;
             for (const std::string& key : keys) {
               for (std::size_t i = at; i < at + kArray; ++i) {
                 messages.push_back({.payload = key + std::to_string(i)});
                 if (!key.empty()) messages.back().key = key;
               }
             }
             out.send(messages);
             if (drops) in_order(messages.size());  // before more waits than it holds
           }
           if (!drops) in_order(kEach * keys.size());
         }},
    {.name = "delivery.few-duplicates",
     .rule = "S1",
     .says = "With no fault anywhere, acknowledged messages come once, but for few.",
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 200, kFew = kMessages / 20;
           const Subscription sub = t.subscribe({.credit = 10 * kMessages});
           t.publisher().send(numbered(kMessages));
           Payloads seen;
           std::set<std::string> different;
           while (different.size() < kMessages) {
             const Message message = sub.next();
             finish(sub, message);
             seen.insert(message.payload);
             different.insert(message.payload);
           }
           while (const auto message = sub.try_next(t.testkit.quiet)) seen.insert(message->payload);
           t.expect(seen.size() - kMessages <= kFew, "S1", "at most " + std::to_string(kFew) + " duplicates",
                    std::to_string(seen.size() - kMessages));
         }},
    {.name = "delivery.wildcard",
     .rule = "cap",
     .says = "A pattern gets what is published to every address that it covers, each with its address.",
     .needs = {RST_CAP_WILDCARD},
     .observes = RST_CAP_WILDCARD,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.addresses = {t.pattern()}});
           const Publisher out = t.publisher({.destination = ""});
           const std::vector<std::string> addresses{t.address("x"), t.address("y"), t.address("z")};
           for (const std::string& each : addresses) out.send({.payload = each, .destination = each});
           for (const Message& message : sub.next(addresses.size(), "cap")) {
             t.expect(message.address == message.payload, "cap",
                      "the address that it was published to: " + message.payload, quoted(message.address));
             finish(sub, message);
           }
         }},
    {.name = "delivery.key",
     .rule = "cap",
     .says = "A key arrives as it was given; no key is not an empty key.",
     .needs = {RST_CAP_KEY},
     .observes = RST_CAP_KEY,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           out.send(Out{.payload = "with", .key = "customer-7"});
           out.send("without");
           for (const Message& message : sub.next(2)) {
             const std::optional<std::string> expected =
                 message.payload == "with" ? std::optional<std::string>("customer-7") : std::nullopt;
             t.expect(message.key == expected, "cap", "the key " + expected.value_or("(none)"),
                      message.key.value_or("(none)"));
             finish(sub, message);
           }
         }},
    {.name = "delivery.partitions",
     .rule = "cap",
     .says = "Messages of one key lie in one partition, numbered from 1, of as many as are declared.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_KEY},
     .observes = RST_CAP_PARTITIONS,
     .run =
         [](Test& t) {
           constexpr std::size_t kKeys = 20;
           const std::uint64_t most = t.kind.capability(RST_CAP_PARTITIONS).limit;
           const Subscription sub = t.subscribe();
           std::vector<Out> messages;
           for (std::size_t i = 0; i < 3 * kKeys; ++i) {
             messages.push_back({.payload = "m", .key = "key" + std::to_string(i % kKeys)});
           }
           t.publisher().send(messages);
           std::map<std::string, std::uint32_t> of_key;
           std::set<std::uint32_t> all;
           for (const Message& message : sub.next(messages.size())) {
             const auto [found, first] = of_key.insert({message.key.value_or(""), message.partition});
             t.expect(found->second == message.partition, "cap", "one partition for one key",
                      std::to_string(found->second) + " and " + std::to_string(message.partition));
             all.insert(message.partition);
             finish(sub, message);
           }
           t.expect(most == 0 || all.size() <= most, "cap", "at most " + std::to_string(most) + " partitions",
                    std::to_string(all.size()));
           if (all == std::set<std::uint32_t>{0}) Test::skip("the testkit's options give no partitions");
         }},
    {.name = "delivery.batch-size",
     .rule = "cap",
     .says = "A batch is never larger than the subscription asked for, nor than the kind declares.",
     .needs = {RST_CAP_BATCH},
     .observes = RST_CAP_BATCH,
     .run =
         [](Test& t) {
           const std::uint64_t limit = t.kind.capability(RST_CAP_BATCH).limit;
           for (const std::uint32_t asked : {1U, 7U, 0U}) {
             if (limit != 0 && asked > limit) continue;
             const std::string name = "n" + std::to_string(asked);
             const Subscription sub = t.subscribe({.addresses = {t.address(name)}, .credit = 0, .max_batch = asked});
             t.publisher({.destination = t.address(name)}).send(numbered(100));
             sub.credit(100);
             for (const Message& message : sub.next(100)) {
               const std::uint32_t count = message.batch->raw().count;
               t.expect(limit == 0 || count <= limit, "cap",
                        "at most " + std::to_string(limit) + " messages in a batch", std::to_string(count));
               finish(sub, message);
             }
           }
         }},
    {.name = "delivery.match",
     .rule = "cap",
     .says = "rst.match says which messages reach a subscription, and they do.",
     .needs = {RST_CAP_MATCH},
     .observes = RST_CAP_MATCH,
     .run =
         [](Test& t) {
           std::vector<Subscribe> wanted{{.addresses = {t.address("x")}}, {.addresses = {t.address("y")}}};
           if (t.kind.can(RST_CAP_WILDCARD) && !t.testkit.pattern.empty())
             wanted.push_back({.addresses = {t.pattern()}});
           const Subscribe two{.addresses = {t.address("x"), t.address("z")}};
           if (t.plan(two).ok()) {
             auto [probe, pending] = t.instance().try_subscribe(two);
             const Outcome taken = pending.wait();
             if (taken.code != RST_E_PRECONDITION) wanted.push_back(two);  // some servers only take one address
             probe.handle = taken.value;
             if (taken.ok()) (void)probe.close().wait();
           }
           std::vector<Subscription> subs;
           for (Subscribe& each : wanted) {
             if (t.kind.can(RST_CAP_GROUP)) each.group = "g" + std::to_string(subs.size());
             subs.push_back(t.subscribe(each));
           }
           std::vector<Payloads> expected(subs.size());
           for (const char* name : {"x", "y", "z"}) {
             const OpenPublisher from{.destination = t.address(name)};
             const Out message{.payload = name};
             for (std::size_t i = 0; i < subs.size(); ++i) {
               const std::int32_t reaches = t.match(wanted[i], from);
               t.expect(reaches == 0 || reaches == 1, "cap", "rst.match says 0 or 1", code_name(-reaches));
               t.expect(t.match(wanted[i], from, &message) == reaches, "cap",
                        "the same for a message of that publisher", "another answer");
               if (reaches == 1) expected[i].insert(name);
             }
             t.publisher(from).send(message);
           }
           for (std::size_t i = 0; i < subs.size(); ++i) {
             const std::vector<Message> came = subs[i].next(expected[i].size(), "cap");
             t.expect(payloads(came) == expected[i], "cap", "what rst.match says reaches the subscription", "others");
             for (const Message& message : came) finish(subs[i], message);
             subs[i].nothing("cap", "what rst.match says does not reach the subscription does not");
           }
         }},
};

}  // namespace

std::span<const Case> delivery_cases() { return kCases; }

}  // namespace conformance
