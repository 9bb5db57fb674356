// What is to happen later on the I/O thread.
#pragma once

#include "time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace ruststream::nats {

/// Each runs once, at or soon after its time. For what is rare: a timer is an allocation. Where many things wait with
/// the same timeout, one timer for the first of them does. [I/O thread]
class Timers {
 public:
  using Key = std::pair<Time, std::uint64_t>;
  static constexpr Key kNone{kNever, 0};

  Key at(Time due, std::function<void()> run) {
    const Key key{due, ++last_};
    waiting_.emplace(key, std::move(run));
    return key;
  }
  /// Of one that has run already, or none: nothing. Sets the key to none.
  void cancel(Key& key) {
    waiting_.erase(key);
    key = kNone;
  }
  [[nodiscard]] Time next() const { return waiting_.empty() ? kNever : waiting_.begin()->first.first; }
  void run(Time now) {
    while (!waiting_.empty() && waiting_.begin()->first.first <= now) {
      const auto first = waiting_.extract(waiting_.begin());
      first.mapped()();
    }
  }

 private:
  std::map<Key, std::function<void()>> waiting_;
  std::uint64_t last_ = 0;
};

}  // namespace ruststream::nats
