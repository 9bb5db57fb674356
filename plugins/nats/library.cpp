#include "library.hpp"

#include <ruststream/sdk.hpp>

#include <mutex>
#include <nats/nats.h>
#include <pthread.h>

namespace ruststream::nats {
namespace {

constexpr std::int64_t kCloseMs = 3'000;  // deinit has 5 s (L3)

// The library is one per process, so this is too.
std::mutex mutex;  // held while it opens and closes, by init and deinit alone
int instances = 0;

}  // namespace

Library::Library() {
  const std::lock_guard lock(mutex);
  if (instances == 0) {
    natsStatus status = NATS_OK;
    {
      const sdk::Thread opens("nats-lib", [&status] {
        pthread_setname_np(pthread_self(), "rst-nats-lib");  // the creator may be slower than nats_Open
        status = nats_Open(-1);
      });
    }  // its threads inherit name and mask
    if (status != NATS_OK) {
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
