// What the plugin declares: the tables of its parts, joined.
#pragma once

#include "connection_options.hpp"
#include "core_declarations.hpp"
#include "jetstream_declarations.hpp"

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

}  // namespace ruststream::nats
