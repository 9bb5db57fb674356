#include "settings/toml_guard.hpp"

#include <algorithm>

namespace ruststream::inline v0::settings {
namespace {

constexpr std::string_view kEndsAKey = "\n=,[]{}";

/// Where the string that begins at `at` ends: past its closing quote, or at the end of the line if it has none.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const bool escapes = quote == '"';
  const std::string_view triple = escapes ? "\"\"\"" : "'''";
  const bool multi_line = text.substr(at).starts_with(triple);
  for (std::size_t i = at + (multi_line ? 3 : 1); i < text.size(); ++i) {
    if (escapes && text[i] == '\\') {
      ++i;
    } else if (multi_line) {
      if (text.substr(i).starts_with(triple)) return i + 3;
    } else if (text[i] == quote) {
      return i + 1;
    } else if (text[i] == '\n') {
      return i;
    }
  }
  return text.size();
}

}  // namespace

std::size_t line_of_too_deep_key(std::string_view text) {
  std::size_t line = 1;
  std::size_t dots = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      const std::size_t end = std::min(end_of_string(text, at), text.size());
      line += static_cast<std::size_t>(std::ranges::count(text.substr(at, end - at), '\n'));
      at = end;
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (c == '.') {
      if (++dots >= kMaxKeyParts) return line;
    } else if (kEndsAKey.find(c) != std::string_view::npos) {
      dots = 0;
      if (c == '\n') ++line;
    }
    ++at;
  }
  return 0;
}

}  // namespace ruststream::inline v0::settings
