#pragma once

#include <string_view>

namespace ruststream::inline v0::platform {

/// Writes all of `text` to standard error, unless the reader is so far behind that the write could block; then it
/// writes nothing. At most kMaxUnbroken bytes, which no other writer's text can split. Any thread.
/// @return whether it was written.
[[nodiscard]] bool write_stderr(std::string_view text) noexcept;

inline constexpr std::size_t kMaxUnbroken =
    4096;  ///< PIPE_BUF: what a pipe takes whole, and has room for when writable

}  // namespace ruststream::inline v0::platform
