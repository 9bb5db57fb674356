#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

class Instance;

/// Answers UNSUPPORTED to events that wait for an answer and that nothing here understands. Its thread starts with the
/// first such event: the answer is a verb, which the event's own stack must not call (rules H2, H4).
class Answerer {
 public:
  explicit Answerer(Instance& instance) noexcept : instance_(instance) {}
  ~Answerer();
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  /// [any thread]
  void refuse(std::uint64_t answer) noexcept;

 private:
  void serve();

  Instance& instance_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::uint64_t> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
