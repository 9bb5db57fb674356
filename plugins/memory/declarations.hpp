// What the plugin declares: options, kinds, capabilities, fields.
#pragma once

#include "batches.hpp"
#include "broker.hpp"
#include "in_flight.hpp"
#include "record.hpp"

#include <ruststream/sdk/declare.hpp>

namespace ruststream::memory {

enum Kind : std::uint32_t { kTopic, kLog };

inline constexpr std::uint32_t kDefaultBatch = 64;
inline constexpr std::uint64_t kMaxPayload = Record::kMaxBytes / 2;  // leaves room for key and headers

inline constexpr std::int64_t kLongest = std::int64_t{24} * 3'600'000'000'000;  // of a duration: a day
inline constexpr std::uint32_t kMostAssigned = 1024;  // partitions of a topic: each delivery looks through them

inline constexpr rst_str kTopicsChoices[] = {sdk::rst("create"), sdk::rst("existing")};
inline constexpr rst_str kAssignChoices[] = {sdk::rst("shared"), sdk::rst("partitions")};
inline constexpr rst_str kStartChoices[] = {sdk::rst("earliest"), sdk::rst("latest")};

inline constexpr sdk::Option kOptionTable[] = {
    sdk::option("capacity", RST_TYPE_U64, RST_SCOPE_CONNECTION | RST_SCOPE_ADMIN,
                "most messages that one topic stores; then publishers wait")
        .defaults("1048576")
        .range(1, std::int64_t{1} << 40)
        .unit(RST_UNIT_MESSAGE),
    sdk::option("capacity_bytes", RST_TYPE_SIZE, RST_SCOPE_CONNECTION | RST_SCOPE_ADMIN,
                "most bytes of payloads, keys and headers that one topic stores; then publishers wait")
        .defaults("1GiB")
        .range(1, std::int64_t{1} << 46)
        .unit(RST_UNIT_BYTE),
    sdk::option("partitions", RST_TYPE_U64, RST_SCOPE_CONNECTION | RST_SCOPE_ADMIN,
                "ordering domains that keys are spread over; 0: keys give no partition")
        .defaults("0")
        .range(0, 65536),
    sdk::option(
        "assign", RST_TYPE_ENUM, RST_SCOPE_CONNECTION | RST_SCOPE_ADMIN,
        "shared: the members of a group share all messages; partitions: each partition has one member, and moves "
        "when members come and go")
        .defaults("shared")
        .one_of(kAssignChoices),
    sdk::option("topics", RST_TYPE_ENUM, RST_SCOPE_CONNECTION,
                "create: a topic is made when it is first named; existing: an unknown one is NOT_FOUND")
        .defaults("create")
        .one_of(kTopicsChoices),
    sdk::option("max_payload", RST_TYPE_SIZE, RST_SCOPE_CONNECTION, "largest payload that may be published")
        .defaults("16MiB")
        .range(1, static_cast<std::int64_t>(kMaxPayload))
        .unit(RST_UNIT_BYTE),
    sdk::option("op_timeout", RST_TYPE_DURATION, RST_SCOPE_CONNECTION,
                "how long a request or transaction lasts that names no timeout")
        .defaults("30s")
        .range(1, kLongest)
        .unit(RST_UNIT_SECOND),
    sdk::option("disconnect_after", RST_TYPE_DURATION, RST_SCOPE_CONNECTION,
                "for tests: the connection is lost this long after it came up; 0: never")
        .defaults("0s")
        .range(0, kLongest)
        .unit(RST_UNIT_SECOND)
        .with(RST_OPTION_EXPERT),
    sdk::option("disconnect_messages", RST_TYPE_U64, RST_SCOPE_CONNECTION,
                "for tests: the connection is lost when this many messages were published on it; 0: never")
        .defaults("0")
        .range(0, std::int64_t{1} << 40)
        .unit(RST_UNIT_MESSAGE)
        .with(RST_OPTION_EXPERT),
    sdk::option("reconnect_delay", RST_TYPE_DURATION, RST_SCOPE_CONNECTION,
                "for tests: how long a lost connection stays away")
        .defaults("100ms")
        .range(1, kLongest)
        .unit(RST_UNIT_MILLISECOND)
        .with(RST_OPTION_EXPERT),
    sdk::option("ack_timeout", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION,
                "an unsettled delivery comes back as a retry after this; 0: never")
        .defaults("0s")
        .range(0, kLongest)
        .unit(RST_UNIT_SECOND),
    sdk::option("revoke_timeout", RST_TYPE_DURATION, RST_SCOPE_SUBSCRIPTION,
                "how long a revoked partition waits for the answer; then it is lost")
        .defaults("10s")
        .range(1, kLongest)
        .unit(RST_UNIT_SECOND),
    sdk::option("start", RST_TYPE_ENUM, RST_SCOPE_ADMIN, "where a new group of a log begins")
        .defaults("earliest")
        .one_of(kStartChoices)
        .kinds(1U << kLog),
};

inline constexpr auto kCapacityOption = sdk::index_of(kOptionTable, "capacity");
inline constexpr auto kCapacityBytesOption = sdk::index_of(kOptionTable, "capacity_bytes");
inline constexpr auto kPartitionsOption = sdk::index_of(kOptionTable, "partitions");
inline constexpr auto kAssignOption = sdk::index_of(kOptionTable, "assign");
inline constexpr auto kDisconnectAfterOption = sdk::index_of(kOptionTable, "disconnect_after");
inline constexpr auto kDisconnectMessagesOption = sdk::index_of(kOptionTable, "disconnect_messages");
inline constexpr auto kReconnectDelayOption = sdk::index_of(kOptionTable, "reconnect_delay");
inline constexpr auto kRevokeTimeoutOption = sdk::index_of(kOptionTable, "revoke_timeout");
inline constexpr auto kTopicsOption = sdk::index_of(kOptionTable, "topics");
inline constexpr auto kMaxPayloadOption = sdk::index_of(kOptionTable, "max_payload");
inline constexpr auto kOpTimeoutOption = sdk::index_of(kOptionTable, "op_timeout");
inline constexpr auto kAckTimeoutOption = sdk::index_of(kOptionTable, "ack_timeout");
inline constexpr auto kStartOption = sdk::index_of(kOptionTable, "start");

inline constexpr std::uint64_t kAllHeaders = RST_HEADERS_ANY_VALUE | RST_HEADERS_ANY_NAME | RST_HEADERS_ORDER |
                                             RST_HEADERS_DUPLICATES | RST_HEADERS_EMPTY | RST_HEADERS_NULL |
                                             RST_HEADERS_TYPED | RST_HEADERS_CASE;
inline constexpr std::uint64_t kAllPayloads = RST_PAYLOAD_EMPTY | RST_PAYLOAD_NULL | RST_PAYLOAD_BYTES;

// What both kinds can do, then what only the one can. The SDK looks confirms up in each call that wants one: they come
// early.
#define RUSTSTREAM_MEMORY_COMMON_CAPS                                                                             \
  sdk::cap(RST_CAP_SETTLE), sdk::cap(RST_CAP_SETTLE_CONFIRM), sdk::cap(RST_CAP_PUBLISH_CONFIRM),                  \
      sdk::cap(RST_CAP_RETRY), sdk::cap(RST_CAP_RETRY_AFTER),                                                     \
      sdk::cap(RST_CAP_RETRY_POSITION, RST_LEVEL_NATIVE, RST_RETRY_FRONT), sdk::cap(RST_CAP_RELEASE),             \
      sdk::cap(RST_CAP_REJECT), sdk::cap(RST_CAP_REJECT_TO), sdk::cap(RST_CAP_EXTEND), sdk::cap(RST_CAP_ATTEMPT), \
      sdk::cap(RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, RST_OVERFLOW_BLOCK), sdk::cap(RST_CAP_PARTITIONS),             \
      sdk::cap(RST_CAP_BATCH, RST_LEVEL_NATIVE, Batches::kMaxMessages), sdk::cap(RST_CAP_GROUP),                  \
      sdk::cap(RST_CAP_PUBLISH_ORDER), sdk::cap(RST_CAP_UNROUTED), sdk::cap(RST_CAP_KEY),                         \
      sdk::cap(RST_CAP_HEADERS, RST_LEVEL_NATIVE, kAllHeaders),                                                   \
      sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, kAllPayloads),                                                  \
      sdk::cap(RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, kMaxPayload, RST_CAP_CONDITIONAL),                          \
      sdk::cap(RST_CAP_MAX_HEADERS, RST_LEVEL_NATIVE, Record::kMaxHeaders), sdk::cap(RST_CAP_REQUEST),            \
      sdk::cap(RST_CAP_MATCH), sdk::cap(RST_CAP_TTL), sdk::cap(RST_CAP_DELAY), sdk::cap(RST_CAP_TX_PUBLISH),      \
      sdk::cap(RST_CAP_TX_SETTLE)
