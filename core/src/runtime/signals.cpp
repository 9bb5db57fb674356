#include "runtime/signals.hpp"

#include <atomic>
#include <csignal>
#include <unistd.h>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

// A signal handler has no argument of ours: what it needs is here while a Signals lives.
std::atomic<uv_async_t*> g_wake{nullptr};
std::atomic<bool> g_asked{false};

void on_stop_signal(int number) noexcept {
  if (g_asked.exchange(true)) _exit(128 + number);
  uv_async_send(g_wake.load());  // async-signal-safe
}

}  // namespace

struct Signals::Handles {
  uv_async_t wake{};
  uv_signal_t child{};
  AppCore* core = nullptr;
  struct sigaction interrupt_before{};
  struct sigaction terminate_before{};
  int open = 2;

  static void closed(uv_handle_t* handle) {
    auto* const self = static_cast<Handles*>(handle->data);
    if (--self->open == 0) delete self;
  }
};

Signals::Signals(Loop& loop, AppCore& core) : handles_(new Handles) {
  handles_->core = &core;
  handles_->wake.data = handles_;
  handles_->child.data = handles_;
  uv_async_init(loop.uv(), &handles_->wake,
                [](uv_async_t* woken) { static_cast<Handles*>(woken->data)->core->request_stop(); });
  uv_signal_init(loop.uv(), &handles_->child);
  uv_signal_start(&handles_->child, [](uv_signal_t*, int) {}, SIGCHLD);
  g_asked = false;
  g_wake = &handles_->wake;
  struct sigaction action{};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigaction(SIGINT, &action, &handles_->interrupt_before);
  sigaction(SIGTERM, &action, &handles_->terminate_before);
}

Signals::~Signals() {
  sigaction(SIGINT, &handles_->interrupt_before, nullptr);
  sigaction(SIGTERM, &handles_->terminate_before, nullptr);
  g_wake = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->wake), Handles::closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->child), Handles::closed);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
