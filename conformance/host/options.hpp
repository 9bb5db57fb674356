#pragma once
#include "host/guarded.hpp"
#include "host/plugin.hpp"
#include "runner/testkit.hpp"

#include <ruststream/abi.h>

#include <deque>
#include <expected>
#include <string>
#include <vector>

namespace conformance {

/// Both, the second ones where a name is in both.
[[nodiscard]] OptionTexts joined(const OptionTexts& first, const OptionTexts& second);

/// Options as they cross the boundary, made of texts by the plugin's own declarations. They lie in guarded memory.
class OptionArray {
 public:
  /// Names that match no declaration pass through as strings, so that the plugin can refuse them (rule O1).
  [[nodiscard]] static std::expected<OptionArray, std::string> make(const Plugin& plugin, const OptionTexts& texts);

  [[nodiscard]] const rst_option* data() const noexcept { return array_.get(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(array_.size()); }
  [[nodiscard]] rst_option& operator[](std::size_t i) noexcept { return array_[i]; }

 private:
  explicit OptionArray(std::size_t count) : array_("rst_option", count) {}

  Lent<rst_option> array_;
  std::vector<Lent<char>> texts_;
  std::vector<Lent<rst_value>> items_;
};

}  // namespace conformance
