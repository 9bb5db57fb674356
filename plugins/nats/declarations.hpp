// What the plugin declares: the tables of its parts, joined.
#pragma once

#include "connection_options.hpp"
#include "core_declarations.hpp"
#include "jetstream_declarations.hpp"

#include <ruststream/abi/ext/stats.h>

#include <algorithm>
#include <array>

namespace ruststream::nats {

template <typename T, std::size_t... Sizes>
consteval auto join(const std::array<T, Sizes>&... parts) {
  std::array<T, (Sizes + ...)> all{};
  auto* at = all.data();
  ((at = std::copy(parts.begin(), parts.end(), at)), ...);
  return all;
}

inline constexpr std::uint32_t kCore = 0;  // indices of kKindTable
inline constexpr std::array kCoreKinds{
    sdk::kind("core", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kCoreCaps,
              "subjects, wildcards and queue groups: to whoever listens now, at most once"),
};

inline constexpr auto kKindTable = join(kCoreKinds, kJetStreamKinds);
inline constexpr auto kOptionTable =
    join(kConnectionOptions, kCoreOptions, kStreamAdminOptions, kConsumerOptions, kStreamPublishOptions);
inline constexpr auto& kFieldTable = kJetStreamFields;

constexpr rst_stat_decl stat(std::uint32_t id, std::string_view name, std::uint16_t type, std::string_view doc) {
  return {sdk::rst(name), sdk::rst(doc), id, type, RST_UNIT_MESSAGE};
}
inline constexpr std::array kStatTable{
    stat(RST_STAT_WAITING, "waiting", RST_STAT_GAUGE,
         "not delivered yet; of a stream, as the server's last delivery said"),
    stat(RST_STAT_UNSETTLED, "unsettled", RST_STAT_GAUGE, "delivered and not settled"),
    stat(RST_STAT_PUBLISHED, "published", RST_STAT_COUNTER, "handed over"),
    stat(RST_STAT_DELIVERED, "delivered", RST_STAT_COUNTER, "redeliveries included"),
    stat(RST_STAT_REDELIVERED, "redelivered", RST_STAT_COUNTER, "delivered a second time or more"),
    stat(RST_STAT_ACKED, "acked", RST_STAT_COUNTER, "processed"),
    stat(RST_STAT_RETRIED, "retried", RST_STAT_COUNTER, "failed"),
    stat(RST_STAT_RELEASED, "released", RST_STAT_COUNTER, "given back unprocessed"),
    stat(RST_STAT_REJECTED, "rejected", RST_STAT_COUNTER, "given up"),
    stat(RST_STAT_DROPPED, "dropped", RST_STAT_COUNTER, "lost because too many waited for a slow handler"),
    stat(RST_STAT_CREDIT, "credit", RST_STAT_GAUGE, "that may still be delivered"),
    stat(RST_STAT_IN_FLIGHT, "in_flight", RST_STAT_GAUGE, "published and not acknowledged yet"),
};

}  // namespace ruststream::nats
