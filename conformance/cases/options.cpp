// Options that are wrong are refused before anything is done, all of them, each by name: rule O1. And what validate
// promises besides.
#include "host/options.hpp"

#include "cases/case.hpp"

#include <map>

namespace conformance {
namespace {

constexpr std::uint32_t kScopes[] = {RST_SCOPE_CONNECTION, RST_SCOPE_SUBSCRIPTION, RST_SCOPE_PUBLISHER};

bool applies(const Test& t, const rst_option_decl& option, std::uint32_t scope) {
  return (option.scopes & scope) != 0 &&
         (scope == RST_SCOPE_CONNECTION || option.kinds == 0 || (option.kinds >> t.kind.index & 1U) != 0);
}

/// Options of one scope, with everything wrong that was put in.
class Wrong {
 public:
  explicit Wrong(const Plugin& plugin) : plugin_(plugin) {}

  void unknown(const std::string& name) { add(name, RST_OPTION_PASS_THROUGH, text_value("value")); }
  void misplaced(std::uint32_t index) { add(name_of(index), index, good(index)); }
  void of_another_type(std::uint32_t index) {
    const bool text = plugin_.option(index).type >= RST_TYPE_STRING &&
                      plugin_.option(index).type != RST_TYPE_DURATION && plugin_.option(index).type != RST_TYPE_SIZE;
    rst_value value{};
    value.type = RST_TYPE_BOOL;
    value.as.i64 = 1;
    add(name_of(index), index, text || plugin_.option(index).type != RST_TYPE_BOOL ? value : text_value("value"));
  }
  void out_of_range(std::uint32_t index) {
    rst_value value = good(index);
    value.as.i64 = plugin_.option(index).max + 1;
    add(name_of(index), index, value);
  }
  void no_choice(std::uint32_t index) {
    rst_value value = text_value("no-such-choice");
    value.type = RST_TYPE_ENUM;
    add(name_of(index), index, value);
  }
  void good_one(const std::string& name, const std::string& text) { good_.emplace_back(name, text); }

  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  /// Those that are wrong, then those that are not.
  [[nodiscard]] Lent<rst_option> array() {
    usual_.emplace_back(*OptionArray::make(plugin_, good_));
    const OptionArray& rest = usual_.back();
    Lent<rst_option> made("rst_option", options_.size() + rest.size());
    std::ranges::copy(options_, made.get());
    std::copy_n(rest.data(), rest.size(), made.get() + options_.size());
    return made;
  }

 private:
  [[nodiscard]] std::string name_of(std::uint32_t index) const { return std::string(view(plugin_.option(index).name)); }
  rst_value text_value(std::string_view text) {
    rst_value value{};
    value.type = RST_TYPE_STRING;
    value.as.ptr = texts_.emplace_back(lend_bytes(text, "an option's value")).get();
    value.len = static_cast<std::uint32_t>(text.size());
    return value;
  }
  rst_value good(std::uint32_t index) {
    rst_value value{};
    const rst_option_decl& option = plugin_.option(index);
    value.type = option.type;
    if (option.type == RST_TYPE_ENUM) {
      value = text_value(view(option.choices[0]));
      value.type = RST_TYPE_ENUM;
    } else if (option.type >= RST_TYPE_STRING && option.type != RST_TYPE_DURATION && option.type != RST_TYPE_SIZE) {
      value = text_value("value");
      value.type = option.type;
    } else {
      value.as.i64 = option.min;
    }
    return value;
  }
  void add(const std::string& name, std::uint32_t index, rst_value value) {
    rst_option option{};
    option.name = {texts_.emplace_back(lend_bytes(name, "rst_option.name")).get(), name.size()};
    option.decl = static_cast<std::uint16_t>(index);
    option.flags = RST_OPTION_VALUE_EXPLICIT;
    option.value = value;
    if (index != RST_OPTION_PASS_THROUGH && (plugin_.option(index).flags & RST_OPTION_LIST) != 0) {
      Lent<rst_value>& item = items_.emplace_back("rst_option.items");
      *item = value;
      option.items = item.get();
      option.item_count = 1;
    }
    options_.push_back(option);
    names_.push_back(name);
  }

