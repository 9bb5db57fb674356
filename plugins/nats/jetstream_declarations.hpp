// Kinds `jetstream` and `ordered`: what they can do, and their options.
#pragma once

#include "time.hpp"

#include <ruststream/sdk.hpp>

#include <array>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;

inline constexpr std::uint32_t kJetStream = 1, kOrdered = 2;  // indices of kKindTable
inline constexpr std::uint32_t kJetStreamBit = 1U << kJetStream, kOrderedBit = 1U << kOrdered;
inline constexpr std::uint32_t kStreamBits = kJetStreamBit | kOrderedBit;

inline constexpr std::uint32_t kStreamDefaultBatch = 256;
inline constexpr std::uint32_t kStreamDefaultWindow = 512;        // unsettled messages, unless the subscription says so
inline constexpr std::uint64_t kStreamDefaultBytes = 64U << 20U;  // what pull requests may bring at once
inline constexpr std::uint64_t kStreamMaxPayload = 64U << 20U;    // no server can be told to take more
inline constexpr std::int64_t kDuplicateWindow = 120'000'000'000;  // of a stream that says nothing

// Looked up in each call that wants a confirmation: these come early.
#define RUSTSTREAM_NATS_STREAM_CAPS                                                                                \
  sdk::cap(RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, RST_OVERFLOW_BLOCK),                                                \
      sdk::cap(RST_CAP_BATCH, RST_LEVEL_NATIVE, sdk::BatchPool<>::kMaxBatch), sdk::cap(RST_CAP_WILDCARD),          \
      sdk::cap(RST_CAP_POSITION), sdk::cap(RST_CAP_PUBLISH_ORDER),                                                 \
      sdk::cap(RST_CAP_HEADERS, RST_LEVEL_NATIVE, RST_HEADERS_DUPLICATES | RST_HEADERS_CASE),                      \
      sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES), sdk::cap(RST_CAP_MATCH), \
      sdk::cap(RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, kStreamMaxPayload, RST_CAP_CONDITIONAL)
inline constexpr rst_capability kJetStreamCaps[] = {
    sdk::cap(RST_CAP_SETTLE),
    sdk::cap(RST_CAP_SETTLE_CONFIRM),
    sdk::cap(RST_CAP_PUBLISH_CONFIRM),
    sdk::cap(RST_CAP_RETRY),
    sdk::cap(RST_CAP_RETRY_AFTER),
    sdk::cap(RST_CAP_RELEASE, RST_LEVEL_NATIVE, 0, RST_CAP_COUNTED | RST_CAP_LOSES_ORDER),
    sdk::cap(RST_CAP_REJECT),
    sdk::cap(RST_CAP_EXTEND),
    sdk::cap(RST_CAP_ATTEMPT),
    sdk::cap(RST_CAP_GROUP),
    sdk::cap(RST_CAP_SEEK, RST_LEVEL_NATIVE, 0, RST_CAP_SHARED),
    sdk::cap(RST_CAP_RECEIPT),
    sdk::cap(RST_CAP_DEDUPLICATE, RST_LEVEL_NATIVE, kDuplicateWindow, RST_CAP_CONDITIONAL),
    RUSTSTREAM_NATS_STREAM_CAPS,
};
inline constexpr rst_capability kOrderedCaps[] = {
    sdk::cap(RST_CAP_SEEK),
    RUSTSTREAM_NATS_STREAM_CAPS,
};
#undef RUSTSTREAM_NATS_STREAM_CAPS

inline constexpr rst_str kDeliverChoices[] = {sdk::rst("all"), sdk::rst("new"), sdk::rst("last"),
                                              sdk::rst("last_per_subject")};
inline constexpr rst_str kReplayChoices[] = {sdk::rst("instant"), sdk::rst("original")};
inline constexpr rst_str kStorageChoices[] = {sdk::rst("file"), sdk::rst("memory")};
inline constexpr rst_str kRetentionChoices[] = {sdk::rst("limits"), sdk::rst("interest"), sdk::rst("workqueue")};
inline constexpr rst_str kDiscardChoices[] = {sdk::rst("old"), sdk::rst("new")};

