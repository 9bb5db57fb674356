#pragma once
#include "runner/errand.hpp"
#include "runner/warden.hpp"

#include <functional>
#include <span>
#include <string>

namespace conformance {

/// Runs errands in processes that can do no harm to this one, several at once. Nothing of a plugin, its file included,
/// is ever read here. When this process dies all of them die. [a process with one thread]
class Sandbox {
 public:
  explicit Sandbox(unsigned jobs);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// Starts them in their order and calls `done(index, how it ended)` as they end; `begun(index)` before.
  void run(std::span<const Errand> errands, const std::function<void(std::size_t, Ended)>& done,
           const std::function<void(std::size_t)>& begun = {});
  [[nodiscard]] Ended run(const Errand& errand);

 private:
  unsigned jobs_;
};

}  // namespace conformance
