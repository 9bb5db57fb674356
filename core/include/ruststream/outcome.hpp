#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ruststream {
inline namespace v0 {

/// What becomes of a delivery; the same numbers as `RST_VERDICT_*`.
enum class Verdict : std::uint16_t {
  ack = 1,      ///< processed
  retry = 2,    ///< failed: again, perhaps later; counts as an attempt
  release = 3,  ///< not processed: again; counts as nothing
  reject = 4,   ///< never again: the dead letter, or gone
  extend = 5,   ///< still working; not a settlement
};

/// What a handler says of one delivery. `reason` is a literal: it travels with a dead letter and into the log.
class [[nodiscard]] Outcome {
 public:
  constexpr Outcome(Verdict verdict, std::chrono::nanoseconds delay, std::string_view reason) noexcept
      : reason_(reason), delay_(delay), verdict_(verdict) {}

  [[nodiscard]] constexpr Verdict verdict() const noexcept { return verdict_; }
  [[nodiscard]] constexpr std::chrono::nanoseconds delay() const noexcept { return delay_; }
  [[nodiscard]] constexpr std::string_view reason() const noexcept { return reason_; }

  friend constexpr bool operator==(const Outcome&, const Outcome&) noexcept = default;

 private:
  std::string_view reason_;
  std::chrono::nanoseconds delay_;
  Verdict verdict_;
};

[[nodiscard]] constexpr Outcome ack() noexcept { return {Verdict::ack, {}, {}}; }
[[nodiscard]] constexpr Outcome release() noexcept { return {Verdict::release, {}, {}}; }
[[nodiscard]] constexpr Outcome retry() noexcept { return {Verdict::retry, {}, {}}; }
[[nodiscard]] constexpr Outcome retry_after(std::chrono::nanoseconds delay) noexcept {
  return {Verdict::retry, delay, {}};
}
[[nodiscard]] constexpr Outcome reject() noexcept { return {Verdict::reject, {}, {}}; }
template <std::size_t N>
[[nodiscard]] constexpr Outcome reject(const char (&reason)[N]) noexcept {
  return {Verdict::reject, {}, std::string_view(reason, N - 1)};
}

/// An outcome and what to do once it is settled: `then` runs at most once, on the loop thread, after the settlement was
/// handed over, off the delivery path.
struct [[nodiscard]] Settle {
  Outcome outcome;
  std::function<void()> then;
  Settle(Outcome o, std::function<void()> t) : outcome(o), then(std::move(t)) {}
};

/// Thrown by a handler when the service cannot go on: the delivery is released, the service stops gracefully and the
/// process ends with kExitFatal.
class Fatal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace v0
}  // namespace ruststream