inline constexpr std::array kConsumerOptions{
    sdk::option(
        "stream", RST_TYPE_STRING, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_PUBLISHER,
        "name of the stream; else a subscription asks the server which one has its subject, and a publisher takes "
        "any")
        .kinds(kStreamBits),
    sdk::option("deliver", RST_TYPE_ENUM, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "where a new consumer begins, unless a start position says it")
        .defaults("all")
        .one_of(kDeliverChoices)
        .kinds(kStreamBits),
    sdk::option("start_sequence", RST_TYPE_U64, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "a new consumer begins with this sequence number of the stream")
        .range(1, INT64_MAX)
        .kinds(kStreamBits),
    sdk::option("start_time", RST_TYPE_STRING, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "a new consumer begins with the first message of this time, as 2026-01-31T12:00:00Z")
        .kinds(kStreamBits),
    sdk::option("ack_wait", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "an unsettled message comes again after this")
        .defaults("30s")
        .range(1'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND)
        .kinds(kJetStreamBit),
    sdk::option(
        "backoff", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
        "the same for each delivery after the other, the last for all that follow; needs a greater `max_deliver`")
        .range(1'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND)
        .kinds(kJetStreamBit)
        .with(RST_OPTION_LIST),
    sdk::option("max_deliver", RST_TYPE_U64, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "the server gives a message up after so many deliveries; 0: never")
        .defaults("0")
        .range(0, 1'000'000)
        .kinds(kJetStreamBit),
    sdk::option("max_in_flight", RST_TYPE_U64, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "most unsettled messages of the consumer, all its subscriptions together")
        .defaults("4096")
        .range(1, 1 << 20)
        .unit(RST_UNIT_MESSAGE)
        .kinds(kJetStreamBit),
    sdk::option(
        "inactive_threshold", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
        "the server forgets a consumer that nobody has asked for messages for so long; else 5m, and never one that "
        "is durable")
        .range(1'000'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND)
        .kinds(kStreamBits),
    sdk::option("replay", RST_TYPE_ENUM, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "instant: as fast as it goes; original: at the pace at which the messages came")
        .defaults("instant")
        .one_of(kReplayChoices)
        .kinds(kStreamBits),
    sdk::option("headers_only", RST_TYPE_BOOL, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "messages without their payloads")
        .defaults("false")
        .kinds(kStreamBits),
    sdk::option("consumer_replicas", RST_TYPE_U64, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "servers that keep the consumer; 0: as many as the stream's")
        .defaults("0")
        .range(0, 5)
        .kinds(kJetStreamBit),
    sdk::option("consumer_memory", RST_TYPE_BOOL, RST_SCOPE_SUBSCRIPTION | RST_SCOPE_ADMIN,
                "the consumer's state lies in memory, whatever the stream's storage")
        .defaults("false")
        .kinds(kJetStreamBit),
    sdk::option("pull_expires", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION, "how long the server keeps a pull request")
        .defaults("30s")
        .range(1'000'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND)
        .kinds(kStreamBits)
        .with(RST_OPTION_EXPERT),
    sdk::option(
        "heartbeat", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION,
        "how often the server says that it has nothing; two silences and the consumer is looked for; at most half "
        "of `pull_expires`")
        .defaults("5s")
        .range(100'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND)
        .kinds(kStreamBits)
        .with(RST_OPTION_EXPERT),
    sdk::option("js.domain", RST_TYPE_STRING, RST_SCOPE_CONNECTION, "JetStream domain, of a leaf node for one"),
};

inline constexpr std::array kStreamPublishOptions{
    sdk::option("max_pending", RST_TYPE_U64, RST_SCOPE_PUBLISHER,
                "messages that were sent and that the server has not acknowledged; then publish waits for room")
        .defaults("4096")
        .range(1, 1 << 20)
        .unit(RST_UNIT_MESSAGE)
        .kinds(kJetStreamBit),
    sdk::option("expected_stream", RST_TYPE_STRING, RST_SCOPE_MESSAGE,
                "PRECONDITION when another stream would store it")
        .kinds(kJetStreamBit),
    sdk::option("expected_last_sequence", RST_TYPE_U64, RST_SCOPE_MESSAGE,
                "PRECONDITION when the stream's last sequence number is another one")
        .kinds(kJetStreamBit),
    sdk::option("expected_last_subject_sequence", RST_TYPE_U64, RST_SCOPE_MESSAGE,
                "PRECONDITION when the last message of this subject has another sequence number; 0: there is none")
        .kinds(kJetStreamBit),
    sdk::option("expected_last_message_id", RST_TYPE_STRING, RST_SCOPE_MESSAGE,
                "PRECONDITION when the stream's last message has another id")
        .kinds(kJetStreamBit),
};

inline constexpr std::array kStreamAdminOptions{
    sdk::option("max_messages", RST_TYPE_U64, RST_SCOPE_ADMIN, "of a stream; 0: no limit")
        .defaults("0")
        .range(0, std::int64_t{1} << 40)
        .unit(RST_UNIT_MESSAGE)
        .kinds(kJetStreamBit),
    sdk::option("subjects", RST_TYPE_STRING, RST_SCOPE_ADMIN, "what a stream stores; else the subject of its name")
        .kinds(kJetStreamBit)
        .with(RST_OPTION_LIST),
    sdk::option("storage", RST_TYPE_ENUM, RST_SCOPE_ADMIN, "where a stream lies")
        .defaults("file")
        .one_of(kStorageChoices)
        .kinds(kJetStreamBit),
    sdk::option("retention", RST_TYPE_ENUM, RST_SCOPE_ADMIN,
                "limits: until one is reached; interest: until all consumers have it; workqueue: until one has it")
        .defaults("limits")
        .one_of(kRetentionChoices)
        .kinds(kJetStreamBit),
    sdk::option("discard", RST_TYPE_ENUM, RST_SCOPE_ADMIN, "what goes when a limit is reached")
        .defaults("old")
        .one_of(kDiscardChoices)
        .kinds(kJetStreamBit),
    sdk::option("max_bytes", RST_TYPE_SIZE, RST_SCOPE_ADMIN, "of a stream; 0: no limit")
        .defaults("0")
        .range(0, std::int64_t{1} << 50)
        .unit(RST_UNIT_BYTE)
        .kinds(kJetStreamBit),
    sdk::option("max_age", RST_TYPE_DURATION, RST_SCOPE_ADMIN, "of a stream's messages; 0: no limit")
        .defaults("0s")
        .unit(RST_UNIT_SECOND)
        .kinds(kJetStreamBit),
    sdk::option("max_messages_per_subject", RST_TYPE_U64, RST_SCOPE_ADMIN, "of a stream; 0: no limit")
        .defaults("0")
        .range(0, std::int64_t{1} << 40)
        .unit(RST_UNIT_MESSAGE)
        .kinds(kJetStreamBit),
    sdk::option("max_message_size", RST_TYPE_SIZE, RST_SCOPE_ADMIN, "of a stream; 0: what the server takes")
        .defaults("0")
        .range(0, static_cast<std::int64_t>(kStreamMaxPayload))
        .unit(RST_UNIT_BYTE)
        .kinds(kJetStreamBit),
    sdk::option("replicas", RST_TYPE_U64, RST_SCOPE_ADMIN, "servers that keep a stream")
        .defaults("1")
        .range(1, 5)
        .kinds(kJetStreamBit),
    sdk::option("duplicate_window", RST_TYPE_DURATION, RST_SCOPE_ADMIN,
                "how long a stream remembers message ids; else two minutes, or its max_age")
        .range(1'000'000, kLongestWait.count())
        .unit(RST_UNIT_SECOND)
        .kinds(kJetStreamBit),
    sdk::option("filter", RST_TYPE_STRING, RST_SCOPE_ADMIN, "subjects of a consumer; else all of its stream")
        .kinds(kJetStreamBit)
        .with(RST_OPTION_LIST),
    sdk::option("update", RST_TYPE_BOOL, RST_SCOPE_ADMIN, "create changes what is there already, instead of EXISTS")
        .defaults("false")
        .kinds(kJetStreamBit),
};

inline constexpr std::array kJetStreamKinds{
    sdk::kind("jetstream", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER | RST_ROLE_ADMIN, kJetStreamCaps,
              "a pull consumer of a stream: at least once; publishes are acknowledged by the stream"),
    sdk::kind("ordered", RST_ROLE_SUBSCRIPTION, kOrderedCaps,
              "reads a stream in its order without settling, and begins again where it was when something is missing"),
};

enum StreamField : std::uint32_t {
  kFieldStream = 1,
  kFieldConsumer,
  kFieldSequence,
  kFieldConsumerSequence,
  kFieldPending,
};
inline constexpr std::array kJetStreamFields{
    sdk::field(kFieldStream, "nats.stream", RST_TYPE_STRING, "the stream", kStreamBits),
    sdk::field(kFieldConsumer, "nats.consumer", RST_TYPE_STRING, "the consumer", kStreamBits),
    sdk::field(kFieldSequence, "nats.sequence", RST_TYPE_U64, "the number in the stream", kStreamBits),
    sdk::field(kFieldConsumerSequence, "nats.consumer_sequence", RST_TYPE_U64,
               "the number of this delivery among all of the consumer", kStreamBits),
    sdk::field(kFieldPending, "nats.pending", RST_TYPE_U64, "what the consumer has not delivered yet, behind this one",
               kStreamBits),
};

}  // namespace ruststream::nats
