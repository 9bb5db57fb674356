#include "host/plugin.hpp"

#include "host/doing.hpp"

#include <dlfcn.h>

namespace conformance {
namespace {

/// A plugin of another major has another symbol; they are known by name.
std::string other_major(void* library) {
  for (unsigned major = 0; major < 10; ++major) {
    const std::string symbol = "rst_plugin_v" + std::to_string(major);
    if (::dlsym(library, symbol.c_str()) != nullptr) {
      return " (it has " + symbol + ": it is built for another major version of the contract)";
    }
  }
  return {};
}

/// What stands against a table, with the remedy; empty when nothing does.
std::string against(const rst_plugin* table) {
  if (table == nullptr) return RST_ENTRY_SYMBOL "() gave no table; return the address of a static rst_plugin";
  constexpr auto kLeast = static_cast<std::uint32_t>(offsetof(rst_plugin, validate));
  const auto number = [](std::uint32_t value) { return std::to_string(value); };
  if (table->struct_size < kLeast) {
    return "its table says that it has " + number(table->struct_size) +
           " bytes, too few for the contract; set struct_size to sizeof(rst_plugin)";
  }
  if (table->abi_major != RST_ABI_MAJOR || (RST_ABI_MAJOR == 0 && table->abi_minor != RST_ABI_MINOR)) {
    return "it is built for contract " + number(table->abi_major) + "." + number(table->abi_minor) +
           " and this runner judges " + number(RST_ABI_MAJOR) + "." + number(RST_ABI_MINOR) +
           "; build it with this version's headers, or take the runner of that version";
  }
  if (table->kind_count != 0 && (table->kinds == nullptr || table->kind_stride < sizeof(rst_kind))) {
    return "its table declares kinds and has no array of them; set kinds and kind_stride";
  }
  return {};
}

}  // namespace

rst_capability Kind::capability(std::uint32_t id) const noexcept {
  for (const rst_capability& each : capabilities) {
    if (each.id == id) return each;
  }
  return {.id = id, .level = RST_LEVEL_NONE, .flags = 0, .limit = 0};
}

std::expected<Plugin, std::string> Plugin::load(const std::string& path) {
  Plugin plugin;
  plugin.path_ = path;
  {
    const Doing doing("its constructors");
    plugin.library_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  }
  if (plugin.library_ == nullptr) {
    return std::unexpected(std::string("the dynamic linker refuses it (") + ::dlerror() +
                           "); link what it needs, and look with ldd -r");
  }
  const auto entry = reinterpret_cast<rst_plugin_entry>(::dlsym(plugin.library_, RST_ENTRY_SYMBOL));
  if (entry == nullptr) {
    return std::unexpected("it has no symbol " RST_ENTRY_SYMBOL "; export that function with RST_EXPORT" +
                           other_major(plugin.library_));
  }
  {
    const Doing doing("its entry " RST_ENTRY_SYMBOL "()");
    plugin.table_ = entry();
  }
  const Doing doing("its declarations");
  if (std::string fault = against(plugin.table_); !fault.empty()) return std::unexpected(std::move(fault));
  const rst_plugin& table = *plugin.table_;
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
