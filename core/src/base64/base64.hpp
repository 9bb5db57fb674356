#pragma once
#include <cstddef>
#include <string_view>

// Bytes inside text: RFC 4648 section 4, with padding, without line breaks.
namespace ruststream::inline v0 {

[[nodiscard]] constexpr std::size_t base64_length(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }

/// Writes base64_length(size) characters.
void base64_encode(const void* data, std::size_t size, char* out) noexcept;

/// The number of bytes that `text` stands for; right only for valid text.
[[nodiscard]] std::size_t base64_bytes(std::string_view text) noexcept;

/// Writes base64_bytes(text) bytes. @return false when the text is not base64 in its one canonical form.
[[nodiscard]] bool base64_decode(std::string_view text, void* out) noexcept;

}  // namespace ruststream::inline v0
