#pragma once
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// One thing that a plugin did against the contract.
struct Violation {
  std::string rule;      // "S1"; "entry", "cap" where the contract has no id (runner/rules.hpp)
  std::string expected;  // a sentence, or the value
  std::string seen;
};

/// The violations of one case, noted by whoever sees them, the host's callbacks included. [any thread]
class Ledger {
 public:
  static constexpr std::size_t kMost = 16;  // more say nothing new

  void note(std::string_view rule, std::string expected, std::string seen) {
    const std::scoped_lock lock(mutex_);
    if (violations_.size() < kMost) violations_.push_back({std::string(rule), std::move(expected), std::move(seen)});
  }
  [[nodiscard]] std::vector<Violation> violations() const {
    const std::scoped_lock lock(mutex_);
    return violations_;
  }
  [[nodiscard]] bool clean() const {
    const std::scoped_lock lock(mutex_);
    return violations_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Violation> violations_;
};

}  // namespace conformance
