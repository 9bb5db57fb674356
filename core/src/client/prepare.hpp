#pragma once
#include "options/option_set.hpp"
#include "options/setting.hpp"

#include <ruststream/abi.h>
#include <ruststream/client.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// From what a user wrote to a spec that the plugin has validated, before any I/O. All pure and any-thread; an error
/// lists every problem, one per line.
namespace ruststream {
inline namespace v0 {
namespace detail {

/// What `validate` answered about one spec.
struct Plan {
  std::uint32_t flags = 0;
  std::uint32_t max_unsettled = 0;
  std::uint32_t max_batch = 0;
  std::uint32_t default_window = 0;
  std::uint64_t max_payload = 0;
  std::uint64_t max_delay_ns = 0;
  std::chrono::nanoseconds ack_deadline{0};
  std::string copy_address;
  std::string group_key;
  std::vector<rst_capability> capabilities;
  std::vector<std::string> warnings;

  /// The capability of that id, or one of level NONE.
  [[nodiscard]] rst_capability capability(std::uint32_t id) const noexcept;
  [[nodiscard]] bool can(std::uint32_t id) const noexcept { return capability(id).level != RST_LEVEL_NONE; }
};

struct ConnectionPlan {
  std::string url;      // may hold secrets
  std::string display;  // does not
  std::string client_name;
  options::OptionSet options;
  bool retry_initial = false;
  std::chrono::nanoseconds timeout{};

  /// Borrows from this.
  [[nodiscard]] rst_connection_spec spec() const noexcept;
};

struct SubscriptionPlan {
  std::string address;
  SubscribeOptions wanted;
  std::uint32_t kind = 0;
  options::OptionSet options;
  Plan plan;
  std::uint32_t window = 0;  // most unsettled messages, ARCHITECTURE's one formula

  /// Borrows from this.
  [[nodiscard]] rst_subscription_spec spec(const rst_str& address_storage) const noexcept;
};

struct PublisherPlan {
  std::string destination;
  PublisherOptions wanted;
  std::uint32_t kind = 0;
  options::OptionSet options;
  Plan plan;

  [[nodiscard]] rst_publisher_spec spec() const noexcept;
};

[[nodiscard]] std::vector<options::Setting> to_settings(const PluginOptions& pairs, const std::string& source);

[[nodiscard]] Result<ConnectionPlan> plan_connection(const rst_plugin& plugin, const std::string& url,
                                                     const ConnectOptions& wanted,
                                                     std::vector<options::Setting> settings);
[[nodiscard]] Result<SubscriptionPlan> plan_subscription(const rst_plugin& plugin, std::string address,
                                                         SubscribeOptions wanted,
                                                         std::vector<options::Setting> settings,
                                                         std::uint32_t workers = 1);
[[nodiscard]] Result<PublisherPlan> plan_publisher(const rst_plugin& plugin, std::string destination,
                                                   PublisherOptions wanted, std::vector<options::Setting> settings);

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
