#pragma once

#include "options/setting.hpp"
#include "settings/sections.hpp"

#include <ruststream/error.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::settings {

/// Most of anything a setting can ask for; a larger number is a typing error, not a wish.
inline constexpr std::int64_t kMaxWorkers = 65'536;
inline constexpr std::int64_t kMaxBatch = 65'536;
inline constexpr std::int64_t kMaxInFlight = 1'048'576;
inline constexpr std::int64_t kMaxAttempts = 1'000'000;

/// What the runtime itself understands below `subscription.NAME`; everything else goes to the plugin's option table.
inline constexpr std::array<std::string_view, 12> kSubscriptionKeys{
    "kind",  "address",    "group",     "durable",        "workers",      "by_key",
    "batch", "batch_wait", "in_flight", "max_processing", "max_attempts", "dead_letter"};

/// A subscription's settings, each present only when somebody outside the code wrote it.
struct Subscription {
  std::optional<std::string> kind;
  std::optional<std::vector<std::string>> addresses;
  std::optional<std::string> group;
  std::optional<std::string> durable;
  std::optional<std::uint32_t> workers;
  std::optional<bool> by_key;
  std::optional<std::uint32_t> batch;
  std::optional<std::chrono::nanoseconds> batch_wait;
  std::optional<std::uint32_t> in_flight;
  std::optional<std::chrono::nanoseconds> max_processing;
  std::optional<std::uint32_t> max_attempts;  ///< 0: no limit
  std::optional<std::string> dead_letter;
  std::vector<options::Setting> plugin;  ///< for the plugin's option table
};

inline constexpr std::array<std::string_view, 3> kPublisherKeys{"kind", "destination", "confirm"};

struct Publisher {
  std::optional<std::string> kind;
  std::optional<std::string> destination;
  std::optional<bool> confirm;
  std::vector<options::Setting> plugin;
};

struct Broker {
  std::optional<std::string> url;  ///< may hold a password
  std::string url_source;          ///< where it was written
  std::vector<options::Setting> plugin;
};

/// Convert one name's entry of assign(). @return Code::option with every mistyped value, one per line.
[[nodiscard]] Result<Subscription> read_subscription(std::span<const Option> options);
[[nodiscard]] Result<Publisher> read_publisher(std::span<const Option> options);
[[nodiscard]] Result<Broker> read_broker(std::span<const Option> options);

}  // namespace ruststream::inline v0::settings
