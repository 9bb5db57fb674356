// Subjects: tokens between dots, `*` for one token, `>` for the rest.
#pragma once

#include <cstdint>
#include <string_view>

namespace ruststream::nats {

enum class SubjectFault : std::uint8_t { kNone, kEmpty, kEmptyToken, kBadByte, kWildcard, kTooLong };

inline constexpr std::size_t kLongestSubject = 4'000;  // the server's default for a whole protocol line is 4 KiB

/// What a message is published to: no wildcards.
[[nodiscard]] SubjectFault check_subject(std::string_view subject) noexcept;
/// What is subscribed to.
[[nodiscard]] SubjectFault check_pattern(std::string_view pattern) noexcept;
/// A queue group, or another name that stands in a protocol line by itself.
[[nodiscard]] bool is_word(std::string_view text) noexcept;
[[nodiscard]] std::string_view describe(SubjectFault fault) noexcept;
[[nodiscard]] bool has_wildcard(std::string_view pattern) noexcept;
/// Both are well-formed.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view subject) noexcept;

}  // namespace ruststream::nats
