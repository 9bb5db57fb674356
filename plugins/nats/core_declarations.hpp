// Kind `core`: what it can do and its options.
#pragma once

#include "time.hpp"

#include <ruststream/sdk.hpp>

#include <array>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;

inline constexpr std::uint32_t kCoreKindBit = 1U << 0U;
inline constexpr std::uint32_t kCoreDefaultBatch = 256;
inline constexpr std::uint64_t kServerMaxPayload = 64U << 20U;  // no server can be told to take more

inline constexpr rst_capability kCoreCaps[] = {
    sdk::cap(RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, RST_OVERFLOW_DROP),
    sdk::cap(RST_CAP_BATCH, RST_LEVEL_NATIVE, sdk::BatchPool<>::kMaxBatch),
    sdk::cap(RST_CAP_GROUP),
    sdk::cap(RST_CAP_WILDCARD),
    sdk::cap(RST_CAP_PUBLISH_ORDER),
    sdk::cap(RST_CAP_HEADERS, RST_LEVEL_NATIVE, RST_HEADERS_DUPLICATES | RST_HEADERS_CASE),
    sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES),
    sdk::cap(RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, kServerMaxPayload, RST_CAP_CONDITIONAL),
    sdk::cap(RST_CAP_REQUEST),
    sdk::cap(RST_CAP_MATCH),
};

inline constexpr std::array kCoreOptions{
    sdk::option("pending_messages", RST_TYPE_U64, RST_SCOPE_SUBSCRIPTION,
                "messages that wait in the plugin for a slow handler; what is more is lost and reported")
        .defaults("65536")
        .range(1, 1 << 26)
        .unit(RST_UNIT_MESSAGE)
        .kinds(kCoreKindBit),
    sdk::option("pending_bytes", RST_TYPE_SIZE, RST_SCOPE_SUBSCRIPTION, "the same in bytes")
        .defaults("64MiB")
        .range(1, std::int64_t{1} << 34)
        .unit(RST_UNIT_BYTE)
        .kinds(kCoreKindBit),
};

}  // namespace ruststream::nats
