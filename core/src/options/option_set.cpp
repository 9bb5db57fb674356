#include "options/option_set.hpp"

#include "options/nearest.hpp"
#include "options/table.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace ruststream::inline v0::options {
namespace {

// How well a declaration fits a setting, best first.
enum class Fit { exact, alias, prefix, other_kind, other_scope, none };

struct Match {
  Fit fit = Fit::none;
  std::uint32_t decl = 0;
};

std::string quoted(std::string_view name) { return "`" + printable(name) + "`"; }

bool is_prefix(const rst_option_decl& decl) { return (decl.flags & RST_OPTION_PREFIX) != 0; }

bool names(const rst_option_decl& decl, std::string_view name) {
  const std::string_view prefix = view(decl.name);
  return is_prefix(decl) ? name.starts_with(prefix) && name.size() > prefix.size() : name == prefix;
}

std::string kind_names(const rst_plugin& table, std::uint64_t mask) {
  std::string list;
  for (std::uint32_t i = 0; i < table.kind_count; ++i) {
    if (has_kind(mask, i)) list += (list.empty() ? "" : ", ") + quoted(view(kind_at(table, i).name));
  }
  return list;
}

}  // namespace

class Resolver {
 public:
  Resolver(const rst_plugin& table, std::uint32_t scope, std::uint32_t kind)
      : table_(table), scope_(scope), kind_(kind) {}

  Result<OptionSet> run(std::span<const Setting> settings);

 private:
  [[nodiscard]] Match match(std::string_view name) const;
  [[nodiscard]] bool applies(const rst_option_decl& decl) const {
    return (decl.scopes & scope_) != 0 && has_kind(decl.kinds, kind_);
  }
  void problem(const Setting& setting, const std::string& what);
  void refuse(const Setting& setting, Match found);
  void choose(const Setting& setting);
  void warn(const Setting& setting, Match found);
  void add(const Setting& setting, Match found);
  std::optional<rst_value> parse(const Setting& setting, const rst_option_decl& decl, std::string_view text);
  bool add_items(const Setting& setting, const rst_option_decl& decl, rst_option& option);
  void check_required();

  struct Choice {
    const Setting* setting;
    Match found;
  };

  const rst_plugin& table_;
  std::uint32_t scope_;
  std::uint32_t kind_;
  std::map<std::string_view, Choice> chosen_;  // by the name that the plugin knows
  std::vector<std::string> problems_;
  OptionSet set_;
};

Match Resolver::match(std::string_view name) const {
  Match best;
  std::size_t longest_prefix = 0;
  for (std::uint32_t i = 0; i < table_.option_count; ++i) {
    const rst_option_decl& decl = option_at(table_, i);
    const bool aliased = decl.alias.len != 0 && name == view(decl.alias);
    if (!names(decl, name) && !aliased) continue;
    Fit fit = Fit::other_scope;
    if (applies(decl)) {
      fit = aliased ? Fit::alias : is_prefix(decl) ? Fit::prefix : Fit::exact;
    } else if ((decl.scopes & scope_) != 0) {
      fit = Fit::other_kind;
    }
    const bool longer = fit == Fit::prefix && best.fit == Fit::prefix && decl.name.len > longest_prefix;
    if (fit < best.fit || longer) {
      best = {.fit = fit, .decl = i};
      longest_prefix = decl.name.len;
    }
  }
  return best;
}

void Resolver::problem(const Setting& setting, const std::string& what) {
  const std::string where = setting.source.empty() ? std::string() : " (" + setting.source + ")";
  problems_.push_back("option " + quoted(setting.name) + where + " " + what);
}

void Resolver::refuse(const Setting& setting, Match found) {
  if (found.fit == Fit::other_kind) {
    const std::uint64_t kinds = option_at(table_, found.decl).kinds;
    problem(setting, "exists only for kind " + kind_names(table_, kinds) + ", not for " +
                         quoted(view(kind_at(table_, kind_).name)) + "; set `kind`, or remove it");
    return;
  }
  if (found.fit == Fit::other_scope) {
    problem(setting, "belongs to the " + scope_names(option_at(table_, found.decl).scopes) + ", not the " +
                         scope_names(scope_) + "; set it there");
    return;
  }
  std::vector<std::string_view> known;
  for (std::uint32_t i = 0; i < table_.option_count; ++i) {
    if (applies(option_at(table_, i))) known.push_back(view(option_at(table_, i).name));
  }
  problem(setting, "is unknown to " + std::string(view(table_.name)) + " for a " + scope_names(scope_) +
                       did_you_mean(setting.name, known));
}

void Resolver::choose(const Setting& setting) {
  const Match found = match(setting.name);
  if (found.fit > Fit::prefix) return refuse(setting, found);
  const std::string_view name =
      found.fit == Fit::prefix ? std::string_view(setting.name) : view(option_at(table_, found.decl).name);
  chosen_.insert_or_assign(name, Choice{.setting = &setting, .found = found});
}

