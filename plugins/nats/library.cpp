#include "library.hpp"

#include <ruststream/sdk.hpp>

#include <csignal>
#include <mutex>
#include <nats/nats.h>
#include <pthread.h>

namespace ruststream::nats {
namespace {

constexpr std::int64_t kCloseMs = 3'000;  // deinit has 5 s (L3)

// The library is one per process, so this is too.
std::mutex mutex;  // held while it opens and closes, by init and deinit alone
int instances = 0;

/// What is started while one lives blocks all signals.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Library::Library() {
  const std::lock_guard lock(mutex);
  if (instances == 0) {
    const SignalsBlocked blocked;
    if (const natsStatus status = nats_Open(-1); status != NATS_OK) {
      throw sdk::Failure{RST_E_EXHAUSTED, "cnats does not start: ", natsStatus_GetText(status)};
    }
  }
  ++instances;
}

Library::~Library() {
  const std::lock_guard lock(mutex);
  if (--instances == 0) (void)nats_CloseAndWait(kCloseMs);
}

}  // namespace ruststream::nats
