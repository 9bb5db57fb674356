#include "options/nearest.hpp"

#include "options/utf8.hpp"

#include <algorithm>
#include <array>

namespace ruststream::inline v0::options {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Optimal string alignment over three rolling rows.
std::size_t edits_between(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kMaxComparedWord + 1>;
  std::array<Row, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    Row& row = rows[i % 3];
    const Row& above = rows[(i - 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

template <class Words>
std::string_view nearest_of(std::string_view word, const Words& candidates) {
  std::string_view best;
  std::size_t fewest = std::max<std::size_t>(1, word.size() / 3) + 1;
  if (word.empty() || word.size() > kMaxComparedWord) return best;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kMaxComparedWord) continue;
    const std::size_t edits = edits_between(word, candidate);
    if (edits < fewest && edits < std::max(word.size(), candidate.size())) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  return nearest_of(word, candidates);
}

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  return nearest_of(word, candidates);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view best = nearest(word, candidates);
  return best.empty() ? std::string() : "; did you mean `" + std::string(best) + "`?";
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string_view shown = text;
  if (text.size() > limit) {
    shown = text.substr(0, limit);
    while (!shown.empty() && (static_cast<unsigned char>(text[shown.size()]) & 0xC0) == 0x80) shown.remove_suffix(1);
  }
  std::string out;
  const bool readable = is_utf8(shown);
  for (const char c : shown) {
    const unsigned char byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F || (!readable && byte >= 0x80) ? '?' : c;
  }
  if (shown.size() < text.size()) out += "…";
  return out;
}

}  // namespace ruststream::inline v0::options
