// The plugin's table: sizes, texts, kinds, fields, verbs, extensions. Options and capabilities have files of their own.
#include "cases/case.hpp"
#include "cases/texts.hpp"

#include <dlfcn.h>
#include <set>

namespace conformance {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

/// One line for people, where there is one at all.
void expect_line(Test& t, const std::string& what, rst_str text) {
  t.expect((text.len == 0 || text.ptr != nullptr) && is_line(view(text)), "entry",
           what + " is one line of UTF-8 without controls", quoted(view(text)));
}

/// An array of the table: what its holder says of it (rule V1).
void expect_array(Test& t, const char* what, const void* array, std::uint32_t count, std::uint32_t stride,
                  std::size_t element) {
  if (count == 0) return;
  t.expect(array != nullptr, "V1", std::string(what) + ": an array of " + number(count), "a null pointer");
  t.expect(stride >= element && stride % 8 == 0, "V1",
           std::string(what) + ": a stride of at least " + number(element) + ", a multiple of 8", number(stride));
}

template <class Table>
void expect_extension(Test& t, std::string_view id) {
  const auto* const table = t.plugin.extension<Table>(id);
  if (table == nullptr) return;
  std::uint32_t head[2];
  std::memcpy(head, table, sizeof head);
  t.expect(head[0] >= sizeof(Table), "V1", std::string(id) + ": a struct_size of at least " + number(sizeof(Table)),
           number(head[0]));
  t.expect(head[1] == 0, "V1", std::string(id) + ": its reserved word is zero", number(head[1]));
}

void expect_slot(Test& t, bool there, std::string_view slot, std::string_view because) {
  t.expect(there, "entry", "the slot " + std::string(slot) + " is filled (" + std::string(because) + ")", "it is null");
}

bool any_kind(const Test& t, std::uint32_t role) {
  return std::ranges::any_of(t.plugin.kinds(), [&](const Kind& kind) { return (kind.roles & role) != 0; });
}

constexpr Case kCases[] = {
    {.name = "table.entry-is-pure",
     .rule = "entry",
     .says =
         "The entry gives the same table whenever it is called, and a whole life of an instance does not change it.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const auto entry = reinterpret_cast<rst_plugin_entry>(::dlsym(t.plugin.library(), RST_ENTRY_SYMBOL));
           const rst_plugin before = t.plugin.table();
           t.expect(entry() == &t.plugin.table(), "entry", "the same table again", "another one");
           t.elsewhere([&] {
             t.expect(entry() == &t.plugin.table(), "entry", "the same table on another thread", "another one");
           });
           (void)t.instance().connection();
           t.end();
           t.expect(std::memcmp(&before, &t.plugin.table(), sizeof before) == 0 && entry() == &t.plugin.table(),
                    "entry", "the table is immutable", "it changed while the plugin was used");
         }},
    {.name = "table.sizes",
     .rule = "V1",
     .says = "Sizes and strides hold what the contract has, and everything undefined or reserved is zero.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const rst_plugin& table = t.plugin.table();
           t.expect(table.struct_size >= sizeof(rst_plugin), "V1",
                    "rst_plugin.struct_size of at least " + number(sizeof(rst_plugin)), number(table.struct_size));
           t.expect(table.flags == 0, "V1", "rst_plugin.flags are 0: none is defined", number(table.flags));
           for (const void* const slot : table.reserved) {
             t.expect(slot == nullptr, "V1", "the reserved slots of rst_plugin are null", "one is not");
           }
           expect_array(t, "rst_plugin.kinds", table.kinds, table.kind_count, table.kind_stride, sizeof(rst_kind));
           expect_array(t, "rst_plugin.options", table.options, table.option_count, table.option_stride,
                        sizeof(rst_option_decl));
           expect_array(t, "rst_plugin.fields", table.fields, table.field_count, table.field_stride,
                        sizeof(rst_field_decl));
           expect_array(t, "rst_plugin.schemes", table.schemes, table.scheme_count, 8, 0);
           expect_extension<rst_admin>(t, RST_EXT_ADMIN);
           expect_extension<rst_match>(t, RST_EXT_MATCH);
           expect_extension<rst_request>(t, RST_EXT_REQUEST);
           expect_extension<rst_seek>(t, RST_EXT_SEEK);
           expect_extension<rst_sim>(t, RST_EXT_SIM);
           expect_extension<rst_stats>(t, RST_EXT_STATS);
           expect_extension<rst_tx>(t, RST_EXT_TX);
         }},
    {.name = "table.identity",
     .rule = "entry",
     .says = "Name, version and schemes are there and written as the contract has them.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const rst_plugin& table = t.plugin.table();
           const std::string_view name = view(table.name);
           t.expect(is_name(name) && name.find('.') != std::string_view::npos, "entry",
                    "rst_plugin.name is a reverse-DNS id, like org.example.mine", quoted(name));
           const std::string_view version = view(table.version);
           t.expect(!version.empty() && version.size() <= 64 && is_line(version), "entry",
                    "rst_plugin.version is a short text", quoted(version));
           expect_line(t, "rst_plugin.vendor", table.vendor);
           t.expect(table.runtime <= RST_RUNTIME_PYTHON, "entry", "rst_plugin.runtime is one that is defined",
                    number(table.runtime));
           t.expect(table.min_host_minor <= table.abi_minor, "entry",
                    "rst_plugin.min_host_minor is at most its own minor, " + number(table.abi_minor),
                    number(table.min_host_minor));
           t.expect(table.scheme_count != 0, "entry", "rst_plugin.schemes has the scheme of its URLs", "it has none");
           std::set<std::string_view> seen;
           for (std::uint32_t i = 0; i < table.scheme_count; ++i) {
             const std::string_view scheme = view(table.schemes[i]);
             const bool fits =
                 !scheme.empty() && scheme[0] >= 'a' && scheme[0] <= 'z' && scheme.size() <= 32 &&
                 std::ranges::all_of(scheme, [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
                 });
             t.expect(fits && seen.insert(scheme).second, "entry", "a scheme of URLs, each once", quoted(scheme));
           }
         }},
    {.name = "table.kinds",
     .rule = "entry",
     .says = "Each kind has a name of its own, a line about it, and at least one role.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           constexpr std::uint32_t kRoles = RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER | RST_ROLE_ADMIN;
           const rst_plugin& table = t.plugin.table();
           t.expect(table.kind_count <= 64, "entry", "at most 64 kinds: a bit for each names them",
                    number(table.kind_count));
           std::set<std::string_view> seen;
           for (std::uint32_t i = 0; i < table.kind_count; ++i) {
             const rst_kind& kind = at_stride(table.kinds, table.kind_stride, i);
             t.expect(is_name(view(kind.name)), "entry", "a kind's name is small letters, digits, `.`, `_` and `-`",
                      quoted(view(kind.name)));
             t.expect(seen.insert(view(kind.name)).second, "entry", "each kind has a name of its own",
                      quoted(view(kind.name)) + " is there twice");
             expect_line(t, "the doc of a kind", kind.doc);
             t.expect((kind.roles & kRoles) != 0 && (kind.roles & ~kRoles) == 0, "entry",
                      "a kind has at least one role, and no undefined one", number(kind.roles));
           }
         }},
    {.name = "table.fields",
     .rule = "entry",
     .says = "Each broker field has an id and a name of its own, and a type that is defined.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const rst_plugin& table = t.plugin.table();
           std::set<std::string_view> names;
           std::set<std::uint32_t> ids;
           for (std::uint32_t i = 0; i < table.field_count; ++i) {
             const rst_field_decl& field = t.plugin.field(i);
             const std::string name(view(field.name));
             t.expect(is_name(name) && names.insert(view(field.name)).second, "entry", "a field has a name of its own",
                      quoted(name));
             t.expect(ids.insert(field.id).second, "entry", "a field has an id of its own", name);
             expect_line(t, "the doc of " + name, field.doc);
             t.expect(field.type > RST_TYPE_NONE && field.type <= RST_TYPE_URL, "entry",
                      "the type of " + name + " is one that is defined", number(field.type));
             const bool known = table.kind_count >= 64 || field.kinds >> table.kind_count == 0;
             t.expect(known, "entry", "the kinds of " + name + " are the table's", number(field.kinds));
           }
         }},
    {.name = "table.verbs",
     .rule = "entry",
     .says = "The verbs that the declared kinds cannot do without are there.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const rst_plugin& table = t.plugin.table();
           expect_slot(t, table.validate != nullptr, "validate", "mandatory");
           expect_slot(t, table.init != nullptr, "init", "mandatory");
           expect_slot(t, table.deinit != nullptr, "deinit", "mandatory");
           expect_slot(t, table.connect != nullptr, "connect", "mandatory");
           expect_slot(t, table.close != nullptr, "close", "mandatory");
           if (any_kind(t, RST_ROLE_SUBSCRIPTION)) {
             expect_slot(t, table.subscribe != nullptr, "subscribe", "a kind has the role SUBSCRIPTION");
             expect_slot(t, table.credit != nullptr, "credit", "a kind has the role SUBSCRIPTION");
           }
           if (any_kind(t, RST_ROLE_PUBLISHER)) {
             expect_slot(t, table.open_publisher != nullptr, "open_publisher", "a kind has the role PUBLISHER");
             expect_slot(t, table.publish != nullptr, "publish", "a kind has the role PUBLISHER");
           }
           for (const Kind& kind : t.plugin.kinds()) {
             if (kind.can(RST_CAP_SETTLE))
               expect_slot(t, table.settle != nullptr, "settle", "kind " + kind.name + " declares SETTLE");
           }
         }},
    {.name = "table.extensions",
     .rule = "entry",
     .says =
         "An extension is found by its whole id, always at the same place, with its functions; an unknown id is not.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           if (t.plugin.table().get_extension == nullptr) return;
           for (const std::string_view unknown : {"", "rst.", "rst.tx", "rst.tx/", "rst.tx/9999", "rst.nothing/1"}) {
             t.expect(t.plugin.extension<void>(unknown) == nullptr, "entry",
                      "no table for the id " + quoted(unknown) + ", which nobody defined", "it has one");
           }
           for (const std::string_view id :
                {RST_EXT_ADMIN, RST_EXT_MATCH, RST_EXT_REQUEST, RST_EXT_SEEK, RST_EXT_SIM, RST_EXT_STATS, RST_EXT_TX}) {
             const Lent<char> lent = lend_bytes(id, "the id of an extension");  // ends at an unreadable page
             const void* const found = t.plugin.table().get_extension({lent.get(), id.size()});
             t.expect(found == t.plugin.extension<void>(id), "entry", std::string(id) + " is always at the same place",
                      "it was at another one");
           }
           const auto* const tx = t.plugin.extension<rst_tx>(RST_EXT_TX);
           if (tx != nullptr)
             expect_slot(t, tx->begin != nullptr && tx->commit != nullptr && tx->abort != nullptr, RST_EXT_TX,
                         "it is there");
           const auto* const seek = t.plugin.extension<rst_seek>(RST_EXT_SEEK);
           if (seek != nullptr) expect_slot(t, seek->seek != nullptr, RST_EXT_SEEK, "it is there");
           const auto* const request = t.plugin.extension<rst_request>(RST_EXT_REQUEST);
           if (request != nullptr) expect_slot(t, request->request != nullptr, RST_EXT_REQUEST, "it is there");
           const auto* const match = t.plugin.extension<rst_match>(RST_EXT_MATCH);
           if (match != nullptr) expect_slot(t, match->match != nullptr, RST_EXT_MATCH, "it is there");
           const auto* const admin = t.plugin.extension<rst_admin>(RST_EXT_ADMIN);
           if (admin != nullptr) expect_slot(t, admin->apply != nullptr, RST_EXT_ADMIN, "it is there");
           const auto* const stats = t.plugin.extension<rst_stats>(RST_EXT_STATS);
           if (stats != nullptr) expect_slot(t, stats->snapshot != nullptr, RST_EXT_STATS, "it is there");
         }},
};

}  // namespace

std::span<const Case> table_cases() { return kCases; }

}  // namespace conformance
