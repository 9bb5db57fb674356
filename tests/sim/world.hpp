#pragma once
#include "loop/loop.hpp"
#include "random.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace ruststream::sim {

using Point = detail::SimulatedTime::Point;
using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// What happened, in order: a digest of all of it, and each line on demand.
class History {
 public:
  struct Number {
    const char* name;
    std::uint64_t value;
  };

  explicit History(bool verbose) noexcept : verbose_(verbose) {}

  void note(Point now, const char* what, std::initializer_list<Number> numbers);
  [[nodiscard]] std::uint64_t digest() const noexcept { return digest_; }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  [[nodiscard]] bool verbose() const noexcept { return verbose_; }

 private:
  void mix(std::uint64_t value) noexcept;

  const bool verbose_;
  std::uint64_t digest_ = 0xCBF2'9CE4'8422'2325ULL;
  std::uint64_t lines_ = 0;
};

/// Time, and what happens elsewhere: in the plugin, and at the peers of the boundary. Time is the same for all.
class World final : public detail::SimulatedTime {
 public:
  explicit World(bool verbose) : history_(verbose) {}

  [[nodiscard]] Point now() const noexcept override { return now_; }

  /// Loops as if each had a thread of its own: which of those that have something to do goes on next, `random` says.
  void add(detail::Loop& loop) { loops_.push_back(&loop); }
  void remove(detail::Loop& loop) { std::erase(loops_, &loop); }
  /// Until end(), or until nothing can happen any more.
  void run(Random& random);
  void end() noexcept { ended_ = true; }

  /// Steps the plugin to `now`; when it wants to be stepped next.
  using Step = std::function<Point(Point now)>;
  void set_step(Step step) { step_ = std::move(step); }
  /// Happens elsewhere, as if on a thread of the plugin's.
  void after(Duration delay, std::function<void()> what);
  /// A handler blocks its loop for so long; elsewhere time goes on.
  void stall(Duration duration);

  void note(const char* what, std::initializer_list<History::Number> numbers) { history_.note(now_, what, numbers); }
  /// An invariant does not hold.
  void violated(std::string what);
  /// Nothing can happen any more, or it never ends: what is under way can not be taken down in order.
  [[nodiscard]] bool stuck() const noexcept { return stuck_; }
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }
  [[nodiscard]] const History& history() const noexcept { return history_; }

 private:
  static constexpr Duration kLongest = std::chrono::hours(2);  // of a whole run
  static constexpr std::size_t kMostViolations = 20;           // that are kept

  void pass();
  [[nodiscard]] Point next_elsewhere();
  void go_to(Point then);

  History history_;
  Point now_{std::chrono::seconds(1)};
  std::vector<detail::Loop*> loops_;
  bool ended_ = false;
  Step step_;
  std::multimap<Point, std::function<void()>> agenda_;
  std::vector<std::string> violations_;
  bool stuck_ = false;
};

}  // namespace ruststream::sim
