#pragma once
#include "client/publisher_core.hpp"

#include <ruststream/app.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

/// What an app's code declares, before settings and plugins have their say. Plain data.
namespace ruststream {
inline namespace v0 {
namespace detail {

struct SubscriptionDeclaration {
  std::string name;
  std::string address;
  SubscribeOptions options;
  std::unique_ptr<Handler> handler;
  const Codec* codec = &json();
  std::optional<std::uint32_t> workers;
  bool keyed = false;
  std::optional<std::uint32_t> batch;
  std::chrono::nanoseconds batch_wait{0};
  std::optional<std::uint32_t> max_attempts;
  std::string reply_to;
  std::optional<FailurePolicy> on_failure;
  FailurePolicy on_decode_failure = kReject;
  bool at_most_once = false;
};

struct PublisherDeclaration {
  std::string name;
  std::string destination;
  PublisherOptions options;
  std::shared_ptr<PublisherCore> core;
};

struct BrokerDeclaration {
  std::string name;  // empty: the app's only broker, unnamed
  std::string url;
  std::deque<SubscriptionDeclaration> subscriptions;  // addresses stay: Registration refers to them
  std::deque<PublisherDeclaration> publishers;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