  const Plugin& plugin_;
  std::vector<rst_option> options_;
  std::vector<std::string> names_;
  std::vector<Lent<char>> texts_;
  std::vector<Lent<rst_value>> items_;
  OptionTexts good_;
  std::vector<OptionArray> usual_;
};

/// One of each mistake that the declarations of this scope allow.
Wrong mistakes(Test& t, std::uint32_t scope, const OptionTexts& usual) {
  Wrong wrong(t.plugin);
  wrong.unknown("no.such.option");
  std::map<std::string, int> used;
  for (const auto& each : usual) used[each.first] = 1;
  bool misplaced = false, typed = false, ranged = false, chosen = false;
  for (std::uint32_t i = 0; i < t.plugin.table().option_count; ++i) {
    const rst_option_decl& option = t.plugin.option(i);
    if ((option.flags & RST_OPTION_PREFIX) != 0 || used.contains(std::string(view(option.name)))) continue;
    const bool number = option.type == RST_TYPE_I64 || option.type == RST_TYPE_U64 ||
                        option.type == RST_TYPE_DURATION || option.type == RST_TYPE_SIZE;
    const bool here = applies(t, option, scope);
    if (!here && !misplaced) {
      misplaced = true;
      wrong.misplaced(i);
    } else if (here && number && option.max != 0 && option.max != INT64_MAX && !ranged) {
      ranged = true;
      wrong.out_of_range(i);
    } else if (here && option.type == RST_TYPE_ENUM && !chosen) {
      chosen = true;
      wrong.no_choice(i);
    } else if (here && !typed) {
      typed = true;
      wrong.of_another_type(i);
    }
  }
  for (const auto& [name, text] : usual) wrong.good_one(name, text);
  return wrong;
}

/// Calls with a spec of the scope whose options are these.
template <class Call>
auto with_spec(Test& t, std::uint32_t scope, const rst_option* options, std::uint32_t count, const Call& call) {
  if (scope == RST_SCOPE_SUBSCRIPTION) {
    const SubscriptionSpec spec(t, t.kind, {});
    spec->id = 1;
    spec->options = options;
    spec->option_count = count;
    return call(spec.get());
  }
  if (scope == RST_SCOPE_PUBLISHER) {
    const PublisherSpec spec(t, t.publish_kind, {});
    spec->id = 1;
    spec->options = options;
    spec->option_count = count;
    return call(spec.get());
  }
  const Lent<char> url = lend_bytes(t.testkit.url, "rst_connection_spec.url");
  const Lent<rst_connection_spec> spec("rst_connection_spec");
  spec->struct_size = sizeof(rst_connection_spec);
  spec->id = 1;
  spec->url = {url.get(), url.size()};
  spec->options = options;
  spec->option_count = count;
  spec->timeout_ns = 5'000'000'000;
  return call(spec.get());
}

const OptionTexts& usual_of(const Test& t, std::uint32_t scope) {
  if (scope == RST_SCOPE_CONNECTION) return t.testkit.options;
  return scope == RST_SCOPE_SUBSCRIPTION ? t.testkit.kind(t.kind.name).subscription_options
                                         : t.testkit.kind(t.publish_kind.name).publisher_options;
}

/// The verb of a scope, without a completion.
std::int32_t open(Test& t, std::uint32_t scope, const void* spec, rst_error* error) {
  const rst_plugin& table = t.plugin.table();
  std::uint64_t handle = 0;
  void* const raw = t.instance().raw();
  if (scope == RST_SCOPE_CONNECTION)
    return table.connect(raw, static_cast<const rst_connection_spec*>(spec), &handle, error);
  const std::uint64_t on = t.instance().connection().handle;
  if (scope == RST_SCOPE_SUBSCRIPTION)
    return table.subscribe(raw, on, static_cast<const rst_subscription_spec*>(spec), &handle, error);
  return table.open_publisher(raw, on, static_cast<const rst_publisher_spec*>(spec), &handle, error);
}

const char* name_of_scope(std::uint32_t scope) {
  return scope == RST_SCOPE_CONNECTION     ? "a connection"
         : scope == RST_SCOPE_SUBSCRIPTION ? "a subscription"
                                           : "a publisher";
}

constexpr Case kCases[] = {
    {.name = "options.every-mistake-is-named",
     .rule = "O1",
     .says =
         "Validate reports every wrong option at once, each by its name: unknown, misplaced, mistyped, out of range.",
     .run =
         [](Test& t) {
           for (const std::uint32_t scope : kScopes) {
             Wrong wrong = mistakes(t, scope, usual_of(t, scope));
             const Lent<rst_option> options = wrong.array();
             const Plan plan = with_spec(t, scope, options.get(), static_cast<std::uint32_t>(options.size()),
                                         [&](const auto* spec) { return validate(t, scope, spec); });
             t.expect_code(plan.code, RST_E_OPTION, "O1", std::string("validate of ") + name_of_scope(scope));
             for (const std::string& name : wrong.names()) {
               const bool named = std::ranges::any_of(plan.issues, [&](const auto& issue) {
                 return issue.first == RST_E_OPTION && issue.second.find(name) != std::string::npos;
               });
               t.expect(named, "O1", "a problem that names `" + name + "`, of " + name_of_scope(scope),
                        std::to_string(plan.issues.size()) + " problems, none with that name");
             }
           }
         }},
    {.name = "options.each-alone-is-refused",
     .rule = "O1",
     .says = "The verb refuses each of these mistakes as validate does, and does nothing.",
     .run =
         [](Test& t) {
           (void)t.instance().connection();
           for (const std::uint32_t scope : kScopes) {
             Wrong wrong = mistakes(t, scope, usual_of(t, scope));
             const Lent<rst_option> all = wrong.array();
             const std::size_t usual = all.size() - wrong.names().size();
             for (std::size_t i = 0; i < wrong.names().size(); ++i) {
               const Lent<rst_option> options("rst_option", usual + 1);
               options[0] = all[i];
               std::copy_n(all.get() + wrong.names().size(), usual, options.get() + 1);
               Outcome told;
               const std::int32_t code = -with_spec(
                   t, scope, options.get(), static_cast<std::uint32_t>(options.size()), [&](const auto* spec) {
                     return t.instance().call(
                         "opening", [&](rst_error* error) { return open(t, scope, spec, error); }, &told);
                   });
               const std::string what = "`" + wrong.names()[i] + "` of " + name_of_scope(scope);
               t.expect_code(code, RST_E_OPTION, "O1", "the verb, with " + what);
               t.expect(told.text.find(wrong.names()[i]) != std::string::npos, "O1", "the error names " + what,
                        quoted(told.text));
             }
           }
         }},
    {.name = "options.required",
     .rule = "O1",
     .says = "A required option that is missing is told by its name.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           for (std::uint32_t i = 0; i < t.plugin.table().option_count; ++i) {
             const rst_option_decl& option = t.plugin.option(i);
             if ((option.flags & RST_OPTION_REQUIRED) == 0) continue;
             for (const std::uint32_t scope : kScopes) {
               if (!applies(t, option, scope)) continue;
               const std::string name(view(option.name));
               const Plan plan =
                   with_spec(t, scope, nullptr, 0, [&](const auto* spec) { return validate(t, scope, spec); });
               const bool named = std::ranges::any_of(
                   plan.issues, [&](const auto& issue) { return issue.second.find(name) != std::string::npos; });
               t.expect(plan.code == RST_E_OPTION && named, "O1",
                        "a problem that names `" + name + "`, which is missing", code_name(plan.code));
             }
           }
         }},
    {.name = "options.validate-is-pure",
     .rule = "O1",
     .says = "Validate works before any instance is made, and says the same again, on several threads at once.",
     .run =
         [](Test& t) {
           const Plan first = t.plan({});
           t.expect(first.ok(), "O1", "a usual subscription is valid", code_name(first.code));
           const auto same = [&] {
             for (int i = 0; i < 20; ++i) {
               const Plan again = t.plan({});
               t.expect(again.code == first.code && again.texts == first.texts && again.raw.flags == first.raw.flags &&
                            again.capabilities.size() == first.capabilities.size(),
                        "O1", "validate says the same again", "something else");
             }
           };
           t.together({same, same, same});
           (void)t.instance().connection();
           same();
         }},
    {.name = "options.plan",
     .rule = "cap",
     .says = "A plan has only what is defined, and names no ability of a higher level than the kind declares.",
     .run =
         [](Test& t) {
           constexpr std::uint32_t kFlags = RST_PLAN_ORDERED_SETTLE | RST_PLAN_SHARED_WINDOW | RST_PLAN_COPY_PRIVATE |
                                            RST_PLAN_COPY_SHARED | RST_PLAN_BROKER_MOVES;
           const Plan plan = t.plan({});
           t.expect((plan.raw.flags & ~kFlags) == 0, "V1", "flags of rst_plan that are defined",
                    std::to_string(plan.raw.flags));
           t.expect(plan.raw.reserved == 0, "V1", "rst_plan.reserved is zero", std::to_string(plan.raw.reserved));
           for (const rst_capability& each : plan.capabilities) {
             t.expect(each.id != 0 && each.level <= t.kind.capability(each.id).level, "cap",
                      capability_name(each.id) + " as the kind declares it, or less", std::to_string(each.level));
           }
           const auto copies = RST_PLAN_COPY_PRIVATE | RST_PLAN_COPY_SHARED;
           t.expect((plan.raw.flags & copies) != copies, "cap", "copies are private or shared", "both");
           const std::uint64_t batch = t.kind.capability(RST_CAP_BATCH).limit;
           t.expect(batch == 0 || plan.raw.max_batch <= batch, "cap",
                    "max_batch of at most BATCH: " + std::to_string(batch), std::to_string(plan.raw.max_batch));
         }},
};

}  // namespace

std::span<const Case> option_cases() { return kCases; }

}  // namespace conformance
