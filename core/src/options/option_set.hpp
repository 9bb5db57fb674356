#pragma once

#include "options/setting.hpp"
#include "options/value.hpp"

#include <ruststream/abi.h>
#include <ruststream/error.hpp>

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace ruststream::inline v0::options {

constexpr std::size_t kMaxListItems = 1024;

/// For scopes without a kind (a connection): options of every kind are allowed.
constexpr std::uint32_t kAnyKind = 0xFFFFFFFF;

/// Options ready for a plugin's spec, with all memory they point to. May be moved, which leaves the addresses in place.
class OptionSet {
 public:
  OptionSet() = default;
  OptionSet(OptionSet&&) = default;             // NOLINT(performance-noexcept-move-constructor): a deque's may throw
  OptionSet& operator=(OptionSet&&) = default;  // NOLINT(performance-noexcept-move-constructor)
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  /// Only what the user wrote: the plugin applies its defaults.
  [[nodiscard]] std::span<const rst_option> options() const noexcept { return options_; }
  /// Old names and deprecated options in use, a sentence each.
  [[nodiscard]] std::span<const std::string> warnings() const noexcept { return warnings_; }

 private:
  friend class Resolver;
  TextStore texts_;
  std::deque<std::vector<rst_value>> lists_;
  std::vector<rst_option> options_;
  std::vector<std::string> warnings_;
};

/// Checks what the user wrote for one connection, subscription, publisher … against what the plugin declares, and turns
/// it into typed values. Of settings of one name the last one counts. Does no I/O and calls no plugin.
///
/// `table` has passed check_table. `scope` is one RST_SCOPE_ bit, `kind` an index into the plugin's kinds or kAnyKind.
/// The error has one line for each problem, all of them, with the option's name, where it was written and the remedy;
/// no value of a secret option, nor of one that is not known, is in it.
[[nodiscard]] Result<OptionSet> resolve(const rst_plugin& table, std::uint32_t scope, std::uint32_t kind,
                                        std::span<const Setting> settings);

/// `subscription` for RST_SCOPE_SUBSCRIPTION; several bits joined by "or".
[[nodiscard]] std::string scope_names(std::uint32_t scopes);

}  // namespace ruststream::inline v0::options
