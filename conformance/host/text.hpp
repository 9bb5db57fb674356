#pragma once
#include <ruststream/abi.h>

#include <string>
#include <string_view>

namespace conformance {

[[nodiscard]] constexpr rst_str str(std::string_view text) noexcept { return {text.data(), text.size()}; }
[[nodiscard]] constexpr std::string_view view(rst_str text) noexcept {
  return text.len == 0 ? std::string_view{} : std::string_view{text.ptr, text.len};
}
/// "RST_E_STALE", or the number where the code is unknown. `code` is positive; 0 is "OK".
[[nodiscard]] std::string code_name(std::int32_t code);
[[nodiscard]] std::string capability_name(std::uint32_t id);
[[nodiscard]] std::string_view verdict_name(std::uint16_t verdict);
/// Bytes for a report: printable ASCII as it is, the rest escaped, cut at 64 with the length.
[[nodiscard]] std::string quoted(std::string_view bytes);

/// The i-th of an array whose holder gives the stride.
template <class T>
[[nodiscard]] const T& at_stride(const T* first, std::uint32_t stride, std::uint32_t i) noexcept {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(first) + std::size_t{i} * stride);
}

}  // namespace conformance