inline constexpr rst_capability kTopicCaps[] = {RUSTSTREAM_MEMORY_COMMON_CAPS, sdk::cap(RST_CAP_WILDCARD),
                                                sdk::cap(RST_CAP_PRIORITY, RST_LEVEL_NATIVE, Record::kHighestPriority)};
inline constexpr rst_capability kLogCaps[] = {RUSTSTREAM_MEMORY_COMMON_CAPS,
                                              sdk::cap(RST_CAP_SEEK, RST_LEVEL_NATIVE, 0, RST_CAP_SHARED),
                                              sdk::cap(RST_CAP_POSITION), sdk::cap(RST_CAP_RECEIPT)};
#undef RUSTSTREAM_MEMORY_COMMON_CAPS

inline constexpr std::uint32_t kAllRoles = RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER | RST_ROLE_ADMIN;
inline constexpr rst_kind kKindTable[] = {
    sdk::kind("topic", kAllRoles, kTopicCaps, "a queue for each group; what is settled is gone"),
    sdk::kind("log", kAllRoles, kLogCaps, "retained in the order of offsets; each group has a cursor and may seek"),
};

inline constexpr rst_field_decl kFieldTable[] = {
    sdk::field(kFieldSequence, "memory.sequence", RST_TYPE_U64,
               "the offset in a log, else the broker's message number"),
};

}  // namespace ruststream::memory
