// What hosts for tests have in common: they record completions, events and logs. What becomes of a batch is up to the
// class on top. Not libruststream's.
#pragma once

#include <ruststream/abi.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ruststream::test {

inline rst_str str(std::string_view text) { return {text.data(), text.size()}; }

struct Event {
  std::uint32_t kind;
  std::uint64_t subject, value;
  std::uint64_t answer = 0, deadline_ns = 0;
  std::vector<std::uint32_t> partitions = {};
  std::uint32_t generation = 0;  // of its partitions
  std::int32_t code = 0;         // of its error
  std::string text = {};         // its own, or its error's
};

struct Completion {
  std::int32_t status;
  std::uint64_t value;
  std::string text = {};  // of its error
};

/// A plugin may call it on any thread.
class RecordingHost {
 public:
  RecordingHost(const RecordingHost&) = delete;
  RecordingHost& operator=(const RecordingHost&) = delete;

  [[nodiscard]] const rst_host* table() const { return &table_; }

  std::vector<Event> take_events() { return take(events_); }
  std::vector<std::string> take_logs() { return take(logs_); }
  [[nodiscard]] bool is_complete(std::uint64_t op) {
    const std::lock_guard lock(mutex_);
    return completed_.contains(op);
  }
  /// Waits for the one completion of an operation.
  Completion await(std::uint64_t op) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(10), [&] { return completed_.contains(op); }))
        << "op " << op;
    EXPECT_EQ(completed_.count(op), 1U) << "op " << op;
    const auto found = completed_.find(op);
    return found == completed_.end() ? Completion{-RST_E_TIMEOUT, 0} : found->second;
  }
  std::vector<std::uint64_t> completion_order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }

  void set_log_level(std::uint32_t level) { log_level_ = level; }
  /// Not 0: what `now` says, for both clocks.
  std::atomic<std::int64_t> fixed_now_ns{0};

 protected:
  RecordingHost() {
    table_.struct_size = sizeof table_;
    table_.abi_minor = RST_ABI_MINOR;
    table_.ctx = this;
    table_.name = str("test");
    table_.log_level = &log_level_;
    table_.deliver = [](const rst_host* host, rst_batch* batch) { return self(host).deliver(batch); };
    table_.complete = [](const rst_host* host, const rst_completion* all, std::uint32_t count, std::uint32_t stride) {
      for (std::uint32_t i = 0; i < count; ++i) {
        const auto* const at = reinterpret_cast<const std::byte*>(all) + std::size_t{i} * stride;
        self(host).complete(*reinterpret_cast<const rst_completion*>(at));
      }
    };
    table_.event = [](const rst_host* host, const rst_event* event) {
      const std::lock_guard lock(self(host).mutex_);
      Event copy{event->kind, event->subject, event->value, event->answer, event->deadline_ns};
      for (std::uint32_t i = 0; i < event->partition_count; ++i) {
        copy.partitions.push_back(event->partitions[i].partition);
        copy.generation = event->partitions[i].generation;
      }
      copy.text.assign(event->text.ptr, event->text.len);
      if (event->error != nullptr) {
        copy.code = event->error->code;
        copy.text.assign(event->error->text, event->error->text_len);
      }
      self(host).events_.push_back(std::move(copy));
      self(host).changed_.notify_all();
    };
    table_.log = [](const rst_host* host, const rst_log* log) {
      const std::lock_guard lock(self(host).mutex_);
      self(host).logs_.emplace_back(log->text.ptr, log->text.len);
    };
    table_.now = [](const rst_host* host, std::uint32_t clock) -> std::int64_t {
      const std::int64_t fixed = self(host).fixed_now_ns;
      if (fixed != 0) return fixed;
      return clock == RST_CLOCK_WALL ? std::chrono::system_clock::now().time_since_epoch().count()
                                     : std::chrono::steady_clock::now().time_since_epoch().count();
    };
    table_.get_extension = [](const rst_host*, rst_str) -> const void* { return nullptr; };
  }
  ~RecordingHost() = default;

  /// What the host's `deliver` is.
  virtual std::int32_t deliver(rst_batch* batch) = 0;

  template <typename Recorded>
  std::vector<Recorded> take(std::vector<Recorded>& all) {
    const std::lock_guard lock(mutex_);
    return std::exchange(all, {});
  }

  std::mutex mutex_;
  std::condition_variable changed_;

 private:
  static RecordingHost& self(const rst_host* host) { return *static_cast<RecordingHost*>(host->ctx); }

  void complete(const rst_completion& completion) {
    const std::lock_guard lock(mutex_);
    Completion copy{completion.status, completion.value};
    if (completion.error != nullptr) copy.text.assign(completion.error->text, completion.error->text_len);
    completed_.emplace(completion.op, std::move(copy));
    order_.push_back(completion.op);
    changed_.notify_all();
  }

  rst_host table_{};
  std::uint32_t log_level_ = RST_LOG_INFO;
  std::vector<Event> events_;
  std::vector<std::string> logs_;
  std::multimap<std::uint64_t, Completion> completed_;
  std::vector<std::uint64_t> order_;
};

}  // namespace ruststream::test
