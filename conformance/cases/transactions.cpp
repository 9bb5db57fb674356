// Transactions: rules X1 to X3, and what a transaction is not allowed to be used for.
#include "cases/case.hpp"
#include "cases/messages.hpp"

namespace conformance {
namespace {

Publisher transactional(Test& t, const std::string& destination) {
  return t.publisher({.destination = destination, .flags = RST_PUBLISHER_TRANSACTIONAL});
}

/// Publishes into the transaction; each message must be taken.
void send(const Publisher& out, const Transaction& tx, const std::vector<Out>& messages) {
  Test& t = out.instance->test;
  const Published published = out.publish(messages, {.tx = tx.id});
  t.expect(published.verb.ok() && published.accepted == messages.size(), "cap", "a publish into a transaction is taken",
           published.verb.said());
  for (const std::int32_t status : published.statuses) {
    t.expect(status >= 0, "cap", "a publish into a transaction is taken", code_name(rst_status_code(status)));
  }
}

std::int32_t settle(const Subscription& sub, const Message& message, const Transaction& tx,
                    std::uint16_t verdict = RST_VERDICT_ACK) {
  return sub.settle(Verdict{message.token, verdict}, 0, tx.id).code();
}

/// Acknowledges all in one call; each must be taken.
void ack_together(const Subscription& sub, const std::vector<Message>& messages, const Transaction& tx) {
  std::vector<Verdict> acks;
  for (const Message& each : messages) acks.push_back({each.token, RST_VERDICT_ACK});
  const Settled settled = sub.settle(acks, 0, tx.id);
  Test& t = sub.instance->test;
  t.expect(settled.verb.ok(), "S2", "acks in a transaction", settled.verb.said());
  for (const std::int32_t status : settled.statuses)
    t.expect_code(rst_status_code(status), RST_OK, "S2", "an ack in a transaction, one of several in a call");
}

void commit(Test& t, const Transaction& tx) {
  const Outcome outcome = tx.commit();
  t.expect(outcome.ok(), "X1", "commit succeeds", outcome.said());
}

void abort(Test& t, const Transaction& tx) {
  const Outcome outcome = tx.abort();
  t.expect(outcome.ok(), "X3", "abort succeeds", outcome.said());
}

/// What it must say that is over by the broker's doing: STALE, or that it has to be aborted.
void expect_over(Test& t, const Outcome& outcome, const char* rule, const std::string& what) {
  const bool must_abort = !outcome.ok() && (outcome.flags & RST_ERROR_ABORT_TX) != 0;
  t.expect(must_abort || outcome.code == RST_E_STALE || outcome.code == RST_E_ABORTED, rule,
           what + ": STALE, ABORTED, or an error with ABORT_TX", outcome.said());
}

/// A subscription of the case's address with one unsettled message each of these payloads, all of one ordering domain.
struct Input {
  Input(Test& t, std::size_t count) : sub(t.subscribe()) {
    std::vector<Out> out = numbered(count);
    if (t.publish_kind.can(RST_CAP_KEY)) {
      for (Out& each : out) each.key = "k";
    }
    t.publisher().send(out);
    messages = sub.next(count);
  }
  Subscription sub;
  std::vector<Message> messages;
};

/// There is no transaction where there can be none, so STALE is right too.
void expect_refused(Test& t, std::int32_t code, const std::string& what) {
  t.expect(code == RST_E_UNSUPPORTED || code == RST_E_STALE, "V2", what + ": UNSUPPORTED or STALE", code_name(code));
}

constexpr std::string_view kInvisible = "a publish of a transaction is not delivered before commit";

constexpr Case kCases[] = {
    {.name = "tx.publishes-at-commit",
     .rule = "X1",
     .says = "What is published in a transaction is delivered after commit, in order, and not before.",
     .needs = {RST_CAP_TX_PUBLISH},
     .observes = RST_CAP_TX_PUBLISH,
     .undeclared =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Published published = t.publisher().publish({.payload = "m"}, {.tx = 1});
           expect_refused(t, published.verb.code, "a publish with tx where TX_PUBLISH has level NONE");
           sub.nothing("V2", "a publish that was refused is not delivered");
         },
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = transactional(t, t.address());
           const Transaction tx = out.begin();
           send(out, tx, numbered(3));
           send(out, tx, numbered(2, "n"));
           sub.nothing("X1", kInvisible);
           commit(t, tx);
           std::string order;
           for (const Message& each : sub.next(5, "X1")) {
             order += each.payload + " ";
             finish(sub, each);
           }
           t.expect(order == "m0 m1 m2 n0 n1 ", "X1", "m0 m1 m2 n0 n1", order);
         }},
    {.name = "tx.abort-publishes-nothing",
     .rule = "X1",
     .says = "After abort nothing of the transaction is delivered; the publisher goes on.",
     .needs = {RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = transactional(t, t.address());
           const Transaction tx = out.begin();
           send(out, tx, numbered(3));
           abort(t, tx);
           sub.nothing("X1", "what was published in an aborted transaction is never delivered");
           const Transaction next = out.begin();
           send(out, next, {{.payload = "next"}});
           commit(t, next);
           const Message message = sub.next("X1", "the next transaction of the publisher commits");
           t.expect(message.payload == "next", "X1", "the message of the next transaction", quoted(message.payload));
           finish(sub, message);
         }},
    {.name = "tx.isolated",
     .rule = "X1",
     .says = "Transactions of two publishers, and publishes outside of them, do not touch each other.",
     .needs = {RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher one = transactional(t, t.address()), other = transactional(t, t.address());
           const Transaction kept = one.begin(), dropped = other.begin();
           t.expect(kept.id != dropped.id, "C3", "each transaction has an id of its own", "both have the same");
           send(one, kept, {{.payload = "kept"}});
           send(other, dropped, {{.payload = "dropped"}});
           t.publisher().send("plain");
           const Message first = sub.next("P1", "a publish outside of the open transactions is delivered at once");
           t.expect(first.payload == "plain", "X1", std::string(kInvisible), quoted(first.payload));
           finish(sub, first);
           abort(t, dropped);
           commit(t, kept);
           const Message second = sub.next("X1", "what was committed is delivered");
           t.expect(second.payload == "kept", "X1", "only what was committed", quoted(second.payload));
           finish(sub, second);
           sub.nothing("X1", "what was published in an aborted transaction is never delivered");
         }},
    {.name = "tx.settles-at-commit",
     .rule = "X1",
     .says = "An ack in a transaction is final at commit: the message does not come again, not even to a successor.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .observes = RST_CAP_TX_SETTLE,
     .undeclared =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send("m");
           const Message message = sub.next();
           if (message.token == 0) return;
           expect_refused(t, settle(sub, message, {sub.instance, 1}),
                          "a settlement with tx where TX_SETTLE has level NONE");
           t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_OK, "S2", "the token is still unsettled");
         },
     .run =
         [](Test& t) {
           const Input in(t, 3);
           const Publisher out = transactional(t, t.address("out"));
           const Transaction tx = out.begin(&in.sub);
           ack_together(in.sub, in.messages, tx);
           commit(t, tx);
           t.expect_code(in.sub.settle(in.messages[0], RST_VERDICT_ACK), RST_E_SETTLED, "S1",
                         "a token that was committed");
           (void)in.sub.close().wait();
           t.subscribe().nothing("X1", "what was acknowledged in a committed transaction does not come again");
         }},
    {.name = "tx.gives-back-at-commit",
     .rule = "X1",
     .says = "What is retried or released in a transaction comes again at commit, and not before.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           Input in(t, 1);
           const Publisher out = transactional(t, t.address("out"));
           for (const auto& [capability, verdict] :
                {std::pair{std::uint32_t{RST_CAP_RETRY}, std::uint16_t{RST_VERDICT_RETRY}},
                 std::pair{std::uint32_t{RST_CAP_RELEASE}, std::uint16_t{RST_VERDICT_RELEASE}}}) {
             if (!t.kind.can(capability)) continue;
             const Transaction tx = out.begin(&in.sub);
             const std::int32_t code = settle(in.sub, in.messages[0], tx, verdict);
             if (code == RST_E_UNSUPPORTED) {  // in a transaction: then it has not settled anything
               abort(t, tx);
               continue;
             }
             t.expect_code(code, RST_OK, "S2", std::string(verdict_name(verdict)) + " in a transaction");
             in.sub.nothing("X1", "what an open transaction has settled does not come again");
             commit(t, tx);
             in.messages[0] = in.sub.next("X1", "what a committed transaction gives back comes again");
           }
           in.sub.ack(in.messages[0]);
         }},
    {.name = "tx.abort-redelivers",
     .rule = "X3",
     .says = "After abort the enlisted tokens are stale, and their messages come again.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Input in(t, 2);
           const Publisher out = transactional(t, t.address("out"));
           const Transaction tx = out.begin();
           for (const Message& each : in.messages)
             t.expect_code(settle(in.sub, each, tx), RST_OK, "S2", "an ack in a transaction");
           in.sub.nothing("X3", "what an open transaction has settled does not come again");
           abort(t, tx);
           const std::vector<Message> again = in.sub.next(2, "X3");
           t.expect(payloads(again) == payloads(in.messages), "X3", "the messages of the aborted transaction",
                    "others");
           for (const Message& each : in.messages)
             t.expect_code(in.sub.settle(each, RST_VERDICT_ACK), RST_E_STALE, "X3", "an enlisted token after abort");
           for (const Message& each : again) in.sub.ack(each);
           in.sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "tx.token-is-taken",
     .rule = "S1",
     .says = "A token that an open transaction has settled is SETTLED for everybody else.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Input in(t, 1);
           const Transaction tx = transactional(t, t.address("out")).begin();
           t.expect_code(settle(in.sub, in.messages[0], tx), RST_OK, "S2", "an ack in a transaction");
           t.expect_code(settle(in.sub, in.messages[0], tx), RST_E_SETTLED, "S1", "the second ack in the transaction");
           t.expect_code(in.sub.settle(in.messages[0], RST_VERDICT_ACK), RST_E_SETTLED, "S1", "an ack outside of it");
           commit(t, tx);
         }},
    {.name = "tx.together-or-not-at-all",
     .rule = "X1",
     .says = "Take, transform and publish in one transaction: an aborted round leaves the input and no output, a "
             "committed one the output and no input.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Subscription results = t.subscribe({.addresses = {t.address("out")}, .group = "results"});
           const Publisher out = transactional(t, t.address("out"));
           Input in(t, 1);
           for (const bool commits : {false, true}) {
             const Transaction tx = out.begin(&in.sub);
             send(out, tx, {{.payload = commits ? "right" : "wrong"}});
             t.expect_code(settle(in.sub, in.messages[0], tx), RST_OK, "S2", "an ack in a transaction");
             results.nothing("X1", kInvisible);
             if (commits) {
               commit(t, tx);
             } else {
               abort(t, tx);
               in.messages[0] = in.sub.next("X3", "the message of an aborted transaction comes again");
             }
           }
           const Message result = results.next("X1", "what was published in a committed transaction is delivered");
           t.expect(result.payload == "right", "X1", "the output of the committed round alone", quoted(result.payload));
           finish(results, result);
           in.sub.nothing("X1", "what was acknowledged in a committed transaction does not come again");
           results.nothing("X1", "one output for one input");
         }},
    {.name = "tx.gap",
     .rule = "X2",
     .says =
         "Commit over an unsettled predecessor is PRECONDITION at a kind with positions, and leaves the transaction "
         "open; a queue commits.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const bool in_order = t.kind.can(RST_CAP_SEEK);  // a group's place is one position: no holes
           const Input in(t, 2);
           const Subscription results = t.subscribe({.addresses = {t.address("out")}, .group = "results"});
           const Publisher out = transactional(t, t.address("out"));
           const Transaction tx = out.begin();
           send(out, tx, {{.payload = "result"}});
           t.expect_code(settle(in.sub, in.messages[1], tx), RST_OK, "S2", "an ack in a transaction");
           if (in_order) {
             const Outcome refused = tx.commit();
             t.expect(refused.code == RST_E_PRECONDITION, "X2", "commit over a gap: PRECONDITION", refused.said());
             results.nothing("X2", "a commit that was refused makes nothing effective");
             t.expect_code(settle(in.sub, in.messages[0], tx), RST_OK, "X2", "the transaction is still open");
             commit(t, tx);
           } else {
             commit(t, tx);
             in.sub.ack(in.messages[0]);
           }
           finish(results, results.next("X1", "what was published in a committed transaction is delivered"));
           in.sub.nothing("X1", "what was acknowledged does not come again");
         }},
    {.name = "tx.one-at-a-time",
     .rule = "L2",
     .says = "A second transaction on one publisher is STATE while the first is open.",
     .needs = {RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Publisher out = transactional(t, t.address());
           const Transaction first = out.begin();
           t.expect_code(out.try_begin().second.wait().code, RST_E_STATE, "L2", "begin while one is open");
           commit(t, first);
           commit(t, out.begin());
         }},
    {.name = "tx.over-is-stale",
     .rule = "L2",
     .says =
         "A transaction that was committed or aborted, or never began, is STALE for every verb, which does nothing.",
     .needs = {RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = transactional(t, t.address());
           const Transaction committed = out.begin();
           commit(t, committed);
           const Transaction aborted = out.begin();
           abort(t, aborted);
           for (const Transaction& tx : {committed, aborted, Transaction{out.instance, ~0ULL / 3}}) {
             t.expect_code(tx.commit().code, RST_E_STALE, "L2", "commit of a transaction that is over");
             t.expect_code(tx.abort().code, RST_E_STALE, "L2", "abort of a transaction that is over");
             t.expect_code(out.publish({.payload = "late"}, {.tx = tx.id}).code(), RST_E_STALE, "L2",
                           "a publish into a transaction that is over");
           }
           sub.nothing("X1", "what was published into a transaction that is over is never delivered");
         }},
    {.name = "tx.timeout-aborts",
     .rule = "X3",
     .says =
         "A transaction that is open past its timeout is aborted: its messages come again, nothing was published, and "
         "after abort the publisher goes on.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Subscription results = t.subscribe({.addresses = {t.address("out")}, .group = "results"});
           const Publisher out = transactional(t, t.address("out"));
           const Input in(t, 1);
           const Transaction tx = out.begin(nullptr, t.tick());
           send(out, tx, {{.payload = "late"}});
           t.expect_code(settle(in.sub, in.messages[0], tx), RST_OK, "S2", "an ack in a transaction");
           const auto again = in.sub.try_next(t.tick() + t.testkit.arrival);
           t.expect(again.has_value(), "X3", "the message of a transaction past its timeout comes again",
                    "nothing came");
           expect_over(t, tx.commit(), "X3", "commit past the timeout");
           (void)tx.abort();
           results.nothing("X1", "what was published in an aborted transaction is never delivered");
           in.sub.ack(*again);
           commit(t, out.begin());
         }},
    {.name = "tx.publisher-close-aborts",
     .rule = "X3",
     .says = "The close of a publisher aborts its open transaction.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH},
     .run =
         [](Test& t) {
           const Subscription results = t.subscribe({.addresses = {t.address("out")}, .group = "results"});
           const Publisher out = transactional(t, t.address("out"));
           const Input in(t, 1);
           const Transaction tx = out.begin();
           send(out, tx, {{.payload = "lost"}});
           t.expect_code(settle(in.sub, in.messages[0], tx), RST_OK, "S2", "an ack in a transaction");
           (void)out.close().wait();
           in.sub.ack(in.sub.next("X3", "the message of a transaction comes again when its publisher is closed"));
           results.nothing("X1", "what was published in an aborted transaction is never delivered");
           t.expect(!tx.commit().ok(), "X3", "commit fails after the publisher's close", "OK");
         }},
    {.name = "tx.subscription-close-aborts",
     .rule = "X3",
     .says = "The close of a subscription takes its enlisted messages back; the transaction cannot commit any more.",
     .needs = {RST_CAP_TX_SETTLE, RST_CAP_TX_PUBLISH, RST_CAP_GROUP},
     .run =
         [](Test& t) {
           const Subscription results = t.subscribe({.addresses = {t.address("out")}, .group = "results"});
           const Publisher out = transactional(t, t.address("out"));
           const Input in(t, 1);
           const Transaction tx = out.begin();
           send(out, tx, {{.payload = "lost"}});
           t.expect_code(settle(in.sub, in.messages[0], tx), RST_OK, "S2", "an ack in a transaction");
           (void)in.sub.close().wait();
           const Subscription successor = t.subscribe();
           successor.ack(successor.next("X1", "a settlement in an open transaction has not happened"));
           expect_over(t, tx.commit(), "X3", "commit after the close of what it settles");
           (void)tx.abort();
           results.nothing("X1", "what was published in an aborted transaction is never delivered");
         }},
};

}  // namespace

std::span<const Case> transaction_cases() { return kCases; }

}  // namespace conformance
