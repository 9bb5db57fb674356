#include "describe.hpp"

#include "host/capability_text.hpp"
#include "host/text.hpp"
#include "loader/listing.hpp"
#include "options/option_set.hpp"
#include "options/table.hpp"

#include <array>
#include <bit>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

namespace ruststream::cli {
namespace {

using json = nlohmann::ordered_json;
using options::view;

struct Bit {
  std::uint32_t bit;
  const char* name;
};
constexpr Bit kRoles[] = {
    {RST_ROLE_SUBSCRIPTION, "subscription"}, {RST_ROLE_PUBLISHER, "publisher"}, {RST_ROLE_ADMIN, "admin"}};
constexpr Bit kOptionFlags[] = {
    {RST_OPTION_REQUIRED, "required"}, {RST_OPTION_SECRET, "secret"},         {RST_OPTION_LIST, "list"},
    {RST_OPTION_PREFIX, "prefix"},     {RST_OPTION_DEPRECATED, "deprecated"}, {RST_OPTION_RELOADABLE, "reloadable"},
    {RST_OPTION_EXPERT, "expert"}};
constexpr std::array kExtensions{RST_EXT_ADMIN, RST_EXT_MATCH, RST_EXT_REQUEST, RST_EXT_SEEK,
                                 RST_EXT_SIM,   RST_EXT_STATS, RST_EXT_TX};

json names_of(std::uint32_t bits, std::span<const Bit> known) {
  json names = json::array();
  for (const Bit& each : known) {
    if ((bits & each.bit) != 0) names.push_back(each.name);
  }
  return names;
}

/// Nothing for a mask that means all of them.
void add_kinds(json& to, const rst_plugin& table, std::uint64_t mask) {
  if (mask == 0) return;
  for (std::uint32_t i = 0; i < table.kind_count; ++i) {
    if (options::has_kind(mask, i)) to["kinds"].push_back(view(options::kind_at(table, i).name));
  }
}

void add_text(json& to, const char* key, rst_str text) {
  if (text.len != 0) to[key] = view(text);
}

json kind_of(const rst_kind& kind) {
  json capabilities = json::array();
  for (const rst_capability& each : std::span(kind.caps, kind.cap_count)) {
    capabilities.push_back({{"capability", conformance::capability_name(each.id)},
                            {"id", each.id},
                            {"level", each.level},
                            {"flags", each.flags},
                            {"limit", each.limit},
                            {"declared", conformance::capability_text(each)}});
  }
  json made{{"name", view(kind.name)}, {"roles", names_of(kind.roles, kRoles)}};
  add_text(made, "doc", kind.doc);
  made["capabilities"] = std::move(capabilities);
  return made;
}

json option_of(const rst_plugin& table, const rst_option_decl& decl) {
  json made{{"name", view(decl.name)}};
  add_text(made, "doc", decl.doc);
  made["type"] = options::type_name(decl.type);
  if (decl.unit != RST_UNIT_NONE) made["unit"] = options::unit_name(decl.unit);
  add_text(made, "default", decl.default_text);
  add_text(made, "alias", decl.alias);
  for (const rst_str& each : std::span(decl.choices, decl.choice_count)) made["choices"].push_back(view(each));
  if (decl.min != 0 || decl.max != 0) made.update({{"min", decl.min}, {"max", decl.max}});
  made["scopes"] = json::array();
  for (std::uint32_t bits = decl.scopes; bits != 0; bits &= bits - 1) {
    made["scopes"].push_back(options::scope_names(1U << std::countr_zero(bits)));
  }
  add_kinds(made, table, decl.kinds);
  made["flags"] = names_of(decl.flags, kOptionFlags);
  return made;
}

json field_of(const rst_plugin& table, const rst_field_decl& field) {
  json made{{"name", view(field.name)}};
  add_text(made, "doc", field.doc);
  made.update({{"id", field.id}, {"type", options::type_name(field.type)}});
  add_kinds(made, table, field.kinds);
  return made;
}

/// Read as far as it has the sizes that it says.
json statistics_of(const void* extension) {
  constexpr std::uint32_t kMost = 4096;
  const auto* const stats = static_cast<const rst_stats*>(extension);
  json all = json::array();
  if (stats->struct_size < sizeof(rst_stats) || stats->decls == nullptr || stats->decl_count > kMost ||
      stats->decl_stride < sizeof(rst_stat_decl)) {
    return all;
  }
  for (std::uint32_t i = 0; i < stats->decl_count; ++i) {
    const rst_stat_decl& each = conformance::at_stride(stats->decls, stats->decl_stride, i);
    json made{{"name", view(each.name)}};
    add_text(made, "doc", each.doc);
    made.update({{"id", each.id}, {"type", each.type == RST_STAT_COUNTER ? "counter" : "gauge"}});
    if (each.unit != RST_UNIT_NONE) made["unit"] = options::unit_name(each.unit);
    all.push_back(std::move(made));
  }
  return all;
}

}  // namespace

json describe(const rst_plugin& table) {
  json made{{"name", view(table.name)}, {"version", view(table.version)}};
  add_text(made, "vendor", table.vendor);
  made["contract"] = std::to_string(table.abi_major) + "." + std::to_string(table.abi_minor);
  made["min_host_minor"] = table.min_host_minor;
  made["runtime"] = loader::runtime_name(table.runtime);
  made["schemes"] = options::schemes_of(table);
  made["kinds"] = json::array();
  for (std::uint32_t i = 0; i < table.kind_count; ++i) made["kinds"].push_back(kind_of(options::kind_at(table, i)));
  made["options"] = json::array();
  for (std::uint32_t i = 0; i < table.option_count; ++i) {
    made["options"].push_back(option_of(table, options::option_at(table, i)));
  }
  made["fields"] = json::array();
  for (std::uint32_t i = 0; i < table.field_count; ++i) {
    made["fields"].push_back(field_of(table, options::field_at(table, i)));
  }
  made["extensions"] = json::array();
  made["statistics"] = json::array();
  for (const std::string_view id : kExtensions) {
    const void* const found = table.get_extension == nullptr ? nullptr : table.get_extension(conformance::str(id));
    if (found == nullptr) continue;
    made["extensions"].push_back(id);
    if (id == RST_EXT_STATS) made["statistics"] = statistics_of(found);
  }
  return made;
}

}  // namespace ruststream::cli
