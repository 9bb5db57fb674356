#include "client/errands.hpp"

#include "client/instance.hpp"

namespace ruststream {
inline namespace v0 {
namespace detail {

Errands::Errands(Instance& instance, Loop* simulated) noexcept : instance_(instance), simulated_(simulated) {
  node_.errands = this;
  node_.run = [](Ready* self) noexcept {
    Errands& errands = *static_cast<Node*>(self)->errands;
    std::unique_lock lock(errands.mutex_);
    errands.run_all(lock);
  };
}

void Errands::stop() noexcept {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    if (simulated_ != nullptr) run_all(lock);
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Errands::add(Errand errand) noexcept {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return;  // deinit ends everything
  waiting_.push_back(errand);
  if (simulated_ != nullptr) {
    if (waiting_.size() == 1) post(*simulated_, node_);
    return;
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
  wake_.notify_one();
}

void Errands::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    run_all(lock);
  }
}

void Errands::run_all(std::unique_lock<std::mutex>& lock) {
  std::vector<Errand> batch;
  batch.swap(waiting_);
  lock.unlock();
  for (const Errand& errand : batch) run(errand);
  lock.lock();
}

void Errands::run(const Errand& errand) noexcept {
  const rst_plugin& plugin = instance_.plugin();
  if (errand.status == kAbort) {
    instance_.close_later(instance_.call(Instance::kCloseWait, [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
      constexpr std::uint64_t kTimeout = 5'000'000'000;
      return plugin.close(instance_.handle(), errand.subject, RST_CLOSE_ABORT, kTimeout, op, &error);
    }));
  } else if (plugin.answer != nullptr) {
    plugin.answer(instance_.handle(), errand.subject, errand.status, nullptr, 0, nullptr);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
