// Requests that wait for their reply.
#pragma once

#include "alarms.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ruststream::memory {

struct Connection;

struct Request : Alarm {
  Request(Connection& owner, std::uint64_t request_op) : Alarm(Kind::kRequest), connection(owner), op(request_op) {}

  Connection& connection;
  const std::uint64_t op;
  std::uint64_t number = 0;
};

/// Each request has a reply address of its own, which exists as long as it waits. Guarded by the broker's lock.
class Requests {
 public:
  static constexpr std::size_t kMostWaiting = 1U << 20;

  /// Replies go to these addresses, never to a topic: nobody can listen in.
  [[nodiscard]] static bool is_inbox(std::string_view destination) noexcept { return destination.starts_with(kPrefix); }
  [[nodiscard]] static std::string inbox(const Request& request) { return kPrefix + std::to_string(request.number); }

  [[nodiscard]] bool full() const noexcept { return waiting_.size() >= kMostWaiting; }
  Request& add(Connection& connection, std::uint64_t op);
  /// Takes the request out that waits at this address; nullptr when there is none (any more).
  std::unique_ptr<Request> take(std::string_view inbox);
  std::unique_ptr<Request> take(Request& request);
  /// Takes out all of one connection.
  std::vector<std::unique_ptr<Request>> take_all(const Connection& connection);

  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  static constexpr const char* kPrefix = "_inbox.";

  std::unordered_map<std::uint64_t, std::unique_ptr<Request>> waiting_;
  std::uint64_t last_number_ = 0;
};

}  // namespace ruststream::memory
