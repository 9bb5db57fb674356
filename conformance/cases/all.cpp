#include "cases/case.hpp"

#include <vector>

namespace conformance {

std::span<const Case> all_cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (const auto group :
         {delivery_cases(), settle_cases(), verdict_cases(), flow_cases(), memory_cases(), fault_cases()})
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
