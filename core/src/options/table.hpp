#pragma once

#include <ruststream/abi.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Reading a plugin's table. The arrays of a table advance by their stride, which a later contract may enlarge, so they
/// are read through these functions only. All are pure and any-thread; what they return lives as long as the plugin:
/// for ever.
namespace ruststream::inline v0::options {

constexpr std::uint32_t kMaxSchemes = 32;
constexpr std::uint32_t kMaxKinds = 64;  // the width of a kind mask
constexpr std::uint32_t kMaxOptions = 4096;
constexpr std::uint32_t kMaxFields = 4096;
constexpr std::uint32_t kMaxChoices = 256;
constexpr std::uint32_t kMaxCapabilities = 4096;
constexpr std::uint64_t kMaxTableText = 4096;

[[nodiscard]] inline std::string_view view(const rst_str& text) noexcept {
  return text.len == 0 ? std::string_view() : std::string_view(text.ptr, text.len);
}

[[nodiscard]] const rst_kind& kind_at(const rst_plugin& table, std::uint32_t index) noexcept;
[[nodiscard]] const rst_option_decl& option_at(const rst_plugin& table, std::uint32_t index) noexcept;
[[nodiscard]] const rst_field_decl& field_at(const rst_plugin& table, std::uint32_t index) noexcept;

[[nodiscard]] inline bool has_kind(std::uint64_t mask, std::uint32_t kind) noexcept {
  return mask == 0 || kind >= kMaxKinds || (mask >> kind & 1) != 0;
}

[[nodiscard]] std::vector<std::string> schemes_of(const rst_plugin& table);

/// Mandatory verbs that are null, by name, those included that follow from the roles of the kinds.
[[nodiscard]] std::vector<std::string> missing_verbs(const rst_plugin& table);

/// Everything that is malformed in a table: sizes and strides, null arrays with a count, names that are empty, double
/// or no UTF-8, unknown types and bits, defaults that do not parse. Empty when the other functions here may be used.
/// Reads nothing past the table's own size and strides (V3) and calls nothing.
[[nodiscard]] std::vector<std::string> check_table(const rst_plugin& table);

}  // namespace ruststream::inline v0::options
