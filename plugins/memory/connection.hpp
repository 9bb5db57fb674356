// One connection to a broker: whose options its objects follow.
#pragma once

#include "alarms.hpp"
#include "topic.hpp"

#include <ruststream/sdk/registry.hpp>

#include <cstdint>
#include <vector>

namespace ruststream::memory {

struct Publisher;

struct ConnectionOptions {
  TopicOptions topics;         // of those that it names first
  bool creates_topics = true;  // else an unknown one is NOT_FOUND
  std::uint64_t max_payload = 0;
  std::uint64_t request_timeout_ns = 0;  // of requests and transactions that name none

  // The emulated loss of a connection; 0: never.
  std::uint64_t disconnect_after_ns = 0;
  std::uint64_t disconnect_messages = 0;
  std::uint64_t reconnect_delay_ns = 0;
};

/// Part of the host's object, whose handle and life the SDK keeps. Guarded by the broker's lock, but for the options.
struct Connection : Alarm {
  explicit Connection(sdk::Object& owner) noexcept : Alarm(Kind::kLink), object(owner) {}

  sdk::Object& object;
  ConnectionOptions options;
  bool down = false;
  std::uint64_t published = 0;         // since it is up; counted where the options say so
  std::vector<Publisher*> publishers;  // that are open
};

}  // namespace ruststream::memory
