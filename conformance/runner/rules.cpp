#include "runner/rules.hpp"

#include <algorithm>
#include <array>

namespace conformance {
namespace {

struct Rule {
  std::string_view id, text;
};

// clang-format off
constexpr std::array kRules{
    Rule{"entry", "A plugin is a shared library of the host's architecture that exports exactly one rst_* symbol, a pure function giving a static table; its constructors do no I/O, and its note says the same as its table."},
    Rule{"cap", "What a kind declares, and what every plugin has (connect, subscribe, publish, deliver), does what it promises."},
    Rule{"L1", "Nothing unwinds across the boundary in either direction."},
    Rule{"L2", "A call on a closed handle returns CLOSED, on a never-issued or reused one STALE, out of order STATE. Handles are integers, never dereferenced."},
    Rule{"L3", "Instances may overlap and repeat. deinit returns within 5 s with every thread it started for that instance ended and every descriptor closed; a declared runtime's threads and descriptors are exempt, but their number is the same after the second and the fifth cycle."},
    Rule{"L5", "Every verb is any-thread and may race close of its handle. init/deinit exclude everything on their instance."},
    Rule{"L6", "After close's completion no call into the host carries that connection's ids, log included. release of its batches stays legal until deinit returns."},
    Rule{"B1", "No verb but init/deinit waits: not for I/O, not for a lock held across I/O, not for the host. The runner allows 20 ms with the peer stalled (× 10 under sanitizers and valgrind)."},
    Rule{"C1", "PENDING with an op means exactly one completion, within its timeout plus 1 s, also on loss and close; op 0 means none."},
    Rule{"C3", "Ids and handles are never reused. deliver refuses a stale subscription id; a completion or event with one is counted and dropped."},
    Rule{"C4", "Host calls of one thread about one subscription are observed in call order. subscribe's completion precedes its first delivery."},
    Rule{"M1", "An accepted batch belongs to the host until it calls release, once, on any thread. A refused one (stale, over credit) stays the plugin's: it goes back to the broker unprocessed and debits nothing."},
    Rule{"M2", "Release frees memory and never settles; settling never frees. Payload, headers, key and meta stay readable after settlement until release."},
    Rule{"M3", "Nobody frees what the other side allocated."},
    Rule{"M4", "Published memory, settlement arrays, statuses and receipts are borrowed until the completion, or until return when there is none."},
    Rule{"M5", "PADDED on a message: 64 bytes past its end lie in the same allocation and are readable."},
    Rule{"M6", "After deliver is entered the plugin reads nothing of the batch, except inside ops calls, which the host makes from any thread, concurrently, until release; tokens can be settled before deliver returns."},
    Rule{"F1", "Deliver only while both balances (messages, bytes) are positive; each delivery debits both; bytes may go negative by at most one transport read. Balances survive reconnect, seek and rebalance."},
    Rule{"F2", "With no credit the plugin takes no further messages beyond its declared window, held in bounded memory, while it keeps servicing the session (heartbeats, confirms, polls). A kind declared OVERFLOW=drop may discard beyond the bound and reports every loss; no other kind drops."},
    Rule{"F3", "After the completion of a subscription's close nothing is delivered for its id and its tokens are stale; until then they settle normally."},
    Rule{"F4", "close never deletes broker-side state that outlives a session (durables, cursors, queues); only rst.admin does."},
    Rule{"F5", "DRAIN sets both balances to zero; its completion means that no delivery follows until new credit. Tokens, group membership and partitions are kept. Messages that still arrive are held within the window and come with the next credit."},
    Rule{"F6", "Messages for which no subscription exists yet (a resumed session) are held unsettled within the connection's window until the matching subscribe or close; never acknowledged."},
    Rule{"S1", "A non-zero token is finally settled at most once: of concurrent attempts one gets OK, the others SETTLED. EXTEND is not a settlement. Token 0 means nothing to settle; settling it is INVALID."},
    Rule{"S2", "For each verdict a kind declares NATIVE, FIXED, HELD or COPY with its limit, or NONE. A verdict of level NONE returns UNSUPPORTED and leaves the token unsettled; never a silent no-op, never an ack."},
    Rule{"S3", "A settlement the broker would no longer honour returns STALE and disturbs nothing. Where tokens outlive a connection or an unaffected partition, they stay valid."},
    Rule{"S4", "Close returns unsettled messages as RELEASE where the kind can, else leaves them to the broker's timeout. Nothing unsettled is acknowledged. A log kind may also redeliver settled messages above the lowest unsettled. validate warns where close loses them."},
    Rule{"S5", "attempt is 1-based, saturating, 0 where unknown; RELEASE does not raise it unless declared COUNTED."},
    Rule{"S6", "DONE means handed over; CONFIRM completes when the broker has it; a later failure is SETTLE_FAILED and the tokens are unsettled again."},
    Rule{"S7", "settle never returns BACKPRESSURE."},
    Rule{"P1", "Each accepted message gets a status; OK means the publisher's declared guarantee (handed over, or confirmed). MAYBE_APPLIED is set whenever the broker may hold a failed message."},
    Rule{"P2", "Where PUBLISH_ORDER is declared, messages accepted on one publisher handle keep their order per destination and key, across retries and refused suffixes too."},
    Rule{"P3", "Headers and payload round-trip within the declared profile; outside it publish fails with the header's name, and never alters or truncates."},
    Rule{"P4", "Under back-pressure accepted < count, a prefix; exactly one PUB_WRITABLE follows."},
    Rule{"P5", "flush completes when everything accepted before it has its final status."},
    Rule{"P6", "Blocked publishing never delays settle, credit, EXTEND or completions."},
    Rule{"O1", "Unknown options (outside a declared prefix), wrong types, ranges and missing required ones fail in validate and in the verb, before I/O, all of them, each named."},
    Rule{"O2", "Secrets never reach a log, error, event, described server or thread name: raw, percent-encoded or base64."},
    Rule{"R1", "Loss is an event; attempts are spaced with jitter up to a declared maximum; subscriptions resume with their balance. Refused credentials stop after a declared number of attempts. connect completes OK only with an authenticated session."},
    Rule{"R2", "Operations pending at the loss succeed after reconnection or fail by their timeout, RETRYABLE, and MAYBE_APPLIED where true."},
    Rule{"G1", "SUB_REVOKING and SUB_ASSIGNING wait for answer or their deadline. Until then revoked partitions' tokens settle and nothing new of those partitions is delivered; after it they are stale, other partitions untouched. SUB_LOST needs no answer. close never waits for one."},
    Rule{"G2", "A subscription's generation rises with whatever voids tokens (lost or answered-revoked partitions, seek, reconnect where tokens die); an event's partition carries the value from which it holds, so a queued message with a smaller one is stale."},
    Rule{"X1", "Publishes and settlements of a transaction become effective together at commit, or not at all."},
    Rule{"X2", "Commit over a gap of unsettled predecessors returns PRECONDITION and leaves the transaction open."},
    Rule{"X3", "After abort the enlisted tokens are stale and their messages are redelivered. ABORT_TX obliges abort; FATAL ends the publisher."},
    Rule{"T1", "No change to signal dispositions, host threads' masks, locale, umask, directory, environment, standard streams or limits (ignoring SIGPIPE is allowed; declared runtimes per their own documented behaviour)."},
    Rule{"T2", "Threads that the plugin itself starts are named rst-*; all, a client library's too, block signals; a declared runtime is exempt."},
    Rule{"T3", "Descriptors are close-on-exec."},
    Rule{"T4", "A plugin that forks only execs in the child."},
    Rule{"T5", "Process exit without deinit does not crash."},
    Rule{"V1", "No implicit padding; reserved is zero."},
    Rule{"V2", "Unknown bits, verdicts, types → UNSUPPORTED before side effects."},
    Rule{"V3", "Nothing is read or written past the peer's struct_size or stride."},
};
// clang-format on

}  // namespace

std::string_view rule_text(std::string_view id) {
  const auto found = std::ranges::find(kRules, id, &Rule::id);
  return found != kRules.end() ? found->text : std::string_view{};
}

}  // namespace conformance
