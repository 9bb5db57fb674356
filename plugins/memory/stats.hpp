// Exact numbers about a broker and its objects.
#pragma once

#include "broker.hpp"

#include <ruststream/abi/ext/stats.h>
#include <ruststream/sdk/text.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace ruststream::memory {

inline constexpr std::uint32_t kStatStored = RST_STAT_VENDOR;           // by a topic
inline constexpr std::uint32_t kStatStoredBytes = RST_STAT_VENDOR + 1;  // by a topic
inline constexpr std::uint32_t kStatTopics = RST_STAT_VENDOR + 2;       // of the broker
inline constexpr std::uint32_t kStatGroups = RST_STAT_VENDOR + 3;       // of the broker

namespace detail {
constexpr rst_stat_decl stat(std::uint32_t id, std::string_view name, std::uint16_t type, std::string_view doc,
                             std::uint16_t unit = RST_UNIT_MESSAGE) {
  return {sdk::rst(name), sdk::rst(doc), id, type, unit};
}
}  // namespace detail

inline constexpr std::array kStatDecls{
    detail::stat(RST_STAT_WAITING, "waiting", RST_STAT_GAUGE, "messages of the group that could be delivered now"),
    detail::stat(RST_STAT_UNSETTLED, "unsettled", RST_STAT_GAUGE, "messages delivered and not settled"),
    detail::stat(RST_STAT_DELAYED, "delayed", RST_STAT_GAUGE, "messages held until their publish or retry is due"),
    detail::stat(RST_STAT_PUBLISHED, "published", RST_STAT_COUNTER, "messages accepted"),
    detail::stat(RST_STAT_DELIVERED, "delivered", RST_STAT_COUNTER, "messages handed to the host"),
    detail::stat(RST_STAT_REDELIVERED, "redelivered", RST_STAT_COUNTER, "of those, the ones that came back before"),
    detail::stat(RST_STAT_ACKED, "acked", RST_STAT_COUNTER, "acknowledgements"),
    detail::stat(RST_STAT_RETRIED, "retried", RST_STAT_COUNTER, "retries, expired acknowledgements among them"),
    detail::stat(RST_STAT_RELEASED, "released", RST_STAT_COUNTER, "releases"),
    detail::stat(RST_STAT_REJECTED, "rejected", RST_STAT_COUNTER, "messages given up"),
    detail::stat(RST_STAT_DEAD_LETTERED, "dead_lettered", RST_STAT_COUNTER, "of those, the ones that were moved"),
    detail::stat(RST_STAT_EXPIRED, "expired", RST_STAT_COUNTER, "messages of the group whose TTL was over"),
    detail::stat(RST_STAT_CAPACITY, "capacity", RST_STAT_GAUGE, "most messages that the topic stores"),
    detail::stat(RST_STAT_MEMBERS, "members", RST_STAT_GAUGE, "subscriptions in the group", RST_UNIT_NONE),
    detail::stat(RST_STAT_CREDIT, "credit", RST_STAT_GAUGE, "messages that may still be delivered"),
    detail::stat(kStatStored, "memory.stored", RST_STAT_GAUGE, "messages that a group or the log still needs"),
    detail::stat(kStatStoredBytes, "memory.stored_bytes", RST_STAT_GAUGE, "their payloads, keys and headers",
                 RST_UNIT_BYTE),
    detail::stat(kStatTopics, "memory.topics", RST_STAT_GAUGE, "topics of the broker", RST_UNIT_NONE),
    detail::stat(kStatGroups, "memory.groups", RST_STAT_GAUGE, "groups of the broker", RST_UNIT_NONE),
};

/// Any thread: each takes the broker's lock.
class Stats {
 public:
  static void of(Broker& broker, std::vector<rst_stat>& stats);
  static std::int32_t of(Broker& broker, const ObjectName& object, std::vector<rst_stat>& stats, sdk::ErrorOut error);
  static std::int32_t of(Broker& broker, const Subscription& subscription, std::vector<rst_stat>& stats,
                         sdk::ErrorOut error);
  static void of(Broker& broker, const Publisher& publisher, std::vector<rst_stat>& stats);
};

}  // namespace ruststream::memory