void Resolver::warn(const Setting& setting, Match found) {
  const rst_option_decl& decl = option_at(table_, found.decl);
  const std::string where = "option " + quoted(setting.name) + " (" + setting.source + ")";
  if (found.fit == Fit::alias) set_.warnings_.push_back(where + " is now called " + quoted(view(decl.name)));
  if ((decl.flags & RST_OPTION_DEPRECATED) != 0) {
    set_.warnings_.push_back(where + " is deprecated: " + std::string(view(decl.doc)));
  }
}

std::optional<rst_value> Resolver::parse(const Setting& setting, const rst_option_decl& decl, std::string_view text) {
  const auto value = parse_value(decl, text, set_.texts_);
  if (value) return *value;
  const bool secret = (decl.flags & RST_OPTION_SECRET) != 0;
  problem(setting, (secret ? std::string() : "is " + quoted(text) + " but ") + value.error());
  return std::nullopt;
}

bool Resolver::add_items(const Setting& setting, const rst_option_decl& decl, rst_option& option) {
  const std::vector<std::string> items =
      setting.is_list || setting.values.size() != 1 ? setting.values : split_list(setting.values.front());
  if (items.size() > kMaxListItems) {
    problem(setting, "has more than " + std::to_string(kMaxListItems) + " items");
    return false;
  }
  bool good = true;
  std::vector<rst_value>& values = set_.lists_.emplace_back();
  for (const std::string& item : items) {
    const auto value = parse(setting, decl, item);
    good &= value.has_value();
    if (value) values.push_back(*value);
  }
  option.items = values.empty() ? nullptr : values.data();
  option.item_count = static_cast<std::uint32_t>(values.size());
  return good;
}

void Resolver::add(const Setting& setting, Match found) {
  const rst_option_decl& decl = option_at(table_, found.decl);
  const bool secret = (decl.flags & RST_OPTION_SECRET) != 0;
  rst_option option{};
  option.name = decl.name;
  option.decl = static_cast<std::uint16_t>(found.decl);
  option.flags = static_cast<std::uint16_t>(RST_OPTION_VALUE_EXPLICIT | (secret ? RST_OPTION_VALUE_SECRET : 0U));
  option.value.type = decl.type;
  if (found.fit == Fit::prefix) {
    const std::string& name = set_.texts_.emplace_back(setting.name);
    option.name = {.ptr = name.data(), .len = name.size()};
    option.decl = RST_OPTION_PASS_THROUGH;
  }
  bool good = false;
  if ((decl.flags & RST_OPTION_LIST) != 0) {
    good = add_items(setting, decl, option);
  } else if (setting.is_list || setting.values.size() != 1) {
    problem(setting, "takes one value, not a list");
  } else if (const auto value = parse(setting, decl, setting.values.front())) {
    option.value = *value;
    good = true;
  }
  if (good) set_.options_.push_back(option);
}

void Resolver::check_required() {
  for (std::uint32_t i = 0; i < table_.option_count; ++i) {
    const rst_option_decl& decl = option_at(table_, i);
    const bool required = (decl.flags & RST_OPTION_REQUIRED) != 0 && !is_prefix(decl) && applies(decl);
    if (!required || chosen_.contains(view(decl.name))) continue;
    problems_.push_back("option " + quoted(view(decl.name)) + " is required (" + std::string(type_name(decl.type)) +
                        "): " + std::string(view(decl.doc)));
  }
}

Result<OptionSet> Resolver::run(std::span<const Setting> settings) {
  for (const Setting& setting : settings) choose(setting);
  for (const auto& [name, choice] : chosen_) {
    warn(*choice.setting, choice.found);
    add(*choice.setting, choice.found);
  }
  check_required();
  if (problems_.empty()) return std::move(set_);
  std::string text;
  for (const std::string& line : problems_) text += (text.empty() ? "" : "\n") + line;
  return fail(Code::option, std::move(text), kUser);
}

Result<OptionSet> resolve(const rst_plugin& table, std::uint32_t scope, std::uint32_t kind,
                          std::span<const Setting> settings) {
  return Resolver(table, scope, kind).run(settings);
}

std::string scope_names(std::uint32_t scopes) {
  constexpr std::pair<std::uint32_t, const char*> kScopes[] = {
      {RST_SCOPE_CONNECTION, "connection"}, {RST_SCOPE_SUBSCRIPTION, "subscription"},
      {RST_SCOPE_PUBLISHER, "publisher"},   {RST_SCOPE_MESSAGE, "message"},
      {RST_SCOPE_ADMIN, "admin object"},    {RST_SCOPE_TX, "transaction"}};
  std::string list;
  for (const auto& [bit, name] : kScopes) {
    if ((scopes & bit) != 0) list += (list.empty() ? "" : " or ") + std::string(name);
  }
  return list;
}

}  // namespace ruststream::inline v0::options
