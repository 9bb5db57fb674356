#pragma once
// Commands from any thread to the one I/O thread.

#include <atomic>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace ruststream::sdk {

/// A lock-free queue, many writers, one reader, that wakes its reader through a descriptor: only on the edge from
/// empty.
class CommandQueue {
 public:
  struct Command {
    Command() = default;
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    virtual ~Command() = default;
    virtual void run() = 0;  // on the reader's thread

    Command* next = nullptr;
  };

  CommandQueue() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;
  ~CommandQueue() {
    for (Command* each = head_.load(std::memory_order_acquire); each != nullptr;)
      delete std::exchange(each, each->next);
    ::close(wake_);
  }

  /// [any-thread, never blocks]
  void post(std::unique_ptr<Command> command) noexcept {
    Command* const posted = command.release();
    Command* head = head_.load(std::memory_order_relaxed);
    do {
      posted->next = head;
    } while (!head_.compare_exchange_weak(head, posted, std::memory_order_release, std::memory_order_relaxed));
    if (head == nullptr) wake();
  }
  template <typename Body>
  void post(Body&& body) {
    struct Call final : Command {
      explicit Call(Body&& given) : body(std::forward<Body>(given)) {}
      void run() override { body(); }
      std::decay_t<Body> body;
    };
    post(std::unique_ptr<Command>(new Call(std::forward<Body>(body))));
  }

  /// Readable when there are commands: for the reader's poll or epoll.
  [[nodiscard]] int descriptor() const noexcept { return wake_; }
  void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_, &one, sizeof one));  // a full counter wakes as well
  }

  /// Runs what was posted, in the order of posting per thread. Returns whether there was anything. [reader]
  bool run() {
    std::uint64_t count = 0;
    static_cast<void>(::read(wake_, &count, sizeof count));
    Command* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Command* oldest = nullptr;
    while (newest != nullptr) {
      Command* const next = newest->next;
      newest->next = std::exchange(oldest, newest);
      newest = next;
    }
    const bool any = oldest != nullptr;
    while (oldest != nullptr) {
      const std::unique_ptr<Command> command{std::exchange(oldest, oldest->next)};
      command->run();
    }
    return any;
  }

 private:
  std::atomic<Command*> head_{nullptr};
  int wake_;
};

/// A thread of the plugin's: named rst-*, all signals blocked (T2), joined at its end.
class Thread {
 public:
  /// `name`: at most 11 characters count.
  template <typename Body>
  Thread(std::string_view name, Body&& body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the thread; ours comes back below
    try {
      thread_ = std::thread(std::forward<Body>(body));
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    const std::string full = "rst-" + std::string{name.substr(0, 11)};
    pthread_setname_np(thread_.native_handle(), full.c_str());
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

/// A command queue and the thread that serves it, until it is destroyed: what was posted before still runs.
class IoThread {
 public:
  /// `wait(descriptor)` blocks until the descriptor, or whatever else the plugin waits for, is ready, and serves the
  /// latter. It must not throw.
  explicit IoThread(std::string_view name, std::function<void(int)> wait = &wait_for_commands)
      : wait_(std::move(wait)), thread_(name, [this] { serve(); }) {}
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;
  ~IoThread() {
    stopping_.store(true, std::memory_order_release);
    queue_.wake();
  }

  template <typename Body>
  void post(Body&& body) {
    queue_.post(std::forward<Body>(body));
  }
  [[nodiscard]] CommandQueue& queue() noexcept { return queue_; }

 private:
  static void wait_for_commands(int descriptor) {
    pollfd waiting{descriptor, POLLIN, 0};
    ::poll(&waiting, 1, -1);
  }
  void serve() {
    for (;;) {
      queue_.run();
      if (stopping_.load(std::memory_order_acquire)) break;  // looked at behind run, which may have taken the wake-up
      wait_(queue_.descriptor());
    }
    while (queue_.run()) {
    }
  }

  CommandQueue queue_;
  std::function<void(int)> wait_;
  std::atomic<bool> stopping_{false};
  Thread thread_;  // last: it uses all of the above, and is joined first
};

}  // namespace ruststream::sdk
