#include "timer_thread.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <pthread.h>

namespace ruststream::memory {
namespace {

// The thread inherits the mask it is started under: rule T2, signals are the host's business.
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

void TimerThread::wake_by(std::int64_t due_ns) {
  if (clock_.simulated()) return;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (!thread_.joinable()) {
      const BlockedSignals blocked;
      thread_ = std::thread([this] { run(); });
      pthread_setname_np(thread_.native_handle(), "rst-memory-time");
    }
    if (due_ns >= due_ns_) return;
    due_ns_ = due_ns;
  }
  wake_.notify_one();
}

void TimerThread::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void TimerThread::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (due_ns_ == kNever || clock_.simulated()) {
      wake_.wait(lock);
      continue;
    }
    const auto wait_ns = due_ns_ - clock_.monotonic_ns();
    if (wait_ns > 0) {
      wake_.wait_for(lock, std::chrono::nanoseconds(std::min(wait_ns, kLongestWaitNs)));
      continue;
    }
    due_ns_ = kNever;  // whoever arms an alarm from here on lowers it again
    lock.unlock();
    const auto next = run_due_();
    lock.lock();
    due_ns_ = std::min(due_ns_, next);
  }
}

}  // namespace ruststream::memory
