#include "runner/duration.hpp"

#include <charconv>
#include <cmath>

namespace conformance {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  constexpr double kMost = 24.0 * 3600 * 1000;
  double amount = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double factor = unit == "ms" ? 1 : unit == "s" ? 1e3 : unit == "min" ? 60e3 : 0;
  if (failed != std::errc() || factor == 0 || !(amount > 0) || amount * factor > kMost) return std::nullopt;
  return std::chrono::milliseconds(std::llround(amount * factor));
}

}  // namespace conformance
