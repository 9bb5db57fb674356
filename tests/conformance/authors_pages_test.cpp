// Holds the guide for authors to the contract's header, the rules and the cases.
#include "cases/case.hpp"
#include "host/text.hpp"
#include "runner/rules.hpp"

#include <ruststream/abi/kind.h>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace conformance {
namespace {

std::string page(const char* name) {
  std::ifstream file(std::string(AUTHORS) + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The last cell of a capability's row: what the runner sees of it.
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

TEST(AuthorsPages, HaveEachCapabilityInItsOrderWithTheCasesThatObserveIt) {
  std::istringstream lines(page("capabilities.md"));
  std::uint32_t id = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string name = "| `" + capability_name(++id) + "` | ";
    EXPECT_TRUE(line.starts_with(name)) << line << "\ninstead of the row of " << name;
    EXPECT_EQ(line.substr(line.rfind(" | ") + 3), observed_by(id) + " |") << name;
  }
  EXPECT_EQ(id, RST_CAP_RETAINED) << "rows";
}

TEST(AuthorsPages, TellEachRuleThatACaseIsAbout) {
  std::set<std::string> told{"entry", "cap"};  // no rules of their own: what packaging and capabilities are about
  const std::string story = page("contract.md") + page("promises.md");
  const std::regex rules(R"(\[([A-Z]\d(?:, [A-Z]\d)*)\](?!\())"), one(R"([A-Z]\d)");
  for (std::sregex_iterator at(story.begin(), story.end(), rules), end; at != end; ++at) {
    const std::string list = at->str(1);
    for (std::sregex_iterator id(list.begin(), list.end(), one); id != end; ++id) {
      EXPECT_NE(rule_text(id->str()), "") << id->str() << " is no rule";
      told.insert(id->str());
    }
  }
  for (const Case& each : all_cases()) EXPECT_TRUE(told.contains(std::string(each.rule))) << each.rule;
}

}  // namespace
}  // namespace conformance
