#include "client/answerer.hpp"

#include "client/instance.hpp"

namespace ruststream {
inline namespace v0 {
namespace detail {

Answerer::~Answerer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Answerer::refuse(std::uint64_t answer) noexcept {
  const std::scoped_lock lock(mutex_);
  waiting_.push_back(answer);
  if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
  wake_.notify_one();
}

void Answerer::serve() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::vector<std::uint64_t> batch;
    batch.swap(waiting_);
    lock.unlock();
    const rst_plugin& plugin = instance_.plugin();
    for (const std::uint64_t answer : batch) {
      if (plugin.answer != nullptr) {
        plugin.answer(instance_.handle(), answer, rst_status(RST_E_UNSUPPORTED, 0), nullptr, 0, nullptr);
      }
    }
    lock.lock();
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
