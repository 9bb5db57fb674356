// The one thread of an instance: started by the first delay, asleep until the next moment that is due.
#pragma once

#include "alarms.hpp"
#include "clock.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace ruststream::memory {

/// Any thread, except stop.
class TimerThread {
 public:
  /// `run_due` is called on the timer's thread, with nothing locked; it returns the next due moment or kNever.
  TimerThread(const Clock& clock, std::function<std::int64_t()> run_due)
      : clock_(clock), run_due_(std::move(run_due)) {}
  TimerThread(const TimerThread&) = delete;
  TimerThread& operator=(const TimerThread&) = delete;
  ~TimerThread() { stop(); }

  /// Something became due at `due_ns`. Does nothing under simulated time. Throws std::system_error when no thread can
  /// be started.
  void wake_by(std::int64_t due_ns);

  /// Joins. Called once nothing else uses the instance.
  void stop() noexcept;

 private:
  static constexpr std::int64_t kLongestWaitNs =
      3'600'000'000'000;  // an hour: keeps the wait within every clock's range

  void run();

  const Clock& clock_;
  std::function<std::int64_t()> run_due_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::int64_t due_ns_ = kNever;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ruststream::memory
