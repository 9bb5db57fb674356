#pragma once
// The one PUB_WRITABLE that follows a publish that was cut short (rule P4).

#include <ruststream/sdk/registry.hpp>

#include <algorithm>

namespace ruststream::sdk {

/// Publishers that wait for room: one per broker or connection, all of a publisher's refusals in the same one. Outlives
/// them.
class Refusals {
 public:
  /// There is room: one PUB_WRITABLE to each that waits. No lock held. [any-thread]
  void wake() {
    if (!any_.load(std::memory_order_acquire)) return;
    std::vector<Object*> woken;
    {
      const std::lock_guard lock{mutex_};
      any_.store(false, std::memory_order_relaxed);
      woken.swap(waiting_);
      std::erase_if(woken, [](Object* publisher) { return !publisher->try_pin(); });
    }
    for (Object* publisher : woken) {
      publisher->host().send(Host::event(RST_EVENT_PUB_WRITABLE, publisher->about()));
      publisher->unpin();
    }
  }

 private:
  friend class Publisher;

  void add(Object& publisher) {
    const std::lock_guard lock{mutex_};
    if (std::find(waiting_.begin(), waiting_.end(), &publisher) == waiting_.end()) waiting_.push_back(&publisher);
    any_.store(true, std::memory_order_release);
  }
  void remove(Object& publisher) noexcept {
    const std::lock_guard lock{mutex_};
    std::erase(waiting_, &publisher);
  }

  std::mutex mutex_;
  std::vector<Object*> waiting_;
  std::atomic<bool> any_{false};
};

}  // namespace ruststream::sdk
