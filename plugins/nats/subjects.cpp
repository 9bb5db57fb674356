#include "subjects.hpp"

#include <algorithm>

namespace ruststream::nats {
namespace {

bool is_plain(char c) noexcept { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; }

std::string_view take_token(std::string_view& rest) noexcept {
  const auto dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  return token;
}

bool is_wildcard(std::string_view token) noexcept { return token == "*" || token == ">"; }

}  // namespace

SubjectFault check_pattern(std::string_view pattern) noexcept {
  if (pattern.empty()) return SubjectFault::kEmpty;
  if (pattern.size() > kLongestSubject) return SubjectFault::kTooLong;
  char before = '.';
  for (const char c : pattern) {
    if (!is_plain(c)) return SubjectFault::kBadByte;
    if (c == '.' && before == '.') return SubjectFault::kEmptyToken;
    before = c;
  }
  if (before == '.') return SubjectFault::kEmptyToken;
  const auto rest = pattern.find('>');
  const bool inside = rest != std::string_view::npos && rest + 1 != pattern.size() &&
                      (rest == 0 || pattern[rest - 1] == '.') && pattern[rest + 1] == '.';
  return inside ? SubjectFault::kWildcard : SubjectFault::kNone;
}

SubjectFault check_subject(std::string_view subject) noexcept {
  const auto fault = check_pattern(subject);
  if (fault != SubjectFault::kNone) return fault;
  return has_wildcard(subject) ? SubjectFault::kWildcard : SubjectFault::kNone;
}

bool is_word(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kLongestSubject && std::all_of(text.begin(), text.end(), is_plain);
}

std::string_view describe(SubjectFault fault) noexcept {
  switch (fault) {
    case SubjectFault::kNone: return "is well-formed";
    case SubjectFault::kEmpty: return "is empty";
    case SubjectFault::kEmptyToken: return "has an empty token; tokens stand between dots, none at either end";
    case SubjectFault::kBadByte: return "has a space or a control character";
    case SubjectFault::kWildcard: return "has a wildcard where none can stand; `>` is the last token of a subscription";
    case SubjectFault::kTooLong: return "is longer than 4000 bytes";
  }
  return "";
}

bool has_wildcard(std::string_view pattern) noexcept {
  if (pattern.find_first_of("*>") == std::string_view::npos) return false;
  while (!pattern.empty()) {
    if (is_wildcard(take_token(pattern))) return true;
  }
  return false;
}

bool matches(std::string_view pattern, std::string_view subject) noexcept {
  while (!pattern.empty() && !subject.empty()) {
    const auto wanted = take_token(pattern);
    if (wanted == ">") return true;
    const auto token = take_token(subject);
    if (wanted != "*" && wanted != token) return false;
  }
  return pattern.empty() && subject.empty();
}

}  // namespace ruststream::nats
