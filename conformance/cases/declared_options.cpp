// What options a plugin declares: well-formed, with defaults that a user could have written, and reserved names with
// their one meaning.
#include "cases/case.hpp"
#include "cases/texts.hpp"
#include "host/options.hpp"

#include <set>

namespace conformance {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

constexpr std::uint32_t bit(std::uint16_t type) noexcept { return 1U << type; }

/// A name that means the same in every plugin.
struct Reserved {
  std::string_view name;
  std::uint32_t types;
  bool secret;
};
constexpr std::uint32_t kText = bit(RST_TYPE_STRING), kDuration = bit(RST_TYPE_DURATION);
constexpr std::uint32_t kPath = bit(RST_TYPE_PATH), kCount = bit(RST_TYPE_U64) | bit(RST_TYPE_I64);
constexpr Reserved kReserved[] = {
    {RST_OPT_URL, bit(RST_TYPE_URL) | kText, false},
    {RST_OPT_USER, kText, false},
    {RST_OPT_PASSWORD, kText | bit(RST_TYPE_BYTES), true},
    {RST_OPT_TOKEN, kText | bit(RST_TYPE_BYTES), true},
    {RST_OPT_TLS, bit(RST_TYPE_ENUM), false},
    {RST_OPT_TLS_CA, kPath, false},
    {RST_OPT_TLS_CERT, kPath, false},
    {RST_OPT_TLS_KEY, kPath, false},
    {RST_OPT_TLS_SERVER_NAME, kText, false},
    {RST_OPT_CLIENT_NAME, kText, false},
    {RST_OPT_CONNECT_TIMEOUT, kDuration, false},
    {RST_OPT_OP_TIMEOUT, kDuration, false},
    {RST_OPT_RECONNECT_DELAY, kDuration, false},
    {RST_OPT_RECONNECT_MAX_DELAY, kDuration, false},
    {RST_OPT_RECONNECT_AUTH_ATTEMPTS, kCount, false},
    {RST_OPT_KEEPALIVE, kDuration, false},
    {RST_OPT_MAX_PAYLOAD, bit(RST_TYPE_SIZE), false},
};

bool is_numeric(std::uint16_t type) noexcept {
  return type == RST_TYPE_I64 || type == RST_TYPE_U64 || type == RST_TYPE_DURATION || type == RST_TYPE_SIZE;
}

/// Ranges of units: which of them measure what.
bool unit_fits(std::uint16_t type, std::uint16_t unit) noexcept {
  const bool time = unit >= RST_UNIT_NANOSECOND && unit <= RST_UNIT_SECOND;
  const bool size = unit >= RST_UNIT_BYTE && unit <= RST_UNIT_MEBIBYTE;
  if (unit == RST_UNIT_NONE) return true;
  if (type == RST_TYPE_DURATION) return time;
  if (type == RST_TYPE_SIZE) return size;
  return (is_numeric(type) || type == RST_TYPE_F64) && unit <= RST_UNIT_MESSAGE;
}

/// Whether both may be given in one place.
bool meet(const rst_option_decl& a, const rst_option_decl& b) noexcept {
  return (a.scopes & b.scopes) != 0 && (a.kinds == 0 || b.kinds == 0 || (a.kinds & b.kinds) != 0);
}

bool in_range(const rst_option_decl& option, const rst_value& value) noexcept {
  if (option.min == 0 && option.max == 0) return true;
  if (option.type == RST_TYPE_I64) return value.as.i64 >= option.min && value.as.i64 <= option.max;
  if (!is_numeric(option.type)) return true;
  return value.as.u64 <= INT64_MAX && static_cast<std::int64_t>(value.as.u64) >= option.min &&
         static_cast<std::int64_t>(value.as.u64) <= option.max;
}

bool is_choice(const rst_option_decl& option, std::string_view text) noexcept {
  for (std::uint32_t i = 0; i < option.choice_count; ++i) {
    if (view(option.choices[i]) == text) return true;
  }
  return false;
}

void expect_choices(Test& t, const rst_option_decl& option, const std::string& what) {
  if (option.type != RST_TYPE_ENUM) {
    t.expect(option.choice_count == 0, "entry", what + ": choices only for an ENUM", "it has some");
    return;
  }
  if (option.choice_count == 0 || option.choices == nullptr)
    t.fail("entry", what + ": an ENUM has choices", "it has none");
  std::set<std::string_view> seen;
  for (std::uint32_t i = 0; i < option.choice_count; ++i) {
    const std::string_view choice = view(option.choices[i]);
    t.expect(!choice.empty() && is_line(choice) && seen.insert(choice).second, "entry",
             what + ": each choice is a text, and there once", quoted(choice));
  }
}

void expect_default(Test& t, std::uint32_t index, const std::string& what) {
  const rst_option_decl& option = t.plugin.option(index);
  const std::string_view text = view(option.default_text);
  if (text.empty()) return;
  t.expect((option.flags & RST_OPTION_REQUIRED) == 0, "entry", what + ": a REQUIRED option has no default",
           quoted(text));
  t.expect((option.flags & RST_OPTION_PREFIX) == 0, "entry", what + ": an option with PREFIX has no default",
           quoted(text));
  t.expect(is_line(text), "entry", what + ": its default is one line of UTF-8", quoted(text));
  auto made = OptionArray::make(t.plugin, {{std::string(view(option.name)), std::string(text)}});
  t.expect(made.has_value(), "entry", what + ": its default is a value of its type", made ? "" : made.error());
  const rst_value& value = made->size() == 1 && (*made)[0].items != nullptr ? (*made)[0].items[0] : (*made)[0].value;
  t.expect(in_range(option, value), "entry", what + ": its default lies in its range", quoted(text));
  t.expect(option.type != RST_TYPE_ENUM || is_choice(option, text), "entry",
           what + ": its default is one of its choices", quoted(text));
}

constexpr Case kCases[] = {
    {.name = "table.option-names",
     .rule = "entry",
     .says = "An option has a name that is its own wherever it may be given, and so has its alias.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const std::uint32_t count = t.plugin.table().option_count;
           t.expect(count < RST_OPTION_PASS_THROUGH, "entry", "fewer options than RST_OPTION_PASS_THROUGH",
                    number(count));
           for (std::uint32_t i = 0; i < count; ++i) {
             const rst_option_decl& option = t.plugin.option(i);
             std::string_view name = view(option.name);
             const std::string what = "option " + quoted(name);
             if ((option.flags & RST_OPTION_PREFIX) != 0 && name.ends_with('.')) name.remove_suffix(1);
             t.expect(is_name(name), "entry", "an option's name is small letters, digits, `.`, `_` and `-`", what);
             t.expect(option.alias.len == 0 || is_name(view(option.alias)), "entry", what + ": an alias is a name too",
                      quoted(view(option.alias)));
             t.expect(is_line(view(option.doc)) && option.doc.len != 0, "entry", what + ": its doc is one line",
                      quoted(view(option.doc)));
             for (std::uint32_t other = 0; other < count; ++other) {
               const rst_option_decl& with = t.plugin.option(other);
               const bool same = view(with.alias) == view(option.name) ||
                                 (other != i && (view(with.name) == view(option.name) ||
                                                 (option.alias.len != 0 && view(with.alias) == view(option.alias))));
               t.expect(!same || !meet(option, with), "entry", what + ": its name is its own", "another one has it");
             }
           }
         }},
    {.name = "table.options",
     .rule = "entry",
     .says = "An option's type, unit, range, choices, scopes and flags make sense, and its default lies within them.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           constexpr std::uint32_t kScopes = 0x3F, kFlags = 0x7F;
           const rst_plugin& table = t.plugin.table();
           for (std::uint32_t i = 0; i < table.option_count; ++i) {
             const rst_option_decl& option = t.plugin.option(i);
             const std::string what = "option `" + std::string(view(option.name)) + "`";
             t.expect(option.type > RST_TYPE_NONE && option.type <= RST_TYPE_URL, "entry",
                      what + ": a type that is defined", number(option.type));
             t.expect(unit_fits(option.type, option.unit), "entry", what + ": a unit that measures its type",
                      number(option.unit));
             t.expect(option.scopes != 0 && (option.scopes & ~kScopes) == 0, "entry",
                      what + ": at least one scope, and no undefined one", number(option.scopes));
             t.expect((option.flags & ~kFlags) == 0, "entry", what + ": flags that are defined", number(option.flags));
             t.expect(table.kind_count >= 64 || option.kinds >> table.kind_count == 0, "entry",
                      what + ": kinds of the table", number(option.kinds));
             const bool ranged = option.min != 0 || option.max != 0;
             t.expect(!ranged || is_numeric(option.type), "entry", what + ": a range only for whole numbers",
                      "it has one");
             t.expect(option.min <= option.max, "entry", what + ": its range is not empty",
                      std::to_string(option.min) + " to " + std::to_string(option.max));
             expect_choices(t, option, what);
             expect_default(t, i, what);
           }
         }},
    {.name = "table.reserved-options",
     .rule = "entry",
     .says = "A name that means the same in every plugin has that meaning here: its type, its scope, its secrecy.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           for (std::uint32_t i = 0; i < t.plugin.table().option_count; ++i) {
             const rst_option_decl& option = t.plugin.option(i);
             const auto* const reserved = std::ranges::find(kReserved, view(option.name), &Reserved::name);
             if (reserved == std::end(kReserved)) continue;
             const std::string what = "option `" + std::string(reserved->name) + "`";
             t.expect((reserved->types & bit(option.type)) != 0, "entry", what + ": the type that its name promises",
                      number(option.type));
             t.expect(!reserved->secret || (option.flags & RST_OPTION_SECRET) != 0, "entry", what + " is SECRET",
                      "it is not");
             if (reserved->name != RST_OPT_TLS) continue;
             for (std::uint32_t choice = 0; choice < option.choice_count; ++choice) {
               const std::string_view text = view(option.choices[choice]);
               t.expect(text == RST_OPT_TLS_OFF || text == RST_OPT_TLS_ON || text == RST_OPT_TLS_VERIFY, "entry",
                        what + ": off, on or verify", quoted(text));
             }
           }
         }},
};

}  // namespace

std::span<const Case> declared_option_cases() { return kCases; }

}  // namespace conformance
