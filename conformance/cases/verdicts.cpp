// What each verdict does: rules S2 and S5.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <map>

namespace conformance {
namespace {

/// For a kind that does not declare the verdict: it says so, and the token stays unsettled.
template <std::uint16_t Which>
void refused(Test& t) {
  const Subscription sub = t.subscribe();
  t.publisher().send("m");
  const Message message = sub.next();
  if (message.token == 0) return;  // nothing to settle at all
  t.expect_code(sub.settle(message, Which), RST_E_UNSUPPORTED, "S2", "a verdict of level NONE");
  t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_OK, "S2", "the token is still unsettled");
  sub.nothing("S1", "an acknowledged message does not come again");
}

std::string in_ms(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

/// `wanted`, or what the kind declares as the longest delay of RETRY.
std::chrono::nanoseconds at_most_the_limit(const Test& t, std::chrono::nanoseconds wanted) {
  const std::uint64_t limit = t.kind.capability(RST_CAP_RETRY_AFTER).limit;
  return limit == 0 ? wanted : std::min(wanted, std::chrono::nanoseconds(limit));
}

/// The ack deadline in the plan of such a subscription.
std::chrono::nanoseconds deadline_of(Test& t, const Subscribe& wanted) {
  constexpr auto kLongest = 10s;  // that is worth waiting for where time is real
  const auto deadline = std::chrono::nanoseconds(t.plan(wanted).raw.ack_deadline_ns);
  if (deadline == 0ns) Test::skip("the plan has no ack deadline");
  if (!t.simulated() && deadline > kLongest) Test::skip("the ack deadline is longer than a test can wait");
  return deadline;
}

/// A subscription whose plan has an ack deadline, and that.
std::pair<Subscription, std::chrono::nanoseconds> with_deadline(Test& t) {
  const Subscribe wanted{.options = t.testkit.kind(t.kind.name).ack_deadline_options};
  const auto deadline = deadline_of(t, wanted);
  return {t.subscribe(wanted), deadline};
}

constexpr Case kCases[] = {
    {.name = "settle.retry-redelivers",
     .rule = "S2",
     .says = "RETRY brings the message again, unchanged, with a new token.",
     .needs = {RST_CAP_RETRY},
     .observes = RST_CAP_RETRY,
     .undeclared = refused<RST_VERDICT_RETRY>,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           Out out{.payload = "again"};
           if (t.publish_kind.can(RST_CAP_HEADERS)) out.headers = {{"h", "v"}};
           t.publisher().send(out);
           const Message first = sub.next();
           sub.retry(first);
           const Message second = sub.next("S2", "a message that was retried comes again");
           t.expect(second.payload == first.payload && second.headers == first.headers, "S2",
                    "the same message: " + quoted(first.payload), quoted(second.payload));
           t.expect(second.token != first.token, "S1", "a new token", "the old one");
           sub.ack(second);
           t.expect_code(sub.settle(first, RST_VERDICT_ACK), RST_E_SETTLED, "S1", "the token that was retried");
         }},
    {.name = "settle.attempt-counts-retries",
     .rule = "S5",
     .says = "The first delivery is attempt 1; each RETRY raises it by one.",
     .needs = {RST_CAP_ATTEMPT, RST_CAP_RETRY},
     .observes = RST_CAP_ATTEMPT,
     .undeclared =
         [](Test& t) {
           if (!t.kind.can(RST_CAP_RETRY)) return;
           const Subscription sub = t.subscribe();
           t.publisher().send("m");
           const Message first = sub.next();
           sub.retry(first);
           const Message second = sub.next("S2", "what was retried comes again");
           sub.ack(second);
           if (first.attempt == 1 && second.attempt == 2) t.warn("the attempt counts, and ATTEMPT does not declare it");
         },
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send("m");
           for (std::uint16_t attempt = 1; attempt <= 3; ++attempt) {
             const Message message = attempt == 1 ? sub.next() : sub.next("S2", "what was retried comes again");
             t.expect(message.attempt == attempt, "S5", "attempt " + std::to_string(attempt),
                      std::to_string(message.attempt));
             if (attempt < 3)
               sub.retry(message);
             else
               sub.ack(message);
           }
         }},
    {.name = "settle.fails-three-times",
     .rule = "S2",
     .says = "Messages whose handler fails three times and then succeeds come four times each; none is lost.",
     .needs = {RST_CAP_RETRY},
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 10;
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           for (std::size_t i = 0; i < kMessages; ++i) out.send("m" + std::to_string(i));
           std::map<std::string, int> seen;
           std::size_t acked = 0;
           for (std::size_t came = 0; came < 4 * kMessages; ++came) {
             const Message message = sub.next("S2", "what was retried comes again until it is acknowledged");
             if (++seen[message.payload] <= 3) {
               sub.retry(message);
             } else {
               sub.ack(message);
               ++acked;
             }
           }
           t.expect(acked == kMessages, "S2", "every message succeeds at its fourth delivery",
                    std::to_string(acked) + " did");
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "settle.retry-after-a-delay",
     .rule = "S2",
     .says = "RETRY with a delay brings the message no earlier than that, and not much later.",
     .needs = {RST_CAP_RETRY_AFTER},
     .observes = RST_CAP_RETRY_AFTER,
     .undeclared =
         [](Test& t) {
           if (!t.kind.can(RST_CAP_RETRY)) return;
           const Subscription sub = t.subscribe();
           t.publisher().send("m");
           const Message message = sub.next();
           t.expect_code(sub.settle(message, RST_VERDICT_RETRY, 1s), RST_E_UNSUPPORTED, "S2",
                         "a delay where RETRY_AFTER has level NONE");
           t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_OK, "S2", "the token is still unsettled");
         },
     .run =
         [](Test& t) {
           const auto delay = at_most_the_limit(t, t.tick());
           const Subscription sub = t.subscribe();
           t.publisher().send("later");
           const Message first = sub.next();
           const auto before = t.now();
           sub.retry(first, delay);
           sub.ack(sub.next("S2", "a message that was retried after a delay comes again"));
           const auto waited = t.now() - before;
           if (t.kind.capability(RST_CAP_RETRY_AFTER).level == RST_LEVEL_FIXED) return;  // whatever was asked for
           t.expect(waited + 1ms >= delay, "S2", "not before its delay of " + in_ms(delay), "after " + in_ms(waited));
           t.expect(!t.simulated() || waited <= delay + delay / 10, "S2", "not much later than " + in_ms(delay),
                    "after " + in_ms(waited));
         }},
    {.name = "settle.delays-are-independent",
     .rule = "S2",
     .says = "Each retried message waits for its own delay: the shortest comes first, whichever was settled first.",
     .needs = {RST_CAP_RETRY_AFTER},
     .run =
         [](Test& t) {
           if (t.kind.capability(RST_CAP_RETRY_AFTER).level == RST_LEVEL_FIXED) Test::skip("the delay is FIXED");
           const auto unit = at_most_the_limit(t, 3 * t.tick()) / 3;
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           for (const char* each : {"c", "a", "b"}) out.send(each);
           const std::vector<Message> taken = sub.next(3);
           for (const Message& message : taken) sub.retry(message, (1 + message.payload[0] - 'a') * unit);
           std::string order;
           std::set<std::string> seen;
           for (int i = 0; i < 3; ++i) {
             const Message message = sub.next("S2", "a message that was retried after a delay comes again");
             once(t, seen, message);
             order += message.payload;
             sub.ack(message);
           }
           t.expect(order == "abc", "S2", "in the order of their delays: abc", order);
         }},
    {.name = "settle.delay-over-the-limit",
     .rule = "S2",
     .says = "A delay longer than the declared limit is UNSUPPORTED, and the token stays unsettled.",
     .needs = {RST_CAP_RETRY_AFTER},
     .run =
         [](Test& t) {
           const std::uint64_t limit = t.kind.capability(RST_CAP_RETRY_AFTER).limit;
           if (limit == 0) Test::skip("RETRY_AFTER has no limit");
           const Subscription sub = t.subscribe();
           t.publisher().send("m");
           const Message message = sub.next();
           t.expect_code(sub.settle(message, RST_VERDICT_RETRY, std::chrono::nanoseconds(limit + 1)), RST_E_UNSUPPORTED,
                         "S2", "a delay over the limit of RETRY_AFTER");
           t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_OK, "S2", "the token is still unsettled");
         }},
    {.name = "settle.retry-position",
     .rule = "cap",
     .says = "What was retried comes next where RETRY_POSITION is front, last where it is back.",
     .needs = {RST_CAP_RETRY_POSITION, RST_CAP_RETRY},
     .observes = RST_CAP_RETRY_POSITION,
     .run =
         [](Test& t) {
           const std::uint64_t position = t.kind.capability(RST_CAP_RETRY_POSITION).limit;
           if (position != RST_RETRY_FRONT && position != RST_RETRY_BACK) Test::skip("it comes back anywhere");
           const Subscription sub = t.subscribe({.credit = 1, .max_batch = 1, .window = 1});
           const Publisher out = t.publisher();
           for (const char* each : {"a", "b", "c"}) out.send(each);
           sub.retry(sub.next());
           std::string order;
           std::set<std::string> seen;
           for (int i = 0; i < 3; ++i) {
             sub.credit(1);
             const Message message = sub.next("S2", "what was retried comes again");
             once(t, seen, message);
             t.expect(message.payload.size() == 1, "S2", "the same message", quoted(message.payload));
             order += message.payload;
             sub.ack(message);
           }
           const std::string expected = position == RST_RETRY_FRONT ? "abc" : "bca";
           t.expect(order == expected, "cap", "a is retried, then they come in the order " + expected, order);
         }},
    {.name = "settle.release-redelivers",
     .rule = "S2",
     .says = "RELEASE brings the message again, unchanged.",
     .needs = {RST_CAP_RELEASE},
     .observes = RST_CAP_RELEASE,
     .undeclared = refused<RST_VERDICT_RELEASE>,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send("untouched");
           sub.release(sub.next());
           const Message again = sub.next("S2", "a message that was released comes again");
           t.expect(again.payload == "untouched", "S2", "the same message", quoted(again.payload));
           sub.ack(again);
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "settle.release-does-not-count",
     .rule = "S5",
     .says = "RELEASE does not raise the attempt, unless it is declared COUNTED; then it does.",
     .needs = {RST_CAP_RELEASE, RST_CAP_ATTEMPT},
     .run =
         [](Test& t) {
           const bool counted = (t.kind.capability(RST_CAP_RELEASE).flags & RST_CAP_COUNTED) != 0;
           const Subscription sub = t.subscribe();
           t.publisher().send("m");
           for (std::uint16_t delivery = 1; delivery <= 3; ++delivery) {
             const Message message = delivery == 1 ? sub.next() : sub.next("S2", "what was released comes again");
             const std::uint16_t expected = counted ? delivery : 1;
             t.expect(message.attempt == expected, "S5", "attempt " + std::to_string(expected),
                      std::to_string(message.attempt));
             if (delivery < 3)
               sub.release(message);
             else
               sub.ack(message);
           }
         }},
    {.name = "settle.reject-drops",
     .rule = "S2",
     .says = "A rejected message does not come again; what stands behind it does come.",
     .needs = {RST_CAP_REJECT},
     .observes = RST_CAP_REJECT,
     .undeclared = refused<RST_VERDICT_REJECT>,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 1});
           const Publisher out = t.publisher();
           out.send("poison");
           out.send("good");
           sub.reject(sub.next());
           sub.credit(5);
           const Message next = sub.next();
           t.expect(next.payload == "good", "S2", "a rejected message does not come again", quoted(next.payload));
           sub.ack(next);
           if (const auto again = sub.try_next(t.testkit.quiet); again) {
             t.fail(again->payload == "good" ? "S1" : "S2", "what is rejected, or acknowledged, does not come again",
                    quoted(again->payload) + " did");
           }
         }},
    {.name = "settle.reject-moves",
     .rule = "S2",
     .says = "REJECT moves the message to the dead letter that the settlement names, with all that it carries.",
     .needs = {RST_CAP_REJECT_TO, RST_CAP_REJECT},
     .observes = RST_CAP_REJECT_TO,
     .undeclared =
         [](Test& t) {
           if (!t.kind.can(RST_CAP_SETTLE)) return;
           const Subscription sub = t.subscribe();
           t.publisher().send("m");
           const Message message = sub.next();
           const Verdict reject{
               .token = message.token, .verdict = RST_VERDICT_REJECT, .dead_letter = t.address("dead")};
           t.expect_code(sub.settle(reject).code(), RST_E_UNSUPPORTED, "S2",
                         "a dead letter where REJECT_TO has level NONE");
           t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_OK, "S2", "the token is still unsettled");
         },
     .run =
         [](Test& t) {
           const Subscription dead = t.subscribe({.addresses = {t.address("dead")}, .group = "dead"});
           const Subscription sub = t.subscribe();
           t.publisher().send({.payload = "poison", .headers = {{"h", "v"}}});
           const Message message = sub.next();
           const Verdict reject{.token = message.token,
                                .verdict = RST_VERDICT_REJECT,
                                .reason = "cannot be read",
                                .dead_letter = t.address("dead")};
           const Settled settled = sub.settle(reject);
           t.expect(settled.verb.ok() && settled.statuses[0] == RST_OK, "S2", "REJECT to a dead letter is taken",
                    settled.verb.ok() ? code_name(rst_status_code(settled.statuses[0])) : settled.verb.said());
           const Message moved = dead.next("S2", "a message that was rejected to a dead letter arrives there");
           t.expect(moved.payload == "poison" && moved.header("h") == "v", "S2", "the same payload and headers",
                    quoted(moved.payload));
           dead.ack(moved);
           sub.nothing("S2", "a rejected message does not come again");
         }},
    {.name = "settle.dead-letter",
     .rule = "S2",
     .says =
         "Where the broker moves messages, RETRY of the last attempt and REJECT go to the subscription's dead letter.",
     .needs = {RST_CAP_RETRY, RST_CAP_REJECT},
     .run =
         [](Test& t) {
           const Subscribe wanted{.max_attempts = 2, .dead_letter = t.address("dead")};
           if (const Plan plan = t.plan(wanted); !plan.ok() || !plan.has(RST_PLAN_BROKER_MOVES)) {
             Test::skip("the plan leaves attempts and dead letters to the host");
           }
           const Subscription dead = t.subscribe({.addresses = {t.address("dead")}, .group = "dead"});
           const Subscription sub = t.subscribe(wanted);
           const Publisher out = t.publisher();
           const Out typed{.payload = "fails", .content_type = "text/plain"};
           if (out.publish(typed).code() != RST_OK) out.send("fails");  // the kind carries none
           const Message first = sub.next();
           sub.retry(first);
           sub.retry(sub.next("S2", "what was retried comes again, below max_attempts"));
           const Message failed = dead.next("S2", "after max_attempts a message goes to the dead letter");
           t.expect(failed.payload == "fails", "S2", "the message that failed", quoted(failed.payload));
           t.expect(failed.content_type == first.content_type, "S2", "with its content type, " + first.content_type,
                    quoted(failed.content_type));
           out.send("poison");
           sub.reject(sub.next());
           const Message rejected = dead.next("S2", "a rejected message goes to the subscription's dead letter");
           t.expect(rejected.payload == "poison", "S2", "the message that was rejected", quoted(rejected.payload));
           sub.nothing("S2", "a dead letter does not come again");
         }},
    {.name = "settle.extend-is-no-settlement",
     .rule = "S1",
     .says = "EXTEND leaves the token unsettled, however often: it can still be acknowledged.",
     .needs = {RST_CAP_EXTEND},
     .undeclared = refused<RST_VERDICT_EXTEND>,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send("long");
           const Message message = sub.next();
           for (int i = 0; i < 3; ++i) sub.extend(message);  // of a settled token it would be refused
           t.expect_code(sub.settle(message, RST_VERDICT_ACK), RST_OK, "S1", "an ack after EXTEND");
           t.expect_code(sub.settle(message, RST_VERDICT_EXTEND), RST_E_SETTLED, "S1", "EXTEND of a settled token");
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "settle.extend-keeps-the-message",
     .rule = "S2",
     .says = "EXTEND before the ack deadline keeps a long handler's message from coming again.",
     .needs = {RST_CAP_EXTEND},
     .observes = RST_CAP_EXTEND,
     .run =
         [](Test& t) {
           const auto [sub, deadline] = with_deadline(t);
           t.publisher().send("long");
           const Message message = sub.next();
           for (int i = 0; i < 4; ++i) {
             if (const auto came = sub.try_next(deadline / 2); came) {
               t.fail("S2", "EXTEND restarts the ack deadline of " + in_ms(deadline), "the message came again");
             }
             sub.extend(message);
           }
           sub.ack(message);
           sub.nothing("S1", "an acknowledged message does not come again", 2 * deadline);
         }},
    {.name = "settle.ack-deadline",
     .rule = "cap",
     .says = "A message that nobody settles comes again after the plan's ack deadline, no earlier; its old token is "
             "STALE.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const auto [sub, deadline] = with_deadline(t);
           const auto before = t.now();
           t.publisher().send("forgotten");
           const Message first = sub.next();
           const auto again = sub.try_next(deadline + t.testkit.arrival);
           const auto waited = t.now() - before;
           t.expect(again.has_value(), "cap", "an unsettled message comes again after " + in_ms(deadline),
                    "nothing came");
           t.expect(waited + 1ms >= deadline, "cap", "not before the ack deadline of " + in_ms(deadline),
                    "after " + in_ms(waited));
           t.expect_code(sub.settle(first, RST_VERDICT_ACK), RST_E_STALE, "S3", "a token past its ack deadline");
           sub.ack(*again);
           sub.nothing("S1", "an acknowledged message does not come again", 2 * deadline);
         }},
    {.name = "settle.deadline-of-the-last-attempt",
     .rule = "S2",
     .says = "A message whose last attempt runs into its ack deadline goes to the dead letter; it comes again only "
             "where that was no attempt.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscribe wanted{.max_attempts = 1,
                                  .dead_letter = t.address("dead"),
                                  .options = t.testkit.kind(t.kind.name).ack_deadline_options};
           const auto deadline = deadline_of(t, wanted);
           if (!t.plan(wanted).has(RST_PLAN_BROKER_MOVES))
             Test::skip("the plan leaves attempts and dead letters to the host");
           const Subscription dead = t.subscribe({.addresses = {t.address("dead")}, .group = "dead"});
           const Subscription sub = t.subscribe(wanted);
           t.publisher().send("forgotten");
           const Message first = sub.next();
           const auto came = [&](const Subscription& each) { return t.instance().host.waiting(each.id) != 0; };
           (void)t.wait([&] { return came(dead) || came(sub); }, deadline + t.testkit.arrival);
           if (came(sub)) {
             const Message again = sub.next("S2");
             t.expect(again.attempt <= 1, "S2", "no attempt after the last one", std::to_string(again.attempt));
             sub.reject(again);
           }
           const Message letter = dead.next("S2", "a message that ran out of attempts goes to the dead letter");
           t.expect(letter.payload == "forgotten", "S2", "the message that nobody settled", quoted(letter.payload));
           dead.ack(letter);
           t.expect_code(sub.settle(first, RST_VERDICT_ACK), RST_E_STALE, "S3", "a token past its ack deadline");
           sub.nothing("S2", "a dead letter does not come again", 2 * deadline);
         }},
};

}  // namespace

std::span<const Case> verdict_cases() { return kCases; }

}  // namespace conformance
