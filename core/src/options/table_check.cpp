#include "options/nearest.hpp"
#include "options/table.hpp"
#include "options/utf8.hpp"
#include "options/value.hpp"

#include <algorithm>
#include <set>
#include <span>

namespace ruststream::inline v0::options {
namespace {

constexpr std::uint32_t kKnownScopes = RST_SCOPE_CONNECTION | RST_SCOPE_SUBSCRIPTION | RST_SCOPE_PUBLISHER |
                                       RST_SCOPE_MESSAGE | RST_SCOPE_ADMIN | RST_SCOPE_TX;
constexpr std::uint32_t kKnownOptionFlags = RST_OPTION_REQUIRED | RST_OPTION_SECRET | RST_OPTION_LIST |
                                            RST_OPTION_PREFIX | RST_OPTION_DEPRECATED | RST_OPTION_RELOADABLE |
                                            RST_OPTION_EXPERT;
constexpr std::uint32_t kKnownRoles = RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER | RST_ROLE_ADMIN;

class TableCheck {
 public:
  explicit TableCheck(const rst_plugin& table) : table_(table) {}

  std::vector<std::string> run();

 private:
  void report(std::string problem) { problems_.push_back(std::move(problem)); }
  bool check_text(const rst_str& text, const std::string& what);
  bool check_label(const rst_str& text, const std::string& what);
  bool check_array(const void* items, std::uint32_t count, std::uint32_t most, const std::string& what);
  bool check_stride(std::uint32_t count, std::uint32_t stride, std::size_t size, const std::string& what);
  void check_mask(std::uint64_t mask, const std::string& what);
  void check_schemes();
  void check_kinds();
  void check_options();
  void check_option(std::uint32_t index);
  void check_default(const rst_option_decl& decl, const std::string& what);
  void check_double_names();
  void check_fields();

