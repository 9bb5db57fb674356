#pragma once
#include "client/environment.hpp"
#include "client/prepare.hpp"
#include "runtime/declarations.hpp"
#include "settings/settings.hpp"

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// From declarations and settings to what will be done, checked by the plugins, before any connection.
namespace ruststream {
inline namespace v0 {
namespace detail {

struct PlannedSubscription {
  SubscriptionDeclaration* declaration = nullptr;
  SubscriptionPlan plan;
  std::uint32_t workers = 1;
  bool keyed = false;
  std::uint32_t batch = 64;
  std::chrono::nanoseconds batch_wait{0};
  std::uint32_t max_attempts = 0;  // of the failure policy
  std::optional<PublisherPlan> replies;
};

struct PlannedPublisher {
  PublisherDeclaration* declaration = nullptr;  // null: the broker's own, without a destination
  PublisherPlan plan;
};

struct PlannedBroker {
  BrokerDeclaration* declaration = nullptr;
  const rst_plugin* plugin = nullptr;
  ConnectionPlan connection;
  std::deque<PlannedSubscription> subscriptions;
  std::deque<PlannedPublisher> publishers;
};

struct AppPlan {
  std::deque<PlannedBroker> brokers;
  std::vector<std::string> warnings;
};

/// Code::option with every problem of the whole app, one per line: unknown schemes, options and names, malformed
/// addresses, capabilities that a registration needs and the kind lacks, registrations that clash. Loads plugins; does
/// no other I/O.
[[nodiscard]] Result<AppPlan> plan_app(std::deque<BrokerDeclaration>& brokers, const settings::Settings& settings,
                                       Environment& environment, const std::string& client_name);

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
