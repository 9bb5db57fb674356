// Request and reply, and the question whether a message would reach a subscription.
#include "cases/case.hpp"
#include "cases/connections.hpp"
#include "cases/messages.hpp"
#include "host/out_array.hpp"

namespace conformance {
namespace {

/// A request under way. Its reply is a batch that owes a release like any other.
struct Asked {
  Pending pending;
  std::shared_ptr<OutArray> out;
};

Asked ask(const Publisher& from, const Out& question, std::chrono::nanoseconds timeout) {
  Instance& instance = *from.instance;
  const auto* const table = instance.test.plugin.extension<rst_request>(RST_EXT_REQUEST);
  if (table == nullptr) instance.test.fail("cap", "a kind that declares REQUEST has rst.request", "it has none");
  auto out = std::make_shared<OutArray>(std::span(&question, 1));
  const auto status = std::make_shared<Lent<std::int32_t>>("rst_publish.statuses");
  const Lent<rst_publish> call("rst_publish");
  call->struct_size = sizeof(rst_publish);
  call->publisher = from.handle;
  call->messages = out->data();
  call->statuses = status->get();
  call->count = 1;
  call->stride = sizeof(rst_out_message);
  call->timeout_ns = static_cast<std::uint64_t>(timeout.count());
  Pending pending = instance.call(
      "rst.request", from.connection, timeout,
      [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
        call->op = op;
        return table->request(instance.raw(), call.get(), error);
      },
      [out, status](std::int32_t) { const auto gone = std::pair(std::move(*out), std::move(*status)); });
  instance.test.expect(pending.returned() != RST_DONE, "C1", "a request is PENDING, or an error", "DONE");
  return {std::move(pending), std::move(out)};
}

/// The reply as a message; releasing it is letting go of it.
Message reply_of(Test& t, const Outcome& outcome) {
  if (!outcome.ok() || outcome.value == 0) t.fail("cap", "the request completes with its reply", outcome.said());
  // NOLINTNEXTLINE(performance-no-int-to-ptr): what an op completes with is an integer in the contract
  auto* const raw = reinterpret_cast<rst_batch*>(outcome.value);
  t.expect(raw->count == 1 && raw->messages[0].token == 0 && raw->subscription == 0, "cap",
           "a reply is a batch of one message without token and subscription", "another batch");
  return copy(std::make_shared<Batch>(*raw, t.ledger, std::make_shared<std::atomic<bool>>(false)), t.ledger).front();
}

/// Answers what it takes with "re:" and the question.
void answer(Test& t, const Subscription& server, const Publisher& out, const Message& question) {
  t.expect(!question.reply_to.empty(), "cap", "a request carries a reply address", "it has none");
  out.send(
      Out{.payload = "re:" + question.payload, .destination = question.reply_to, .correlation = question.correlation});
  finish(server, question);
}

constexpr Case kCases[] = {
    {.name = "request.replies-find-their-request",
     .rule = "cap",
     .says = "Of many requests at once each completes with the reply to its own question, in whatever order they come.",
     .needs = {RST_CAP_REQUEST},
     .observes = RST_CAP_REQUEST,
     .run =
         [](Test& t) {
           constexpr std::size_t kMany = 30;
           const Subscription server = t.subscribe();
           const Publisher client = t.publisher(), out = t.publisher({.destination = ""});
           std::vector<Asked> asked;
           for (std::size_t i = 0; i < kMany; ++i) asked.push_back(ask(client, {.payload = std::to_string(i)}, 5s));
           std::vector<Message> questions = server.next(kMany, "cap");
           std::ranges::shuffle(questions, t.random);
           for (const Message& question : questions) answer(t, server, out, question);
           for (std::size_t i = 0; i < kMany; ++i) {
             const Message reply = reply_of(t, asked[i].pending.wait());
             t.expect(reply.payload == "re:" + std::to_string(i), "cap", "re:" + std::to_string(i),
                      quoted(reply.payload));
           }
         }},
    {.name = "request.from-threads",
     .rule = "L5",
     .says = "Requests are made from any thread, and each gets its own reply.",
     .needs = {RST_CAP_REQUEST},
     .run =
         [](Test& t) {
           constexpr std::size_t kEach = 10;
           const Subscription server = t.subscribe();
           const Publisher client = t.publisher(), out = t.publisher({.destination = ""});
           std::array<std::vector<Asked>, 3> asked;
           const auto asks = [&](std::size_t thread) {
             return [&, thread] {
               for (std::size_t i = 0; i < kEach; ++i)
                 asked.at(thread).push_back(ask(client, {.payload = std::to_string(thread * kEach + i)}, 5s));
             };
           };
           t.together({asks(0), asks(1), asks(2)});
           for (const Message& question : server.next(3 * kEach, "cap")) answer(t, server, out, question);
           for (std::size_t i = 0; i < 3 * kEach; ++i) {
             const Message reply = reply_of(t, asked.at(i / kEach)[i % kEach].pending.wait());
             t.expect(reply.payload == "re:" + std::to_string(i), "cap", "re:" + std::to_string(i),
                      quoted(reply.payload));
           }
         }},
    {.name = "request.times-out",
     .rule = "C1",
     .says = "A request that nobody answers completes with TIMEOUT in its own time; a late reply harms nobody.",
     .needs = {RST_CAP_REQUEST},
     .run =
         [](Test& t) {
           const Subscription server = t.subscribe();
           const Publisher client = t.publisher(), out = t.publisher({.destination = ""});
           const auto before = t.now();
           Asked asked = ask(client, {.payload = "silence"}, t.tick());
           const Message question = server.next("cap", "the request is delivered");
           const Outcome outcome = asked.pending.wait();
           t.expect_code(outcome.code, RST_E_TIMEOUT, "C1", "a request that nobody answered");
           t.expect(t.now() - before > t.tick() / 2, "C1", "TIMEOUT when the time is over", "it came early");
           const Published late = out.publish(Out{.payload = "late", .destination = question.reply_to});
           (void)late;  // with no route, or taken and dropped
           finish(server, question);
           server.nothing("cap", "a late reply reaches no subscription");
         }},
    {.name = "request.each-has-its-own-time",
     .rule = "C1",
     .says = "Of many requests that nobody answers each completes when its own time is over, whoever asked first.",
     .needs = {RST_CAP_REQUEST},
     .run =
         [](Test& t) {
           constexpr std::size_t kMany = 24;
           const Subscription server = t.subscribe();
           const Publisher client = t.publisher();
           std::vector<int> times;
           for (std::size_t i = 0; i < kMany; ++i) times.push_back(static_cast<int>(i) + 1);
           std::ranges::shuffle(times, t.random);
           const auto begin = t.now();
           std::vector<Asked> asked;
           for (const int time : times) asked.push_back(ask(client, {.payload = "silence"}, time * t.tick() / 4));
           for (const Message& question : server.next(kMany, "cap")) finish(server, question);
           for (int time = 1; time <= static_cast<int>(kMany); ++time) {
             Asked& next = asked[static_cast<std::size_t>(std::ranges::find(times, time) - times.begin())];
             t.expect_code(next.pending.wait().code, RST_E_TIMEOUT, "C1", "a request that nobody answered");
             const auto waited = t.now() - begin;
             t.expect(!t.simulated() || waited <= time * t.tick() / 4 + 1s, "C1", "within its time and a second",
                      std::to_string(waited / 1ms) + " ms");
           }
         }},
    {.name = "request.no-responder",
     .rule = "cap",
     .says = "A request where nobody listens fails with NO_ROUTE, at once where the broker knows it.",
     .needs = {RST_CAP_REQUEST, RST_CAP_UNROUTED},
     .run =
         [](Test& t) {
           if (t.kind.can(RST_CAP_SEEK)) Test::skip("the kind keeps what nobody listens to");
           const Publisher client = t.publisher({.destination = t.address("nobody")});
           Asked asked = ask(client, {.payload = "anybody?"}, t.tick());
           t.expect_code(asked.pending.wait().code, RST_E_NO_ROUTE, "cap", "a request where nobody listens");
         }},
    {.name = "request.ends-with-its-session",
     .rule = "R2",
     .says = "A request that a loss has ended is RETRYABLE, and MAYBE_APPLIED: somebody may have got it.",
     .needs = {RST_CAP_REQUEST},
     .run =
         [](Test& t) {
           const Connection on = fragile_connection(t);
           const Subscription server = t.subscribe({.connection = on});
           Asked asked = ask(t.publisher({.connection = on}), {.payload = "x"}, 8s);
           finish(server, server.next("cap", "the request is delivered"));
           const Outcome outcome = asked.pending.wait();
           if (outcome.code == RST_E_TIMEOUT) Test::skip("requests go on after a loss");
           constexpr std::uint32_t kFlags = RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED;
           t.expect(!outcome.ok() && (outcome.flags & kFlags) == kFlags, "R2", "RETRYABLE and MAYBE_APPLIED",
                    outcome.said());
         }},
    {.name = "request.refused-then-writable",
     .rule = "P4",
     .says = "A request for which there is no room is BACKPRESSURE; when there is room PUB_WRITABLE comes.",
     .needs = {RST_CAP_REQUEST, RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Connection on = narrow(t);
           const Subscription server = t.subscribe({.credit = 0, .connection = on});
           const Publisher client = t.publisher({.connection = on});
           std::vector<Asked> asked;
           do {
             if (asked.size() == kMoreThanFits)
               Test::skip("the backpressure_options of the testkit leave room for 2000");
             asked.push_back(ask(client, {.payload = "x"}, 60s));
           } while (asked.back().pending.returned() == RST_PENDING);
           t.expect_code(asked.back().pending.wait().code, RST_E_BACKPRESSURE, "P4", "a request without room");
           const std::size_t taken = asked.size() - 1;
           server.credit(static_cast<std::uint32_t>(taken));
           for (const Message& question : server.next(taken, "cap")) finish(server, question);
           t.expect(writable(t, client, t.testkit.arrival), "P4", "PUB_WRITABLE when there is room", "none came");
           (void)on.close(RST_CLOSE_ABORT).wait();
           for (Asked& each : asked) (void)each.pending.wait();
         }},
    {.name = "request.ends-with-its-publisher",
     .rule = "C1",
     .says = "Closing the connection completes the requests that wait, before the close itself completes.",
     .needs = {RST_CAP_REQUEST},
     .run =
         [](Test& t) {
           const Subscription server = t.subscribe();
           const Connection on = t.instance().connect();
           const Publisher client = t.publisher({.connection = on});
           std::vector<Asked> asked;
           for (int i = 0; i < 5; ++i) asked.push_back(ask(client, {.payload = "x"}, 60s));
           for (const Message& question : server.next(5, "cap")) finish(server, question);
           const Outcome closed = on.close(RST_CLOSE_ABORT).wait();
           t.expect(closed.ok(), "cap", "close succeeds", closed.said());
           for (Asked& each : asked) {
             t.expect(each.pending.done(), "C1", "each request is complete when its connection is closed",
                      "one is not");
             t.expect(!each.pending.wait().ok(), "C1", "a request that got no reply fails", "OK");
           }
         }},
    {.name = "match.agrees-with-delivery",
     .rule = "cap",
     .says =
         "rst.match says 1 of a message that is delivered and 0 of one that is not, again and again, before init too.",
     .needs = {RST_CAP_MATCH},
     .observes = RST_CAP_MATCH,
     .run =
         [](Test& t) {
           const Subscribe to{.addresses = {t.address("a")}};
           const OpenPublisher from{.destination = t.address("a")};
           const Out other{.payload = "x", .destination = t.address("b")};
           for (int again = 0; again < 3; ++again) {
             t.expect(t.match(to, from) == 1, "cap", "1 for the same address", std::to_string(t.match(to, from)));
             t.expect(t.match(to, from, &other) == 0, "cap", "0 for another address",
                      std::to_string(t.match(to, from, &other)));
           }
           const Subscription sub = t.subscribe(to);
           const Publisher out = t.publisher(from);
           out.send(Out{.payload = "here"});
           const Message message = sub.next("cap", "what rst.match says 1 of is delivered");
           finish(sub, message);
           (void)out.publish(other);
           sub.nothing("cap", "what rst.match says 0 of is not delivered");
           if (!t.kind.can(RST_CAP_WILDCARD) || t.testkit.pattern.empty()) return;
           t.expect(t.match({.addresses = {t.pattern()}}, from) == 1, "cap", "1 for a pattern that covers the address",
                    std::to_string(t.match({.addresses = {t.pattern()}}, from)));
         }},
};

}  // namespace

std::span<const Case> request_cases() { return kCases; }

}  // namespace conformance
