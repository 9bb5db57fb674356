// Who owns which memory, and until when: rules M1 to M6.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <array>
#include <future>
#include <thread>

namespace conformance {
namespace {

/// Messages of many sizes, with everything that a message can carry by the kind's declarations.
std::vector<Out> of_many_sizes(const Test& t) {
  std::vector<Out> all;
  for (const std::size_t size : {1U, 63U, 64U, 65U, 1000U, 4095U, 4096U, 4097U, 60'000U}) {
    Out& out = all.emplace_back();
    for (std::size_t i = 0; i < size; ++i) out.payload += static_cast<char>('a' + i % 26);
    if (t.publish_kind.can(RST_CAP_HEADERS)) out.headers = {{"first", "1"}, {"second", std::string(200, 'h')}};
    if (t.publish_kind.can(RST_CAP_KEY)) out.key = "key-" + std::to_string(size);
  }
  return all;
}

std::int32_t ack_unconfirmed(const Subscription& sub, std::uint64_t token) {
  return sub.settle(Verdict{token, RST_VERDICT_ACK}).code();
}

/// A host that refuses the batches of one subscription while this holds.
struct Refusing {
  std::atomic<std::int32_t> code{RST_DONE};  // what deliver returns
  std::atomic<int> batches{0};               // that were refused
};
std::shared_ptr<Refusing> refuse(Test& t, std::int32_t code) {
  auto state = std::make_shared<Refusing>();
  state->code = code;
  t.instance().host.on_deliver = [state](rst_batch&, std::vector<Message>&) {
    const std::int32_t answer = state->code;
    if (answer != RST_DONE) ++state->batches;
    return answer;
  };
  return state;
}

constexpr Case kCases[] = {
    {.name = "memory.release-in-any-order",
     .rule = "M1",
     .says = "Batches are released in any order, on any threads, while others still come.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 1000, .max_batch = 2});
           for (int round = 0; round < 3; ++round) {
             std::vector<Message> held = exchange(t, sub, 60);
             for (const Message& message : held) finish(sub, message);
             std::ranges::shuffle(held, t.random);
             const auto lets_go = [&held](std::size_t from) {
               return [&held, from] {
                 for (std::size_t i = from; i < held.size(); i += 3) held[i].batch.reset();
               };
             };
             t.together({lets_go(0), lets_go(1), lets_go(2), [&] { t.publisher().send(numbered(20)); }});
             for (const Message& message : sub.next(20)) finish(sub, message);
           }
         }},
    {.name = "memory.release-within-deliver",
     .rule = "M6",
     .says = "A host may release a batch before deliver returns; its tokens are settled later.",
     .run =
         [](Test& t) {
           t.instance().host.on_deliver = [](rst_batch&, std::vector<Message>& messages) {
             for (Message& message : messages) message.batch.reset();
             return RST_DONE;
           };
           const Subscription sub = t.subscribe();
           for (const Message& message : exchange(t, sub, 50)) {
             if (message.token == 0) continue;
             t.expect_code(ack_unconfirmed(sub, message.token), RST_OK, "M2",
                           "the ack of a message whose batch was released");
           }
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "memory.settled-within-deliver",
     .rule = "M6",
     .says = "Another thread may settle and release a batch before deliver returns: the plugin reads nothing of it and "
             "waits for nobody.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           t.use_real_time();  // simulated time does not wait for the threads that settle here
           const Subscription sub = t.subscribe({.credit = 0, .max_batch = 4});
           t.publisher().send(numbered(40));
           t.instance().host.on_deliver = [&t, sub](rst_batch&, std::vector<Message>& messages) {
             auto mine = std::make_shared<std::vector<Message>>(std::move(messages));
             messages.clear();
             auto done = std::make_shared<std::promise<void>>();
             std::thread([&t, sub, mine, done] {
               try {
                 for (Message& message : *mine) {
                   const std::int32_t code = ack_unconfirmed(sub, message.token);
                   if (code != RST_OK)
                     t.ledger.note("M6", "a token is settled before deliver returns", code_name(code));
                   message.batch.reset();
                 }
                 done->set_value();
               } catch (const CaseEnded&) {
                 done->set_value();  // the ledger says why
               }
             }).detach();
             if (done->get_future().wait_for(t.testkit.arrival) != std::future_status::ready) {
               t.ledger.note("B1", "settle and release do not wait until deliver returns", "they did");
             }
             return RST_DONE;
           };
           sub.credit(40);
           (void)t.wait([&] { return t.instance().host.delivered(sub.id) == 40; }, t.testkit.arrival);
           const std::uint64_t delivered = t.instance().host.delivered(sub.id);
           t.expect(delivered == 40, "P1", "40 messages are delivered", std::to_string(delivered) + " were");
           sub.credit(40);
           t.pass(t.testkit.quiet);
           t.expect(t.instance().host.delivered(sub.id) == 40, "S1", "an acknowledged message does not come again",
                    "one came");
         }},
    {.name = "memory.release-after-close",
     .rule = "L6",
     .says = "Batches stay readable and may be released after their subscription and connection are closed.",
     .run =
         [](Test& t) {
           const Connection connection = t.instance().connect();
           const Subscription sub = t.subscribe({.connection = connection});
           t.publisher({.connection = connection}).send(of_many_sizes(t));
           std::vector<Message> held = sub.next(of_many_sizes(t).size());
           (void)sub.close().wait();
           held.pop_back();  // between the two
           (void)connection.close().wait();
           const Subscription other = t.subscribe({.addresses = {t.address("other")}});
           t.publisher({.destination = t.address("other")}).send(of_many_sizes(t));
           (void)other.next(of_many_sizes(t).size());
           held.clear();  // the host looks whether they are as they were
           t.check();
         }},
    {.name = "memory.readable-after-settlement",
     .rule = "M2",
     .says = "Payload, headers, key and meta stay as they are after settlement, until release.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 1000});
           const Publisher out = t.publisher();
           out.send(of_many_sizes(t));
           std::vector<Message> held = sub.next(of_many_sizes(t).size());
           for (const Message& message : held) sub.ack(message);
           for (int round = 0; round < 5; ++round) {  // what would lie in their memory now
             out.send(of_many_sizes(t));
             for (const Message& message : sub.next(of_many_sizes(t).size())) sub.ack(message);
           }
           held.clear();  // the host looks whether they are as they were
           t.check();
         }},
    {.name = "memory.release-settles-nothing",
     .rule = "M2",
     .says = "Release frees memory and settles nothing: the message is still this subscription's to settle.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           std::vector<Message> taken = exchange(t, sub, 5);
           std::vector<std::uint64_t> tokens;
           for (Message& message : taken) {
             tokens.push_back(message.token);
             message.batch.reset();
           }
           sub.nothing("M2", "a message that was released, and not settled, does not come again");
           for (const std::uint64_t token : tokens) {
             t.expect_code(ack_unconfirmed(sub, token), RST_OK, "M2", "the ack of a message whose batch was released");
           }
         }},
    {.name = "memory.released-is-still-unsettled",
     .rule = "M2",
     .says = "What was released and not settled when its subscription closes goes back to the group.",
     .needs = {RST_CAP_RELEASE, RST_CAP_GROUP},
     .run =
         [](Test& t) {
           const Subscription leaves = t.subscribe({.credit = 4, .max_batch = 1});
           std::vector<Message> taken = exchange(t, leaves, 4);
           const std::string held = taken.back().payload;
           for (std::size_t i = 0; i < 3; ++i) taken[i].batch.reset();
           const Subscription stays = t.subscribe();
           (void)leaves.close().wait();
           std::set<std::string> came;
           while (came.size() < 4) {
             const auto message = stays.try_next(t.testkit.arrival);
             if (!message) break;
             came.insert(message->payload);
             stays.ack(*message);
           }
           t.expect(came.contains(held), "S4", "what was unsettled at close comes again", "it did not");
           t.expect(came.size() == 4, "M2", "the three that were released come again beside it",
                    std::to_string(came.size() - 1) + " did");
         }},
    {.name = "memory.refused-over-credit",
     .rule = "M1",
     .says = "A batch that the host refuses as over credit goes back unprocessed: it costs nothing and comes with new "
             "credit.",
     .run =
         [](Test& t) {
           constexpr std::uint32_t kMessages = 6;
           const auto host = refuse(t, -RST_E_EXHAUSTED);
           const Subscription sub = t.subscribe({.credit = kMessages - 1});
           t.publisher().send(numbered(kMessages));
           (void)t.wait([&] { return host->batches != 0; }, t.testkit.arrival);
           t.expect(host->batches != 0, "P1", "the published message is delivered", "nothing came");
           host->code = RST_DONE;
           sub.credit(1);
           const std::vector<Message> came = sub.next(kMessages, "M1");
           t.expect(payloads(came) == payloads(numbered(kMessages)), "M1", "the refused messages come again, once each",
                    "others");
           const bool counted = (t.kind.capability(RST_CAP_RELEASE).flags & RST_CAP_COUNTED) != 0;
           for (const Message& message : came) {
             t.expect(counted || message.attempt <= 1, "M1", "what was refused does not count as an attempt",
                      "attempt " + std::to_string(message.attempt));
             finish(sub, message);
           }
         }},
    {.name = "memory.refused-as-stale",
     .rule = "M1",
     .says = "Batches that the host refuses, because it knows the subscription no more, go to others of the group.",
     .needs = {RST_CAP_RELEASE, RST_CAP_GROUP},
     .run =
         [](Test& t) {
           constexpr std::uint32_t kMessages = 6;
           const auto host = refuse(t, -RST_E_STALE);
           const Subscription leaves = t.subscribe({.credit = kMessages});
           t.publisher().send(numbered(kMessages));
           (void)t.wait([&] { return host->batches != 0; }, t.testkit.arrival);
           const Subscription stays = t.subscribe({.credit = 0});
           (void)leaves.close().wait();
           host->code = RST_DONE;
           stays.credit(2 * kMessages);
           const std::vector<Message> came = stays.next(kMessages, "M1");
           t.expect(payloads(came) == payloads(numbered(kMessages)), "M1", "the refused messages come, once each",
                    "others");
           for (const Message& message : came) stays.ack(message);
         }},
    {.name = "memory.padded",
     .rule = "M5",
     .says = "Where a message is PADDED, 64 bytes behind its payload are readable.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send(of_many_sizes(t));  // the host reads what the flag promises
           for (const Message& message : sub.next(of_many_sizes(t).size())) finish(sub, message);
         }},
    {.name = "memory.publish-is-borrowed",
     .rule = "M4",
     .says = "What is published, statuses and receipts are used until the completion and not after it.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 1000});
           const Publisher out = t.publisher();
           const std::vector<Out> messages = of_many_sizes(t);
           std::vector<Out> expected;
           const auto published = [&](std::span<const Out> some, const PublishOptions& options) {
             const Published result = out.publish(some, options);
             t.expect(result.verb.ok() && result.accepted == some.size(), "P1", "publish succeeds", result.verb.said());
             expected.insert(expected.end(), some.begin(), some.end());
           };
           const bool receipts = t.publish_kind.can(RST_CAP_RECEIPT);
           published(messages, {.confirm = true, .wants_receipts = receipts});  // many at once
           published(messages, {.confirm = false});
           published(messages, {.confirm = false, .completes = false});  // borrowed until the verb returns
           for (const Out& one : messages) published(std::span(&one, 1), {.confirm = false});
           const std::vector<Message> came = sub.next(expected.size());  // all that was lent is gone by now
           const Payloads sent = payloads(expected);
           for (const Message& message : came) {
             const bool whole = std::ranges::any_of(
                 messages, [&](const Out& each) { return each.payload.size() == message.payload.size(); });
             t.expect(whole, "P3", "the payload in its length", std::to_string(message.payload.size()) + " bytes");
             t.expect(sent.contains(message.payload), "M4", "the payload as it was lent", quoted(message.payload));
             const std::string key = "key-" + std::to_string(message.payload.size());
             t.expect(!message.key || *message.key == key, "M4", "the key as it was lent",
                      quoted(message.key.value_or("")));
             finish(sub, message);
           }
         }},
    {.name = "memory.nothing-lent-is-freed",
     .rule = "M3",
     .says =
         "The plugin frees nothing of what the host lends it: messages, verdicts with their reasons, names, options.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           out.send(of_many_sizes(t));
           for (const Message& message : sub.next(of_many_sizes(t).size())) {
             if (message.token == 0) continue;
             const bool rejects = t.kind.can(RST_CAP_REJECT);
             const std::uint16_t verdict = rejects ? RST_VERDICT_REJECT : RST_VERDICT_ACK;
             const Verdict one{.token = message.token, .verdict = verdict, .reason = "cannot be read"};
             (void)sub.settle(one);
           }
           (void)t.plan({});
           (void)sub.close().wait();
           (void)out.close().wait();
         }},
    {.name = "memory.settlements-are-borrowed",
     .rule = "M4",
     .says = "An array of settlements with its details is used until the completion and not after it.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 1000});
           for (const std::uint32_t flags : {0U, RST_SETTLE_CONFIRM}) {
             if (flags != 0 && !t.kind.can(RST_CAP_SETTLE_CONFIRM)) continue;
             const std::vector<Message> taken = exchange(t, sub, 100);
             std::vector<Verdict> verdicts;
             for (const Message& message : taken) {
               verdicts.push_back({.token = message.token, .verdict = RST_VERDICT_ACK, .reason = "done with it"});
             }
             const Settled settled = sub.settle(verdicts, flags);
             t.expect(settled.verb.ok(), "S2", "an array of acks is taken", settled.verb.said());
             for (const std::int32_t status : settled.statuses) {
               t.expect_code(rst_status_code(status), RST_OK, "M4", "the status, when the borrow ends");
             }
           }
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
};

}  // namespace

std::span<const Case> memory_cases() { return kCases; }

}  // namespace conformance
