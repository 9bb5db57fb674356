#include "host/plugin.hpp"

#include <dlfcn.h>

namespace conformance {

rst_capability Kind::capability(std::uint32_t id) const noexcept {
  for (const rst_capability& each : capabilities) {
    if (each.id == id) return each;
  }
  return {.id = id, .level = RST_LEVEL_NONE, .flags = 0, .limit = 0};
}

std::expected<Plugin, std::string> Plugin::load(const std::string& path) {
  Plugin plugin;
  plugin.library_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (plugin.library_ == nullptr) return std::unexpected(std::string("the dynamic linker refuses it: ") + ::dlerror());
  const auto entry = reinterpret_cast<rst_plugin_entry>(::dlsym(plugin.library_, RST_ENTRY_SYMBOL));
  if (entry == nullptr) return std::unexpected("it has no symbol " RST_ENTRY_SYMBOL);
  plugin.table_ = entry();
  if (plugin.table_ == nullptr) return std::unexpected(RST_ENTRY_SYMBOL "() gave no table");
  const rst_plugin& table = *plugin.table_;
  constexpr auto kLeast = static_cast<std::uint32_t>(offsetof(rst_plugin, validate));
  if (table.struct_size < kLeast) {
    return std::unexpected("its table is " + std::to_string(table.struct_size) + " bytes, too small for the contract");
  }
  if (table.abi_major != RST_ABI_MAJOR || (RST_ABI_MAJOR == 0 && table.abi_minor != RST_ABI_MINOR)) {
    return std::unexpected("it is built for contract " + std::to_string(table.abi_major) + "." +
                           std::to_string(table.abi_minor) + ", this runner judges " + std::to_string(RST_ABI_MAJOR) +
                           "." + std::to_string(RST_ABI_MINOR));
  }
  if (table.kind_count != 0 && (table.kinds == nullptr || table.kind_stride < sizeof(rst_kind))) {
    return std::unexpected("its table declares kinds and has no array of them");
  }
  for (std::uint32_t i = 0; i < table.kind_count; ++i) {
    const rst_kind& kind = at_stride(table.kinds, table.kind_stride, i);
    plugin.kinds_.push_back({i, std::string(view(kind.name)), kind.roles, {kind.caps, kind.caps + kind.cap_count}});
  }
  return plugin;
}

const Kind* Plugin::find_kind(std::string_view name) const noexcept {
  for (const Kind& kind : kinds_) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace conformance
