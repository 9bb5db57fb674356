#include "cases/case.hpp"

#include <vector>

namespace conformance {

std::span<const Case> all_cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (const auto group : {entry_cases(),
                             table_cases(),
                             declared_option_cases(),
                             declared_capability_cases(),
                             delivery_cases(),
                             settle_cases(),
                             verdict_cases(),
                             flow_cases(),
                             memory_cases(),
                             publish_cases(),
                             backpressure_cases(),
                             content_cases(),
                             header_cases(),
                             request_cases(),
                             time_cases(),
                             partition_cases(),
                             transaction_cases(),
                             administration_cases(),
                             lifecycle_cases(),
                             race_cases(),
                             option_cases(),
                             secret_cases(),
                             unknown_cases(),
                             size_cases(),
                             process_cases(),
                             performance_cases(),
                             loss_cases(),
                             fault_cases()})
      made.insert(made.end(), group.begin(), group.end());
    return made;
  }();
  return all;
}

const Case* find_case(std::string_view name) {
  for (const Case& each : all_cases()) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

}  // namespace conformance
