#pragma once
// The checks that are the same for every plugin (rules O1, V2, V3): sizes, flags, kinds and options of a spec. Every
// problem is reported, each by name.

#include <ruststream/abi/plan.h>
#include <ruststream/abi/spec.h>
#include <ruststream/sdk/options.hpp>

namespace ruststream::sdk {

/// Collects problems: each goes to the host's sink, the first is also the verb's error.
class Report {
 public:
  Report(const rst_report* sink, ErrorOut error) noexcept : sink_(sink), error_(error) {}

  template <typename... Pieces>
  void issue(std::int32_t code, const Pieces&... pieces) noexcept {
    rst_error problem;
    fill_error(problem, code, RST_ERROR_USER, pieces...);
    if (result_ == RST_DONE) result_ = error_.copy(problem);
    if (sink_ != nullptr && sink_->issue != nullptr) sink_->issue(sink_->ctx, &problem);
  }
  /// Not a problem, but worth a word at startup.
  template <typename... Pieces>
  void warning(const Pieces&... pieces) noexcept {
    if (sink_ == nullptr || sink_->issue == nullptr) return;
    rst_error warning;
    fill_error(warning, 0, RST_ERROR_USER, pieces...);
    sink_->issue(sink_->ctx, &warning);
  }
  /// One of RST_TEXT_: canonical address, copy address, group key, bindings.
  void text(std::uint32_t key, std::string_view text) noexcept {
    if (sink_ != nullptr && sink_->text != nullptr) sink_->text(sink_->ctx, key, rst(text));
  }
  /// RST_DONE, or minus the first problem's code.
  [[nodiscard]] std::int32_t result() const noexcept { return result_; }

