// Holds the page on capabilities to the contract's header and to the cases: a row for each capability, in the order of
// their ids, whose last cell says what the runner sees of it.
#include "cases/case.hpp"
#include "host/text.hpp"

#include <ruststream/abi/kind.h>

#include <gtest/gtest.h>

#include <fstream>

namespace conformance {
namespace {

std::string observed_by(std::uint32_t id) {
  std::string cell;
  for (const Case& each : all_cases()) {
    if (each.observes != id) continue;
    std::string with;
    for (const std::uint32_t need : each.needs) {
      if (need != 0 && need != id) with += (with.empty() ? " (with `" : "`, `") + capability_name(need);
    }
    cell += (cell.empty() ? "`" : "<br>`") + std::string(each.name) + "`" + with + (with.empty() ? ": " : "`): ") +
            std::string(each.says);
  }
  return cell.empty() ? "no case yet" : cell;
}

TEST(CapabilitiesPage, HasEachCapabilityWithTheCasesThatObserveIt) {
  std::ifstream page(CAPABILITIES);
  std::uint32_t id = 0;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string name = "| `" + capability_name(++id) + "` | ";
    EXPECT_TRUE(line.starts_with(name)) << line << "\ninstead of the row of " << name;
    const std::size_t cell = line.rfind(" | ") + 3;
    EXPECT_EQ(line.substr(cell), observed_by(id) + " |") << name;
  }
  EXPECT_EQ(id, RST_CAP_RETAINED) << "rows";
}

}  // namespace
}  // namespace conformance
