#include "runner/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace conformance {
namespace {

constexpr std::size_t kLongest = 64;  // words longer than this are compared with nothing

std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  std::size_t fewest = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view best;
  if (word.size() < 2 || word.size() > kLongest) return {};
  for (const std::string& each : known) {
    const std::size_t edits = each.starts_with(word) ? 1 : edits_between(word, each);
    if (edits < fewest) {
      fewest = edits;
      best = each;
    }
  }
  return best.empty() ? std::string() : "; did you mean `" + std::string(best) + "`?";
}

}  // namespace conformance
