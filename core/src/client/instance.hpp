#pragma once
#include "client/op.hpp"
#include "client/slot_table.hpp"
#include "client/subscription_core.hpp"

#include <ruststream/abi.h>
#include <ruststream/error.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace log {
class Logger;
}
namespace detail {

class Errands;

/// Receives the events of a connection or a publisher. [plugin threads; must not call a verb: rule H2]
class EventSink {
 public:
  virtual void on_event(const rst_event& event) noexcept = 0;

 protected:
  ~EventSink() = default;
};

/// One `init` of one plugin: its host table, the names the host gave its objects, and the operations under way. The
/// destructor waits for closes that are still pending, at most kCloseWait, then calls `deinit`. Verbs may be called
/// from any thread; creating and destroying excludes all else.
class Instance {
 public:
  static constexpr std::chrono::seconds kCloseWait{6};

  /// `simulated`: the loop whose time and thread everything shares in a simulation, else null.
  static Result<std::unique_ptr<Instance>> create(const rst_plugin& plugin, log::Logger& logger, Loop* simulated);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  [[nodiscard]] const rst_plugin& plugin() const noexcept { return plugin_; }
  [[nodiscard]] void* handle() const noexcept { return handle_; }
  [[nodiscard]] log::Logger& logger() const noexcept { return logger_; }
  /// Monotonic. [any thread]
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept {
    return simulated_ == nullptr ? std::chrono::steady_clock::now() : simulated_->now();
  }

  /// A registered operation, pending. Throws std::bad_alloc when a million are under way.
  [[nodiscard]] Op* start(std::chrono::nanoseconds timeout);
  void release(Op& op) noexcept;
  /// Calls a verb with an operation: `verb(op id, error)` returns DONE, PENDING or −code and may write `value`.
  template <class Verb>
  OpRef call(std::chrono::nanoseconds timeout, Verb&& verb) {
    Op* const op = start(timeout);
    rst_error error{};
    std::uint64_t value = 0;
    const std::int32_t status = verb(op->id, value, error);
    if (status != RST_PENDING) op->finish(status, value, error);
    return OpRef(op);
  }
  /// The same for a verb that opens something: what it opened and nobody took, for the waiter gave up, is aborted.
  template <class Verb>
  OpRef open(std::chrono::nanoseconds timeout, Verb&& verb) {
    OpRef opening = call(timeout, std::forward<Verb>(verb));
    opening.get()->on_end = [](Op& op) noexcept { op.instance->abort_unclaimed(op); };
    return opening;
  }
  /// A close whose end nobody awaits but the destructor.
  void close_later(OpRef op);
  [[nodiscard]] Errands& errands() noexcept { return *errands_; }

  [[nodiscard]] std::uint64_t name(EventSink& sink);
  void forget(std::uint64_t id);

  SlotTable<SubscriptionCore> subscriptions;

 private:
  Instance(const rst_plugin& plugin, log::Logger& logger, Loop* simulated);
  /// Names from the counter and ids of slots must not meet (rule C3).
  static constexpr std::uint64_t kNamedByCounter = 1ULL << 63;
  static Instance& of(const rst_host* host) noexcept { return *static_cast<Instance*>(host->ctx); }
  void on_event(const rst_event& event) noexcept;
  void abort_unclaimed(Op& op) noexcept;
  void await_closes();
  void on_log(const rst_log& line) noexcept;

  const rst_plugin& plugin_;
  log::Logger& logger_;
  Loop* const simulated_;
  void* handle_ = nullptr;
  rst_host host_{};
  SlotTable<Op> ops_;
  std::mutex names_mutex_;  // events only: never on the message path
  std::uint64_t last_name_ = 0;
  std::unordered_map<std::uint64_t, EventSink*> names_;
  std::mutex closing_mutex_;
  std::vector<OpRef> closing_;
  std::unique_ptr<Errands> errands_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
