#include "client/mutant.hpp"
#include "client/errands.hpp"

#include "client/instance.hpp"

namespace ruststream {
inline namespace v0 {
namespace detail {

void Errands::stop() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Errands::add(Errand errand) noexcept {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return;  // deinit ends everything
  waiting_.push_back(errand);
  if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
  wake_.notify_one();
}

void Errands::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::vector<Errand> batch;
    batch.swap(waiting_);
    lock.unlock();
    for (const Errand& errand : batch) run(errand);
    lock.lock();
  }
}

void Errands::run(const Errand& errand) noexcept {
  const rst_plugin& plugin = instance_.plugin();
  if (errand.status == kAbort) {
    instance_.close_later(instance_.call(Instance::kCloseWait, [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
      constexpr std::uint64_t kTimeout = 5'000'000'000;
      return plugin.close(instance_.handle(), errand.subject, RST_CLOSE_ABORT, kTimeout, op, &error);
    }));
  } else if (plugin.answer != nullptr && !mutant(8)) {
    plugin.answer(instance_.handle(), errand.subject, errand.status, nullptr, 0, nullptr);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
