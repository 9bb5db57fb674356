#pragma once
#include "cases/messages.hpp"

namespace conformance {

/// A short life of whatever the case's kind can, at an address of its own: connects, subscribes, publishes, takes,
/// settles, closes. Everything is closed when it returns, the instance is not ended.
inline void live(Instance& instance) {
  Test& t = instance.test;
  const std::string address = t.address("life");
  const Connection on = instance.connect();
  const bool consumes = t.kind.consumes() && t.publish_kind.publishes();
  Subscription sub;
  if (consumes) sub = instance.subscribe({.addresses = {address}, .connection = on});
  if (t.publish_kind.publishes()) {
    const Publisher out = instance.publisher({.destination = address, .connection = on});
    if (consumes) {
      out.send(numbered(5));
      for (const Message& message : sub.next(5)) finish(sub, message);
    }
    (void)out.close().wait();
  }
  (void)on.close().wait();
}

/// A whole life, init and deinit included.
inline void live_and_end(Test& t) {
  Instance instance(t);
  live(instance);
  const Outcome ended = instance.deinit();
  t.expect(ended.ok(), "L3", "deinit ends an instance whose connections are closed", ended.said());
}

}  // namespace conformance
