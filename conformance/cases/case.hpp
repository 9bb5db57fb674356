#pragma once
#include "host/test.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace conformance {

/// A statement of the contract, as code that a plugin passes or fails. Its source is written to be read as the rule.
struct Case {
  /// How often it runs: for each kind that consumes, for each that publishes, or once, with the default kind.
  enum class Per : std::uint8_t { subscription_kind, publisher_kind, plugin };

  std::string_view name;  // "settle.ack-is-final": group and statement
  std::string_view rule;  // what it is about, and what a crash or a hang in it breaks
  std::string_view says;  // the statement as a sentence
  Per per = Per::subscription_kind;
  std::array<std::uint32_t, 4> needs{};  // capabilities that the kind must declare: else the case is skipped
  std::uint32_t observes = 0;            // the capability that a pass proves, in the matrix
  /// For a kind that does not declare `needs[0]`: shows that it says so and does nothing. Null: the case is skipped.
  void (*undeclared)(Test&) = nullptr;
  void (*run)(Test&) = nullptr;
  /// What another process does that this case starts with Test::run_apart. Null: it starts none.
  void (*apart)(Test&) = nullptr;

  [[nodiscard]] bool wanted_by(const Kind& kind) const noexcept {
    return std::ranges::all_of(needs, [&](std::uint32_t id) { return id == 0 || kind.can(id); });
  }
};

/// All cases, in the order of the contract's rules. The groups are the files of this folder.
[[nodiscard]] std::span<const Case> all_cases();
[[nodiscard]] const Case* find_case(std::string_view name);

// One for each file of cases.
[[nodiscard]] std::span<const Case> administration_cases();
[[nodiscard]] std::span<const Case> backpressure_cases();
[[nodiscard]] std::span<const Case> content_cases();
[[nodiscard]] std::span<const Case> declared_capability_cases();
[[nodiscard]] std::span<const Case> declared_option_cases();
[[nodiscard]] std::span<const Case> delivery_cases();
[[nodiscard]] std::span<const Case> entry_cases();
[[nodiscard]] std::span<const Case> fault_cases();
[[nodiscard]] std::span<const Case> flow_cases();
[[nodiscard]] std::span<const Case> header_cases();
[[nodiscard]] std::span<const Case> lifecycle_cases();
[[nodiscard]] std::span<const Case> loss_cases();
[[nodiscard]] std::span<const Case> memory_cases();
[[nodiscard]] std::span<const Case> option_cases();
[[nodiscard]] std::span<const Case> partition_cases();
[[nodiscard]] std::span<const Case> performance_cases();
[[nodiscard]] std::span<const Case> process_cases();
[[nodiscard]] std::span<const Case> publish_cases();
[[nodiscard]] std::span<const Case> race_cases();
[[nodiscard]] std::span<const Case> request_cases();
[[nodiscard]] std::span<const Case> secret_cases();
[[nodiscard]] std::span<const Case> settle_cases();
[[nodiscard]] std::span<const Case> size_cases();
[[nodiscard]] std::span<const Case> table_cases();
[[nodiscard]] std::span<const Case> time_cases();
[[nodiscard]] std::span<const Case> transaction_cases();
[[nodiscard]] std::span<const Case> unknown_cases();
[[nodiscard]] std::span<const Case> verdict_cases();

}  // namespace conformance
