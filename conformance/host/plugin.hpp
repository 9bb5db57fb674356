#pragma once
#include "host/text.hpp"

#include <ruststream/abi.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// One kind as the plugin declares it.
struct Kind {
  std::uint32_t index = 0;
  std::string name;
  std::uint32_t roles = 0;
  std::vector<rst_capability> capabilities;

  [[nodiscard]] rst_capability capability(std::uint32_t id) const noexcept;  // level NONE when it is not declared
  [[nodiscard]] bool can(std::uint32_t id) const noexcept { return capability(id).level != RST_LEVEL_NONE; }
  [[nodiscard]] bool consumes() const noexcept { return (roles & RST_ROLE_SUBSCRIPTION) != 0; }
  [[nodiscard]] bool publishes() const noexcept { return (roles & RST_ROLE_PUBLISHER) != 0; }
};

/// A loaded plugin's table. Only a child process of the runner ever has one. Never unloaded (rule H1).
class Plugin {
 public:
  /// What the dynamic linker or the table says against it, in one sentence.
  [[nodiscard]] static std::expected<Plugin, std::string> load(const std::string& path);

  [[nodiscard]] const rst_plugin& table() const noexcept { return *table_; }
  [[nodiscard]] const std::vector<Kind>& kinds() const noexcept { return kinds_; }
  [[nodiscard]] const Kind* find_kind(std::string_view name) const noexcept;
  [[nodiscard]] const rst_option_decl& option(std::uint32_t index) const noexcept {
    return at_stride(table_->options, table_->option_stride, index);
  }
  [[nodiscard]] const rst_field_decl& field(std::uint32_t index) const noexcept {
    return at_stride(table_->fields, table_->field_stride, index);
  }
  [[nodiscard]] void* library() const noexcept { return library_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  template <class Table>
  [[nodiscard]] const Table* extension(std::string_view id) const {
    return table_->get_extension == nullptr ? nullptr : static_cast<const Table*>(table_->get_extension(str(id)));
  }

 private:
  std::string path_;
  void* library_ = nullptr;
  const rst_plugin* table_ = nullptr;
  std::vector<Kind> kinds_;
};

}  // namespace conformance
