#include "options/table.hpp"

#include <cstddef>

namespace ruststream::inline v0::options {
namespace {

template <class Item>
const Item& item_at(const Item* items, std::uint32_t index, std::uint32_t stride) noexcept {
  const auto* bytes = reinterpret_cast<const std::byte*>(items);
  return *reinterpret_cast<const Item*>(bytes + static_cast<std::size_t>(index) * stride);
}

}  // namespace

const rst_kind& kind_at(const rst_plugin& table, std::uint32_t index) noexcept {
  return item_at(table.kinds, index, table.kind_stride);
}

const rst_option_decl& option_at(const rst_plugin& table, std::uint32_t index) noexcept {
  return item_at(table.options, index, table.option_stride);
}

const rst_field_decl& field_at(const rst_plugin& table, std::uint32_t index) noexcept {
  return item_at(table.fields, index, table.field_stride);
}

std::vector<std::string> schemes_of(const rst_plugin& table) {
  std::vector<std::string> schemes;
  schemes.reserve(table.scheme_count);
  for (std::uint32_t i = 0; i < table.scheme_count; ++i) schemes.emplace_back(view(table.schemes[i]));
  return schemes;
}

std::vector<std::string> missing_verbs(const rst_plugin& table) {
  std::uint32_t roles = 0;
  for (std::uint32_t i = 0; i < table.kind_count; ++i) roles |= kind_at(table, i).roles;
  const bool subscribes = (roles & RST_ROLE_SUBSCRIPTION) != 0;
  const bool publishes = (roles & RST_ROLE_PUBLISHER) != 0;
  const struct {
    bool missing;
    const char* name;
  } verbs[] = {{table.validate == nullptr, "validate"},
               {table.init == nullptr, "init"},
               {table.deinit == nullptr, "deinit"},
               {table.connect == nullptr, "connect"},
               {table.close == nullptr, "close"},
               {subscribes && table.subscribe == nullptr, "subscribe"},
               {subscribes && table.credit == nullptr, "credit"},
               {publishes && table.open_publisher == nullptr, "open_publisher"},
               {publishes && table.publish == nullptr, "publish"}};
  std::vector<std::string> missing;
  for (const auto& verb : verbs) {
    if (verb.missing) missing.emplace_back(verb.name);
  }
  return missing;
}

}  // namespace ruststream::inline v0::options