  const rst_plugin& table_;
  std::vector<std::string> problems_;
};

bool TableCheck::check_text(const rst_str& text, const std::string& what) {
  if (text.len != 0 && text.ptr == nullptr) {
    report(what + " is null but has a length");
  } else if (text.len > kMaxTableText) {
    report(what + " is longer than " + std::to_string(kMaxTableText) + " bytes");
  } else if (!is_utf8(view(text))) {
    report(what + " is not UTF-8");
  } else {
    return true;
  }
  return false;
}

bool TableCheck::check_label(const rst_str& text, const std::string& what) {
  if (!check_text(text, what)) return false;
  const bool plain = std::ranges::all_of(
      view(text), [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F && c != ',' && c != '='; });
  if (text.len == 0 || !plain)
    report(what + (text.len == 0 ? " is empty" : " has a space, comma or control character"));
  return text.len != 0 && plain;
}

bool TableCheck::check_array(const void* items, std::uint32_t count, std::uint32_t most, const std::string& what) {
  if (count > most) {
    report(what + ": " + std::to_string(count) + " are more than the " + std::to_string(most) + " allowed");
  } else if (count != 0 && items == nullptr) {
    report(what + " is null but has a count of " + std::to_string(count));
  } else {
    return true;
  }
  return false;
}

bool TableCheck::check_stride(std::uint32_t count, std::uint32_t stride, std::size_t size, const std::string& what) {
  if (count == 0 || (stride >= size && stride % alignof(void*) == 0)) return true;
  report(what + " has the stride " + std::to_string(stride) + "; it is at least " + std::to_string(size) +
         " and a multiple of " + std::to_string(alignof(void*)));
  return false;
}

void TableCheck::check_mask(std::uint64_t mask, const std::string& what) {
  if (table_.kind_count < kMaxKinds && mask >> table_.kind_count != 0) report(what + " names kinds that do not exist");
}

void TableCheck::check_schemes() {
  if (!check_array(table_.schemes, table_.scheme_count, kMaxSchemes, "schemes")) return;
  if (table_.scheme_count == 0) report("schemes is empty");
  std::set<std::string_view> seen;
  for (std::uint32_t i = 0; i < table_.scheme_count; ++i) {
    const std::string what = "scheme " + std::to_string(i);
    if (!check_label(table_.schemes[i], what)) continue;
    const std::string_view scheme = view(table_.schemes[i]);
    if (!seen.insert(scheme).second) report(what + " `" + printable(scheme) + "` is there twice");
    const bool lower = std::ranges::all_of(scheme, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    });
    if (!lower || scheme.front() < 'a') report(what + " `" + printable(scheme) + "` is not a URL scheme in lower case");
  }
}

void TableCheck::check_kinds() {
  if (!check_array(table_.kinds, table_.kind_count, kMaxKinds, "kinds") ||
      !check_stride(table_.kind_count, table_.kind_stride, sizeof(rst_kind), "kinds")) {
    return;
  }
  if (table_.kind_count == 0) report("kinds is empty; the first one is the default");
  std::set<std::string_view> seen;
  for (std::uint32_t i = 0; i < table_.kind_count; ++i) {
    const rst_kind& kind = kind_at(table_, i);
    std::string what = "kind " + std::to_string(i);
    if (check_label(kind.name, what)) {
      what += " `" + printable(view(kind.name)) + "`";
      if (!seen.insert(view(kind.name)).second) report(what + " is there twice");
    }
    check_text(kind.doc, what + ": doc");
    check_array(kind.caps, kind.cap_count, kMaxCapabilities, what + ": caps");
    if (kind.roles == 0 || (kind.roles & ~kKnownRoles) != 0)
      report(what + ": roles has no known bit, or an unknown one");
  }
}

void TableCheck::check_options() {
  if (!check_array(table_.options, table_.option_count, kMaxOptions, "options") ||
      !check_stride(table_.option_count, table_.option_stride, sizeof(rst_option_decl), "options")) {
    return;
  }
  const std::size_t before = problems_.size();
  for (std::uint32_t i = 0; i < table_.option_count; ++i) check_option(i);
  if (problems_.size() == before) check_double_names();
}

void TableCheck::check_option(std::uint32_t index) {
  const rst_option_decl& decl = option_at(table_, index);
  std::string what = "option " + std::to_string(index);
  if (check_label(decl.name, what)) what += " `" + printable(view(decl.name)) + "`";
  check_text(decl.doc, what + ": doc");
  check_mask(decl.kinds, what);
  const bool ranged = decl.type != RST_TYPE_I64 && (decl.min < 0 || decl.max < 0);
  if (decl.type == RST_TYPE_NONE || decl.type > RST_TYPE_URL) report(what + " has an unknown type");
  if (decl.unit > RST_UNIT_MESSAGE) report(what + " has an unknown unit");
  if (decl.scopes == 0 || (decl.scopes & ~kKnownScopes) != 0)
    report(what + ": scopes has no known bit, or an unknown one");
  if ((decl.flags & ~kKnownOptionFlags) != 0) report(what + " has unknown flags");
  if (decl.min > decl.max || ranged) report(what + " has no valid range");
  if (decl.alias.len != 0) check_label(decl.alias, what + ": alias");
  const bool choices = check_array(decl.choices, decl.choice_count, kMaxChoices, what + ": choices");
  if (decl.type == RST_TYPE_ENUM && decl.choice_count == 0) report(what + " is an enum without choices");
  bool readable = choices && decl.type != RST_TYPE_NONE && decl.type <= RST_TYPE_URL;
  for (std::uint32_t i = 0; choices && i < decl.choice_count; ++i) {
    readable &= check_text(decl.choices[i], what + ": choice " + std::to_string(i));
  }
  if (check_text(decl.default_text, what + ": default") && readable) check_default(decl, what);
}

void TableCheck::check_default(const rst_option_decl& decl, const std::string& what) {
  if (decl.default_text.len == 0 || (decl.flags & RST_OPTION_LIST) != 0) return;
  TextStore store;
  const auto value = parse_value(decl, view(decl.default_text), store);
  if (!value) report(what + ": its own default is wrong, it " + value.error());
}

// The same name may serve two scopes or kinds, but no setting may fit two declarations.
void TableCheck::check_double_names() {
  struct Use {
    std::string_view name;
    std::uint32_t index;
    auto operator<=>(const Use&) const = default;
  };
  std::vector<Use> uses;
  for (std::uint32_t i = 0; i < table_.option_count; ++i) {
    uses.push_back({.name = view(option_at(table_, i).name), .index = i});
    if (option_at(table_, i).alias.len != 0) uses.push_back({.name = view(option_at(table_, i).alias), .index = i});
  }
  std::ranges::sort(uses);
  for (std::size_t j = 0; j < uses.size(); ++j) {
    for (std::size_t i = j + 1; i < uses.size() && uses[i].name == uses[j].name; ++i) {
      const rst_option_decl& a = option_at(table_, uses[i].index);
      const rst_option_decl& b = option_at(table_, uses[j].index);
      const bool kinds = a.kinds == 0 || b.kinds == 0 || (a.kinds & b.kinds) != 0;
      if (kinds && (a.scopes & b.scopes) != 0) {
        report("options " + std::to_string(uses[j].index) + " and " + std::to_string(uses[i].index) +
               " share the name `" + printable(uses[i].name) + "`");
      }
    }
  }
}

void TableCheck::check_fields() {
  if (!check_array(table_.fields, table_.field_count, kMaxFields, "fields") ||
      !check_stride(table_.field_count, table_.field_stride, sizeof(rst_field_decl), "fields")) {
    return;
  }
  std::set<std::string_view> names;
  std::set<std::uint32_t> ids;
  for (std::uint32_t i = 0; i < table_.field_count; ++i) {
    const rst_field_decl& field = field_at(table_, i);
    const std::string what = "field " + std::to_string(i);
    if (check_label(field.name, what) && !names.insert(view(field.name)).second)
      report(what + ": its name is there twice");
    if (!ids.insert(field.id).second) report(what + ": its id is there twice");
    check_text(field.doc, what + ": doc");
    check_mask(field.kinds, what);
    if (field.type == RST_TYPE_NONE || field.type > RST_TYPE_URL) report(what + " has an unknown type");
  }
}

std::vector<std::string> TableCheck::run() {
  if (table_.struct_size < sizeof(rst_plugin)) {
    report("struct_size is " + std::to_string(table_.struct_size) + "; it is at least " +
           std::to_string(sizeof(rst_plugin)));
    return std::move(problems_);
  }
  check_label(table_.name, "name");
  check_label(table_.version, "version");
  check_text(table_.vendor, "vendor");
  if (table_.flags != 0) report("flags has bits that this host does not know");
  check_schemes();
  check_kinds();
  check_options();
  check_fields();
  return std::move(problems_);
}

}  // namespace

std::vector<std::string> check_table(const rst_plugin& table) { return TableCheck(table).run(); }

}  // namespace ruststream::inline v0::options
