// Connections by what the testkit says of a plugin: one with little room, one that is lost and comes back.
#pragma once
#include "host/test.hpp"

namespace conformance {

inline constexpr std::size_t kMoreThanFits = 2000;  // messages on a narrow connection

/// A connection on which a few messages are all that fits.
[[nodiscard]] inline Connection narrow(Test& t) {
  if (t.testkit.backpressure_options.empty()) Test::skip("the testkit names no backpressure_options");
  return t.instance().connect({.options = t.testkit.backpressure_options});
}

/// Whether PUB_WRITABLE comes to the publisher.
[[nodiscard]] inline bool writable(Test& t, const Publisher& out, std::chrono::nanoseconds at_most) {
  return t.instance().await_event(RST_EVENT_PUB_WRITABLE, out.id, at_most).has_value();
}

/// A connection that will be lost, and comes back.
[[nodiscard]] inline Connection fragile_connection(Test& t) {
  if (t.testkit.disconnect_options.empty()) Test::skip("the testkit names no disconnect_options");
  return t.instance().connect({.options = t.testkit.disconnect_options});
}

}  // namespace conformance