 private:
  const rst_report* sink_;
  ErrorOut error_;
  std::int32_t result_ = RST_DONE;
};

namespace detail {

[[nodiscard]] constexpr bool in_range(const rst_option_decl& decl, const rst_value& value) noexcept {
  if (decl.min == 0 && decl.max == 0) return true;
  switch (decl.type) {
    case RST_TYPE_I64: return value.as.i64 >= decl.min && value.as.i64 <= decl.max;
    case RST_TYPE_U64:
    case RST_TYPE_DURATION:
    case RST_TYPE_SIZE:
      return value.as.u64 <= static_cast<std::uint64_t>(INT64_MAX) &&
             static_cast<std::int64_t>(value.as.u64) >= decl.min && static_cast<std::int64_t>(value.as.u64) <= decl.max;
    default: return true;
  }
}

[[nodiscard]] constexpr std::string_view type_name(std::uint16_t type) noexcept {
  constexpr std::array<std::string_view, 12> kNames{"nothing",  "true or false", "a whole number", "a number from 0",
                                                    "a number", "text",          "bytes",          "a duration",
                                                    "a size",   "one of a list", "a path",         "a URL"};
  return type < kNames.size() ? kNames[type] : "of an unknown type";
}

[[nodiscard]] inline bool is_choice(const rst_option_decl& decl, const rst_value& value) noexcept {
  if (decl.type != RST_TYPE_ENUM) return true;
  const std::string_view text{static_cast<const char*>(value.as.ptr), value.len};
  for (std::uint32_t index = 0; index < decl.choice_count; ++index) {
    if (view(decl.choices[index]) == text) return true;
  }
  return false;
}

/// The value of a secret is in no text (rule O2), only what it should have been.
inline void check_value(const rst_option_decl& decl, const rst_value& value, Report& report) noexcept {
  if (value.type != decl.type) {
    report.issue(RST_E_OPTION, "option `", subject(view(decl.name)), "` must be ", type_name(decl.type));
  } else if (!in_range(decl, value)) {
    report.issue(RST_E_OPTION, "option `", subject(view(decl.name)), "` must be from ", decl.min, " to ", decl.max,
                 decl.type == RST_TYPE_DURATION ? " ns"
                 : decl.type == RST_TYPE_SIZE   ? " bytes"
                                                : "");
  } else if (!is_choice(decl, value)) {
    std::array<char, 200> choices{};
    std::size_t used = 0;
    for (std::uint32_t index = 0; index < decl.choice_count; ++index) {
      const auto choice = view(decl.choices[index]);
      if (used + choice.size() + 2 > choices.size()) break;
      if (index != 0) used += std::string_view{", "}.copy(choices.data() + used, 2);
      used += choice.copy(choices.data() + used, choice.size());
    }
    report.issue(RST_E_OPTION, "option `", subject(view(decl.name)),
                 "` must be one of: ", std::string_view{choices.data(), used});
  }
}

constexpr std::string_view scope_name(std::uint32_t scope) noexcept {
  switch (scope) {
    case RST_SCOPE_CONNECTION: return "a connection";
    case RST_SCOPE_SUBSCRIPTION: return "a subscription";
    case RST_SCOPE_PUBLISHER: return "a publisher";
    case RST_SCOPE_MESSAGE: return "a message";
    case RST_SCOPE_ADMIN: return "administration";
    default: return "a transaction";
  }
}

}  // namespace detail

/// Checks given options against the declared ones. `kind` is an index, or kAnyKind for a connection.
inline constexpr std::uint32_t kAnyKind = 64;

inline void check_options(std::span<const Option> declared, const rst_option* given, std::uint32_t count,
                          std::uint32_t scope, std::uint32_t kind, Report& report) noexcept {
  const auto applies = [&](const rst_option_decl& decl) {
    return (decl.scopes & scope) != 0 && (kind >= 64 || decl.kinds == 0 || (decl.kinds >> kind & 1U) != 0);
  };
  for (const rst_option& option : std::span{given, count}) {
    const auto name = view(option.name);
    if (option.decl >= declared.size()) {
      bool passes = false;
      for (const Option& each : declared) {
        passes |=
            (each.decl.flags & RST_OPTION_PREFIX) != 0 && applies(each.decl) && name.starts_with(view(each.decl.name));
      }
      if (!passes)
        report.issue(RST_E_OPTION, "option `", subject(name), "` is not known; remove it or correct its name");
      continue;
    }
    const rst_option_decl& decl = declared[option.decl].decl;
    if (!applies(decl)) {
      report.issue(RST_E_OPTION, "option `", subject(name), "` is not for ", detail::scope_name(scope),
                   (decl.scopes & scope) != 0 ? " of this kind" : "", "; remove it");
    } else if ((decl.flags & RST_OPTION_PREFIX) != 0) {
      continue;
    } else if ((decl.flags & RST_OPTION_LIST) != 0) {
      for (const rst_value& item : std::span{option.items, option.item_count}) detail::check_value(decl, item, report);
    } else {
      detail::check_value(decl, option.value, report);
    }
  }
  for (std::size_t index = 0; index < declared.size(); ++index) {
    const rst_option_decl& decl = declared[index].decl;
    if ((decl.flags & RST_OPTION_REQUIRED) == 0 || !applies(decl)) continue;
    bool found = false;
    for (const rst_option& option : std::span{given, count}) found |= option.decl == index;
    if (!found) report.issue(RST_E_OPTION, "option `", subject(view(decl.name)), "` is required; set it");
  }
}

/// Size and flags of a struct that the host passed.
inline void check_struct(std::uint32_t size, std::size_t least, std::uint32_t flags, std::uint32_t known,
                         std::string_view what, Report& report) noexcept {
  if (size < least)
    report.issue(RST_E_INVALID, "struct_size of the ", what, " is ", size, ", at least ", least, " is needed");
  if ((flags & ~known) != 0) report.issue(RST_E_UNSUPPORTED, "the ", what, " has unknown flags: ", flags & ~known);
}

/// The kind exists and has the role.
inline const rst_kind* check_kind(std::span<const rst_kind> kinds, std::uint32_t kind, std::uint32_t role,
                                  std::string_view what, Report& report) noexcept {
  if (kind >= kinds.size()) {
    report.issue(RST_E_INVALID, "kind ", kind, " of the ", what, " does not exist, there are ", kinds.size());
    return nullptr;
  }
  if ((kinds[kind].roles & role) == 0) {
    report.issue(RST_E_UNSUPPORTED, "kind `", subject(view(kinds[kind].name)), "` has no ", what,
                 "; choose another kind");
    return nullptr;
  }
  return &kinds[kind];
}

}  // namespace ruststream::sdk
