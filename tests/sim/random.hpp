#pragma once
#include <cstddef>
#include <cstdint>

namespace ruststream::sim {

/// All that a seed decides, in the order in which it is asked (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t mixed = state_ += 0x9E37'79B9'7F4A'7C15ULL;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9ULL;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBULL;
    return mixed ^ (mixed >> 31U);
  }
  /// From 0 to `count` - 1.
  std::uint64_t below(std::uint64_t count) noexcept { return next() % count; }
  std::uint32_t between(std::uint32_t least, std::uint32_t most) noexcept {
    return least + static_cast<std::uint32_t>(below(most - least + 1ULL));
  }
  bool chance(std::uint32_t percent) noexcept { return below(100) < percent; }
  template <class T, std::size_t N>
  const T& one_of(const T (&values)[N]) noexcept {
    return values[below(N)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace ruststream::sim
