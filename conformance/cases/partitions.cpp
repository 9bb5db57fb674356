// Partitions that move between the members of a group: rules G1 and G2. A second member makes them move, on a
// connection with the testkit's `rebalance_options` where a plugin needs any.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace conformance {
namespace {

constexpr std::size_t kKeys = 32;

using Partitions = std::set<std::uint32_t>;

Partitions numbers(const Event& event) {
  Partitions all;
  for (const rst_partition& each : event.partitions) all.insert(each.partition);
  return all;
}

/// The event of this kind about the subscription; without it the case fails by G1.
Event await(const Subscription& sub, std::uint32_t kind, const char* name, std::chrono::nanoseconds at_most) {
  const std::optional<Event> event = sub.instance->await_event(kind, sub.id, at_most);
  sub.instance->test.expect(event.has_value(), "G1", std::string(name) + " is told", "it is not");
  return *event;
}

/// A member that has all partitions, one unsettled message for each of many keys, and a second member that wants its
/// share of them. The revoke that follows is not answered.
struct Rebalance {
  explicit Rebalance(Test& test) : t(test) {
    const OptionTexts& options = t.testkit.kind(t.kind.name).rebalance_options;
    t.answers = false;
    on = t.instance().connect({.options = options});
    first = t.subscribe({.connection = on});
    if (options.empty() && !t.wait([&] { return assigned(); }, t.testkit.arrival)) {
      Test::skip("members of a group have no partitions of their own, and the testkit names no rebalance_options");
    }
    all = numbers(await(first, RST_EVENT_SUB_ASSIGNED, "SUB_ASSIGNED", t.testkit.arrival));
    out = t.publisher({.connection = on});
    publish("m");
    messages = first.next(kKeys);
  }

  [[nodiscard]] bool assigned() const {
    return std::ranges::any_of(t.instance().host.events(),
                               [](const Event& event) { return event.kind == RST_EVENT_SUB_ASSIGNED; });
  }

  void publish(std::string_view prefix) const {
    std::vector<Out> keyed = numbered(kKeys, prefix);
    for (std::size_t i = 0; i < kKeys; ++i) keyed[i].key = "key" + std::to_string(i);
    out.send(keyed);
  }

  void revoke() {
    second = t.subscribe({.connection = on});
    revoking = await(first, RST_EVENT_SUB_REVOKING, "SUB_REVOKING", t.testkit.arrival);
    revoked = numbers(revoking);
    t.expect(revoking.answer != 0 && revoking.deadline_ns != 0, "G1",
             "SUB_REVOKING waits for an answer, until a deadline", "it does not");
    t.expect(!revoked.empty() && std::ranges::includes(all, revoked), "G1",
             "partitions that the member has are revoked", std::to_string(revoked.size()) + " of others");
  }

  void answer() const {
    const std::int32_t code = t.instance().answer(revoking.answer);
    t.expect_code(code, RST_OK, "G1", "the answer to SUB_REVOKING");
  }
  [[nodiscard]] bool is_revoked(const Message& message) const { return revoked.contains(message.partition); }
  [[nodiscard]] std::chrono::nanoseconds deadline() const { return std::chrono::nanoseconds(revoking.deadline_ns); }

  /// What the second member gets once the partitions are its own; all of it is of them.
  [[nodiscard]] std::vector<Message> moved(std::size_t count) const {
    const Partitions gained = numbers(await(second, RST_EVENT_SUB_ASSIGNED, "SUB_ASSIGNED", t.testkit.arrival));
    t.expect(gained == revoked, "G1", "the other member is assigned what was revoked", "other partitions");
    std::vector<Message> got = second.next(count, "G1");
    for (const Message& each : got)
      t.expect(is_revoked(each), "G1", "a member is given messages of its own partitions", quoted(each.payload));
    return got;
  }
  [[nodiscard]] std::size_t of_revoked() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(messages, [this](const Message& m) { return is_revoked(m); }));
  }

  Test& t;
  Connection on;
  Subscription first, second;
  Publisher out;
  Partitions all, revoked;
  std::vector<Message> messages;
  Event revoking{};
};

