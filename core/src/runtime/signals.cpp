#include "runtime/signals.hpp"

#include <csignal>
#include <unistd.h>

namespace ruststream {
inline namespace v0 {
namespace detail {

struct Signals::Handle {
  uv_signal_t uv{};
  AppCore* core = nullptr;
};

Signals::Signals(Loop& loop, AppCore& core) {
  constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGCHLD};
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    handles_[i] = new Handle;
    handles_[i]->core = &core;
    uv_signal_init(loop.uv(), &handles_[i]->uv);
    handles_[i]->uv.data = handles_[i];
    uv_signal_start(
        &handles_[i]->uv,
        [](uv_signal_t* caught, int number) {
          if (number == SIGCHLD) return;  // only so that the handler is installed early
          AppCore& app = *static_cast<Handle*>(caught->data)->core;
          if (app.stopping()) _exit(128 + number);
          app.request_stop();
        },
        kSignals[i]);
  }
}

Signals::~Signals() {
  for (Handle* const handle : handles_) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv),
             [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
