// A connection that is lost and comes back: rules R1, R2, F1 and G2, as far as no server is needed for it. What makes a
// plugin lose one is named by the testkit's `disconnect_options`.
#include "cases/case.hpp"
#include "cases/connections.hpp"
#include "cases/messages.hpp"

namespace conformance {
namespace {

constexpr auto kLongest = 30s;  // until the connection is lost, or back

/// A connection that will be lost, and comes back.
struct Fragile {
  explicit Fragile(Test& test) : t(test), on(fragile_connection(test)) {}
  void await(std::uint32_t kind, std::uint64_t subject, const char* name, std::uint32_t outdated = 0) const {
    const auto came = t.instance().await_event(kind, subject, kLongest, outdated);
    t.expect(came.has_value(), "R1", std::string(name) + " is told", "it is not");
  }
  void lost() const { await(RST_EVENT_CONN_DOWN, on.id, "CONN_DOWN", RST_EVENT_CONN_UP); }
  void back() const { await(RST_EVENT_CONN_UP, on.id, "CONN_UP"); }

  Test& t;
  Connection on;
};

constexpr Case kCases[] = {
    {.name = "loss.is-told",
     .rule = "R1",
     .says =
         "A lost connection is told by CONN_DOWN, its return by CONN_UP, and the same of each subscription, which goes "
         "on.",
     .run =
         [](Test& t) {
           const Fragile fragile(t);
           const Subscription sub = t.subscribe({.connection = fragile.on});
           fragile.lost();
           fragile.await(RST_EVENT_SUB_DOWN, sub.id, "SUB_DOWN", RST_EVENT_SUB_UP);
           fragile.back();
           fragile.await(RST_EVENT_SUB_UP, sub.id, "SUB_UP");
           t.publisher({.connection = fragile.on}).send("after");
           finish(sub, sub.next("R1", "a subscription resumes when its connection is back"));
         }},
    {.name = "loss.unsettled-comes-again",
     .rule = "G2",
     .says =
         "What was unsettled at the loss is either still its consumer's, or its token is stale and the message comes "
         "again with a higher generation.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Fragile fragile(t);
           const Subscription sub = t.subscribe({.connection = fragile.on});
           t.publisher({.connection = fragile.on}).send("unsettled");
           const Message before = sub.next();
           fragile.lost();
           fragile.back();
           const std::int32_t code = sub.settle(before, RST_VERDICT_ACK);
           t.expect(code == RST_OK || code == RST_E_STALE, "S3", "OK or STALE for a token from before the loss",
                    code_name(code));
           if (code == RST_OK) return sub.nothing("S1", "an acknowledged message does not come again");
           const Message again = sub.next("R1", "what the loss took back comes again");
           t.expect(again.payload == "unsettled", "R1", "the message that was unsettled", quoted(again.payload));
           t.expect(again.generation > before.generation, "G2",
                    "a generation above " + std::to_string(before.generation), std::to_string(again.generation));
           t.expect_code(sub.settle(again, RST_VERDICT_ACK), RST_OK, "S3", "the new token");
           sub.nothing("S1", "an acknowledged message does not come again");
         }},
    {.name = "loss.balance-survives",
     .rule = "F1",
     .says =
         "The balance of a subscription survives the loss: what was left of it is delivered afterwards, and not more.",
     .run =
         [](Test& t) {
           const Fragile fragile(t);
           const Subscription sub = t.subscribe({.credit = 6, .connection = fragile.on});
           const Publisher out = t.publisher({.connection = fragile.on});
           out.send(numbered(2));
           for (const Message& message : sub.next(2)) finish(sub, message);
           fragile.lost();
           fragile.back();
           out.send(numbered(10, "n"));
           for (const Message& message : sub.next(4, "F1")) finish(sub, message);
           sub.nothing("F1", "nothing is delivered without credit");
         }},
    {.name = "loss.publish-meanwhile",
     .rule = "R2",
     .says = "A publish while the connection is lost succeeds after its return, or fails within its timeout, "
             "RETRYABLE; what "
             "failed without MAYBE_APPLIED is not delivered.",
     .run =
         [](Test& t) {
           const Fragile fragile(t);
           const Subscription sub = t.subscribe({.connection = fragile.on});
           const Publisher out = t.publisher({.connection = fragile.on});
           fragile.lost();
           const Published published = out.publish({.payload = "meanwhile"});
           const std::int32_t status = published.statuses.empty() ? 0 : published.statuses.front();
           const bool whole = !published.verb.ok();
           const bool failed = whole || status < 0;
           const std::uint32_t flags = whole ? published.verb.flags : rst_status_flags(status);
           t.expect(!failed || (flags & RST_ERROR_RETRYABLE) != 0, "R2", "a failure that is RETRYABLE",
                    whole ? published.verb.said() : code_name(rst_status_code(status)));
           fragile.back();
           if (!failed) {
             finish(sub, sub.next("P1", "a publish that succeeded is delivered"));
           } else if ((flags & RST_ERROR_MAYBE_APPLIED) == 0) {
             sub.nothing("P1", "what failed without MAYBE_APPLIED is not delivered");
           }
           out.send("again");
           finish(sub, sub.next("R2", "publishing goes on when the connection is back"));
         }},
};

}  // namespace

std::span<const Case> loss_cases() { return kCases; }

}  // namespace conformance