constexpr Case kCases[] = {
    {.name = "partitions.assigned",
     .rule = "G1",
     .says =
         "A member is told its partitions, and each keyed message says which of them it is of, the same for one key.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE},
     .observes = RST_CAP_PARTITIONS,
     .run =
         [](Test& t) {
           const Rebalance r(t);
           for (const Message& each : r.messages)
             t.expect(r.all.contains(each.partition), "G1", "the partition of a message is one that was assigned",
                      std::to_string(each.partition));
           r.publish("m");
           for (const Message& each : r.first.next(kKeys)) {
             const auto same = std::ranges::find(r.messages, each.payload, &Message::payload);
             t.expect(same != r.messages.end() && same->partition == each.partition, "G1",
                      "the same key has the same partition", quoted(each.payload));
           }
         }},
    {.name = "partitions.revoke-waits-for-the-answer",
     .rule = "G1",
     .says = "Until SUB_REVOKING is answered, tokens of the revoked partitions settle and nothing new of those is "
             "delivered; then they are stale, and the other member gets what is left.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Rebalance r(t);
           r.revoke();
           const auto mine = std::ranges::find_if(r.messages, [&](const Message& m) { return r.is_revoked(m); });
           if (mine == r.messages.end()) Test::skip("no key fell into a revoked partition");
           t.expect_code(r.first.settle(*mine, RST_VERDICT_ACK), RST_OK, "G1",
                         "a token of a partition that is being revoked");
           r.publish("n");
           std::size_t kept = 0;
           while (const auto message = r.first.try_next(r.deadline() / 4)) {
             t.expect(!r.is_revoked(*message), "G1", "nothing new of a partition that is being revoked",
                      quoted(message->payload));
             ++kept;
           }
           r.second.nothing("G1", "a partition has one member at a time: the other waits for the answer");
           r.answer();
           const std::size_t left = r.of_revoked() - 1;
           (void)r.moved(left + kKeys - kept);
           t.expect(!t.instance().host.take_event(RST_EVENT_SUB_LOST, r.first.id), "G1",
                    "partitions of an answered revoke are not lost", "SUB_LOST came");
           for (const Message& each : r.messages) {
             if (!r.is_revoked(each) || each.token == mine->token) continue;
             t.expect_code(r.first.settle(each, RST_VERDICT_ACK), RST_E_STALE, "G1",
                           "a token of a partition that was revoked");
           }
         }},
    {.name = "partitions.revoke-times-out",
     .rule = "G1",
     .says = "A revoke that nobody answers ends at its deadline and no earlier; its tokens are stale from then on.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Rebalance r(t);
           const auto before = t.now();
           r.revoke();
           if (!t.simulated() && r.deadline() > 10s) Test::skip("the deadline is longer than a test can wait");
           const Event lost = await(r.first, RST_EVENT_SUB_LOST, "SUB_LOST", r.deadline() + t.testkit.arrival);
           t.expect(t.now() - before + 1ms >= r.deadline(), "G1", "not before the deadline", "earlier");
           t.expect(numbers(lost) == r.revoked, "G1", "SUB_LOST names what was revoked", "other partitions");
           (void)r.moved(r.of_revoked());
           for (const Message& each : r.messages) {
             if (r.is_revoked(each))
               t.expect_code(r.first.settle(each, RST_VERDICT_ACK), RST_E_STALE, "G1",
                             "a token of a partition that was lost");
           }
           t.expect_code(t.instance().answer(r.revoking.answer), RST_E_STALE, "G1", "an answer past the deadline");
         }},
    {.name = "partitions.others-are-untouched",
     .rule = "G1",
     .says = "Tokens of partitions that stay settle as ever, before and after the revoke of others.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Rebalance r(t);
           r.revoke();
           bool answered = false;
           for (const Message& each : r.messages) {
             if (r.is_revoked(each)) continue;
             t.expect_code(r.first.settle(each, RST_VERDICT_ACK), RST_OK, "G1", "a token of a partition that stays");
             if (!std::exchange(answered, true)) r.answer();
           }
           (void)r.moved(r.of_revoked());
           r.publish("n");
           const Message next = r.first.next("G1", "partitions that stay go on");
           t.expect(!r.is_revoked(next), "G1", "a member is given messages of its own partitions",
                    quoted(next.payload));
         }},
    {.name = "partitions.generation",
     .rule = "G2",
     .says =
         "A revoke names the generation from which it holds: above that of what was delivered before, at most that of "
         "what comes after.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Rebalance r(t);
           r.revoke();
           const auto delivered = std::ranges::max(r.messages, {}, &Message::generation).generation;
           for (const rst_partition& each : r.revoking.partitions)
             t.expect(each.generation > delivered, "G2", "a generation above " + std::to_string(delivered),
                      std::to_string(each.generation));
           r.answer();
           r.publish("n");
           const Message next = r.first.next("G1", "partitions that stay go on");
           for (const rst_partition& each : r.revoking.partitions)
             t.expect(next.generation >= each.generation, "G2",
                      "what is delivered after the answer carries at least " + std::to_string(each.generation),
                      std::to_string(next.generation));
         }},
    {.name = "partitions.close-waits-for-no-answer",
     .rule = "G1",
     .says = "The close of a member completes while its revoke is unanswered; the other member gets everything.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Rebalance r(t);
           r.revoke();
           const Pending closing = r.first.close();
           t.expect(t.wait([&] { return closing.done(); }, r.deadline() / 2), "G1",
                    "close does not wait for the answer", "it did");
           r.publish("n");
           std::vector<Message> moved;
           for (std::size_t later = 0; later < kKeys;) {
             moved.push_back(r.second.next("G1", "all partitions come to the member that stays"));
             if (moved.back().payload.starts_with("n")) ++later;
           }
           while (moved.size() < 2 * kKeys)
             moved.push_back(r.second.next("S4", "what the closed member had not settled comes again"));
           t.expect(t.instance().answer(r.revoking.answer) != RST_OK, "G1",
                    "no answer is waited for once its member is closed", "it was taken");
           t.pass(std::min<std::chrono::nanoseconds>(r.deadline(), t.simulated() ? r.deadline() : 10s));
           for (const Message& each : moved)
             t.expect_code(r.second.settle(each, RST_VERDICT_ACK), RST_OK, "G1", "a token of the member that stays");
         }},
    {.name = "partitions.newcomer-leaves",
     .rule = "G1",
     .says = "A revoke waits for its answer though the member that it was for has left; then the partitions come back.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           Rebalance r(t);
           r.revoke();
           (void)r.second.close().wait();
           r.answer();
           r.publish("n");
           const std::size_t back = r.of_revoked();
           Payloads seen;
           for (const Message& each : r.first.next(kKeys + back, "G1")) seen.insert(each.payload);
           for (const Message& each : r.messages)
             t.expect(seen.contains(each.payload) == r.is_revoked(each), "G1",
                      "what was unsettled in the revoked partitions comes again, and nothing else",
                      quoted(each.payload));
         }},
    {.name = "partitions.transactions-end-with-them",
     .rule = "X1",
     .says =
         "A transaction that settles a message of a partition that is gone does not commit, or its ack counts and the "
         "message does not come to the other member; a transaction of other partitions commits.",
     .needs = {RST_CAP_PARTITIONS, RST_CAP_SETTLE, RST_CAP_TX_SETTLE},
     .run =
         [](Test& t) {
           Rebalance r(t);
           r.revoke();
           const auto gone = std::ranges::find_if(r.messages, [&](const Message& m) { return r.is_revoked(m); });
           const auto kept = std::ranges::find_if(r.messages, [&](const Message& m) { return !r.is_revoked(m); });
           if (gone == r.messages.end() || kept == r.messages.end()) Test::skip("all keys have one fate");
           const auto settles = [&](const Message& message) {
             const Transaction tx =
                 t.publisher({.connection = r.on, .flags = RST_PUBLISHER_TRANSACTIONAL}).begin(&r.first);
             const Settled settled = r.first.settle(Verdict{message.token, RST_VERDICT_ACK}, 0, tx.id);
             t.expect(settled.code() == RST_OK, "G1", "until the answer all tokens settle, in a transaction too",
                      settled.verb.said());
             return tx;
           };
           const Transaction ends = settles(*gone), goes_on = settles(*kept);
           r.answer();
           const bool effective = ends.commit().ok();
           const Outcome committed = goes_on.commit();
           t.expect(committed.ok(), "G1", "a transaction of other partitions commits", committed.said());
           if (!effective) (void)ends.abort();
           const std::vector<Message> moved = r.moved(r.of_revoked() - (effective ? 1 : 0));
           t.expect(payloads(moved).contains(gone->payload) != effective, "X1",
                    "the message comes to the other member, or its ack counts", effective ? "both" : "neither");
         }},
};

}  // namespace

std::span<const Case> partition_cases() { return kCases; }

}  // namespace conformance
