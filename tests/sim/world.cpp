#include "world.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

namespace ruststream::sim {

void History::mix(std::uint64_t value) noexcept {
  for (int byte = 0; byte < 8; ++byte) digest_ = (digest_ ^ (value >> (8 * byte) & 0xFFU)) * 0x100'0000'01B3ULL;
}

void History::note(Point now, const char* what, std::initializer_list<Number> numbers) {
  const auto at = std::chrono::duration_cast<Duration>(now.time_since_epoch()).count();
  ++lines_;
  mix(static_cast<std::uint64_t>(at));
  for (const char* letter = what; *letter != '\0'; ++letter) mix(static_cast<unsigned char>(*letter));
  for (const Number& number : numbers) mix(number.value);
  if (!verbose_) return;
  std::printf("%12.6f  %s", static_cast<double>(at) / 1e9, what);
  for (const Number& number : numbers) {
    std::printf("  %s %llu", number.name, static_cast<unsigned long long>(number.value));
  }
  std::printf("\n");
}

void World::violated(std::string what) {
  if (history_.verbose()) std::printf("VIOLATED: %s\n", what.c_str());
  if (violations_.size() < kMostViolations) violations_.push_back(std::move(what));
}

Point World::next_elsewhere() {
  const Point plugin = step_ ? step_(now_) : Point::max();
  return agenda_.empty() ? plugin : std::min(plugin, agenda_.begin()->first);
}

void World::go_to(Point then) {
  now_ = std::max(now_, then);
  if (step_) (void)step_(now_);
  while (!agenda_.empty() && agenda_.begin()->first <= now_) {
    const auto what = std::move(agenda_.begin()->second);
    agenda_.erase(agenda_.begin());
    what();
  }
}

void World::run(Random& random) {
  std::vector<detail::Loop*> ready;
  while (!ended_) {
    ready.clear();
    std::ranges::copy_if(loops_, std::back_inserter(ready), &detail::Loop::ready);
    if (ready.empty()) {
      pass();
    } else {
      ready[random.below(ready.size())]->step();
    }
  }
}

void World::pass() {
  Point then = next_elsewhere();
  for (const detail::Loop* const loop : loops_) then = std::min(then, loop->simulated_timers()->next());
  if (then == Point::max() || then.time_since_epoch() > kLongest) {
    violated(then == Point::max() ? "stuck: nothing can happen any more" : "it does not end");
    stuck_ = true;
    return end();
  }
  go_to(then);
}

void World::stall(Duration duration) {
  const Point end = now_ + duration;
  for (Point next = next_elsewhere(); next < end; next = next_elsewhere()) go_to(next);
  go_to(end);
}

void World::after(Duration delay, std::function<void()> what) { agenda_.emplace(now_ + delay, std::move(what)); }

}  // namespace ruststream::sim
