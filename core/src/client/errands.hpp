#pragma once
#include <ruststream/task.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

class Instance;

/// Calls the verbs that an event or a completion asks for: its own stack must not (rule H2), and no consumer may be
/// there to do it. Its thread starts with the first errand. There are never more of them than events that wait for an
/// answer and operations under way.
class Errands {
 public:
  /// `simulated`: the loop of a simulation, where errands are run then; else null.
  Errands(Instance& instance, Loop* simulated) noexcept;
  ~Errands() { stop(); }
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  /// Answers an event (rule H4). [any thread]
  void answer(std::uint64_t answer, std::int32_t status) noexcept { add({answer, status}); }
  /// Closes, with ABORT, what was opened for somebody who has gone. [any thread]
  void abort(std::uint64_t handle) noexcept { add({handle, kAbort}); }
  /// Runs what is left and takes no more.
  void stop() noexcept;

 private:
  struct Errand {
    std::uint64_t subject;
    std::int32_t status;  // of an answer, or kAbort
  };
  static constexpr std::int32_t kAbort = 1;  // no status of an answer: those are 0 or negative

  void add(Errand errand) noexcept;
  void serve();
  void run_all(std::unique_lock<std::mutex>& lock);
  void run(const Errand& errand) noexcept;

  Instance& instance_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Errand> waiting_;
  bool stopping_ = false;
  std::thread thread_;
  Loop* const simulated_;
  struct Node : Ready {
    Errands* errands = nullptr;
  } node_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
