// One connection to a broker: whose options its objects follow.
#pragma once

#include "topic.hpp"

#include <ruststream/sdk/registry.hpp>

#include <cstdint>

namespace ruststream::memory {

struct ConnectionOptions {
  TopicOptions topics;         // of those that it names first
  bool creates_topics = true;  // else an unknown one is NOT_FOUND
  std::uint64_t max_payload = 0;
  std::uint64_t request_timeout_ns = 0;  // of requests that name none
};

/// Part of the host's object, whose handle and life the SDK keeps.
struct Connection {
  explicit Connection(sdk::Object& owner) noexcept : object(owner) {}

  sdk::Object& object;
  ConnectionOptions options;
};

}  // namespace ruststream::memory
