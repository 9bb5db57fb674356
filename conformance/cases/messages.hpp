#pragma once
#include "host/test.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// Messages with the payloads m0, m1, m2 …
[[nodiscard]] inline std::vector<Out> numbered(std::size_t count, std::string_view prefix = "m") {
  std::vector<Out> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back({.payload = std::string(prefix) + std::to_string(i)});
  return all;
}

/// Publishes so many to the case's address and takes them, unsettled.
[[nodiscard]] inline std::vector<Message> exchange(Test& t, const Subscription& sub, std::size_t count) {
  t.publisher().send(numbered(count));
  return sub.next(count);
}

/// Makes the case's log, for a broker that makes it for its first subscription: one of another group, where there are
/// any.
inline void subscribe_once(Test& t) {
  (void)t.subscribe({.group = t.kind.can(RST_CAP_GROUP) ? "elsewhere" : ""}).close().wait();
}

/// Acknowledges where the kind settles at all.
inline void finish(const Subscription& sub, const Message& message) {
  if (message.token != 0) sub.ack(message);
}

/// The earliest, or the latest.
[[nodiscard]] inline rst_position position(std::uint16_t kind) {
  rst_position made{};
  made.kind = kind;
  return made;
}

/// Where a message lies, of a kind that declares POSITION.
[[nodiscard]] inline rst_position position_of(Test& t, const Message& message) {
  const Lent<rst_position> lent("rst_batch_ops.position's position");
  rst_batch& batch = message.batch->raw();
  t.expect(batch.ops->position != nullptr, "cap", "a kind that declares POSITION has rst_batch_ops.position", "null");
  t.expect_code(-batch.ops->position(&batch, message.index, lent.get()), RST_OK, "cap", "position");
  return *lent;
}

/// Notes that it came; where it came before, and was acknowledged, the case fails by S1.
inline void once(Test& t, std::set<std::string>& seen, const Message& message) {
  t.expect(seen.insert(message.payload).second, "S1", "an acknowledged message does not come again",
           quoted(message.payload) + " did");
}

using Payloads = std::multiset<std::string>;
[[nodiscard]] inline Payloads payloads(const std::vector<Message>& messages) {
  Payloads all;
  for (const Message& each : messages) all.insert(each.payload);
  return all;
}
[[nodiscard]] inline Payloads payloads(const std::vector<Out>& messages) {
  Payloads all;
  for (const Out& each : messages) all.insert(each.payload);
  return all;
}

}  // namespace conformance
