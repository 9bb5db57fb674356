#include "options/option_set.hpp"
#include "options/table.hpp"
#include "options/test_table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ruststream::options {
namespace {

std::string joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += problem + "\n";
  return text;
}

TEST(TableCheck, FindsNothingWrongInAGoodTable) {
  test::TestTable plugin;
  EXPECT_EQ(joined(check_table(plugin.table)), "");
  EXPECT_EQ(joined(missing_verbs(plugin.table)), "");
}

TEST(TableCheck, NamesWhatIsMalformed) {
  using Table = test::TestTable;
  const rst_str null_text{.ptr = nullptr, .len = 3};
  const struct {
    std::function<void(Table&)> spoil;
    const char* says;
  } cases[] = {
      {[](Table& t) { t.table.struct_size = 200; }, "struct_size is 200; it is at least 256"},
      {[](Table& t) { t.table.flags = 1; }, "flags has bits"},
      {[](Table& t) { t.table.name = {}; }, "name is empty"},
      {[&](Table& t) { t.table.name = null_text; }, "name is null but has a length"},
      {[](Table& t) { t.table.version = test::str("1 2"); }, "version has a space"},
      {[](Table& t) { t.table.vendor = test::str("\xff"); }, "vendor is not UTF-8"},
      {[](Table& t) { t.table.name.len = kMaxTableText + 1; }, "name is longer than 4096 bytes"},
      {[](Table& t) { t.table.schemes = nullptr; }, "schemes is null but has a count of 2"},
      {[](Table& t) { t.table.scheme_count = 0; }, "schemes is empty"},
      {[](Table& t) { t.table.scheme_count = 1'000'000; }, "schemes: 1000000 are more than the 32 allowed"},
      {[](Table& t) { t.schemes[1] = t.schemes[0]; }, "`broker` is there twice"},
      {[](Table& t) { t.schemes[0] = test::str("Broker"); }, "not a URL scheme in lower case"},
      {[](Table& t) { t.table.kind_count = 0; }, "kinds is empty"},
      {[](Table& t) { t.table.kind_count = 65; }, "kinds: 65 are more than the 64 allowed"},
      {[](Table& t) { t.table.kind_stride = 40; }, "kinds has the stride 40; it is at least 48"},
      {[](Table& t) { t.kinds[1].name = t.kinds[0].name; }, "kind 1 `core` is there twice"},
      {[](Table& t) { t.kinds[0].roles = 0; }, "kind 0 `core`: roles"},
      {[](Table& t) { t.kinds[0].cap_count = 2; }, "caps is null but has a count of 2"},
      {[](Table& t) { t.table.options = nullptr; }, "options is null"},
      {[](Table& t) { t.table.option_stride = 116; }, "options has the stride 116"},
      {[](Table& t) { t.options[3].type = 12; }, "option 3 `ack_wait` has an unknown type"},
      {[](Table& t) { t.options[3].type = 0; }, "option 3 `ack_wait` has an unknown type"},
      {[](Table& t) { t.options[3].unit = 9; }, "has an unknown unit"},
      {[](Table& t) { t.options[3].scopes = 0; }, "scopes has no known bit"},
      {[](Table& t) { t.options[3].scopes = 64; }, "scopes has no known bit"},
      {[](Table& t) { t.options[3].flags = 128; }, "has unknown flags"},
      {[](Table& t) { t.options[3].min = t.options[3].max + 1; }, "has no valid range"},
      {[](Table& t) { t.options[3].min = -1; }, "has no valid range"},
      {[](Table& t) { t.options[3].kinds = 4; }, "names kinds that do not exist"},
      {[](Table& t) { t.options[3].default_text = test::str("soon"); }, "its own default is wrong"},
      {[](Table& t) { t.options[0].choice_count = 0; }, "is an enum without choices"},
      {[](Table& t) { t.options[0].choices = nullptr; }, "choices is null"},
      {[&](Table& t) { t.tls_choices[1] = null_text; }, "choice 1 is null but has a length"},
      {[](Table& t) { t.options[0].doc = test::str("\xc3"); }, "doc is not UTF-8"},
      {[](Table& t) { t.options[8].name = t.options[3].name; }, "options 3 and 8 share the name `ack_wait`"},
      {[](Table& t) { t.options[8].alias = t.options[3].name; }, "options 3 and 8 share the name `ack_wait`"},
      {[](Table& t) { t.table.field_stride = 8; }, "fields has the stride 8"},
      {[](Table& t) { t.fields[0].type = 99; }, "field 0 has an unknown type"},
      {[](Table& t) { t.fields[0].name = {}; }, "field 0 is empty"},
  };
  for (const auto& c : cases) {
    Table plugin;
    c.spoil(plugin);
    const std::string problems = joined(check_table(plugin.table));
    EXPECT_NE(problems.find(c.says), std::string::npos) << c.says << " not in:\n" << problems;
  }
}

TEST(TableCheck, OneNameMayServeTwoScopesOrKinds) {
  test::TestTable plugin;
  plugin.options[1].name = plugin.options[3].name;  // connection and subscription
  plugin.options[2].name = plugin.options[8].name;
  plugin.options[2].kinds = 1;  // and two kinds
  EXPECT_EQ(joined(check_table(plugin.table)), "");
}

TEST(TableCheck, ListsEveryMissingVerbByTheRolesOfTheKinds) {
  test::TestTable plugin;
  plugin.table.validate = nullptr;
  plugin.table.credit = nullptr;
  plugin.table.publish = nullptr;
  EXPECT_EQ(joined(missing_verbs(plugin.table)), "validate\ncredit\npublish\n");
  plugin.kinds[1].roles = RST_ROLE_SUBSCRIPTION;
  EXPECT_EQ(joined(missing_verbs(plugin.table)), "validate\ncredit\n");
  plugin.kinds[0].roles = plugin.kinds[1].roles = RST_ROLE_PUBLISHER;
  EXPECT_EQ(joined(missing_verbs(plugin.table)), "validate\npublish\n");
}

// V3: a struct that a later contract made longer is stepped over, and nothing past a declared size is read.
TEST(TableCheck, FollowsLargerStridesAndSizes) {
  constexpr std::size_t kLarger = sizeof(rst_option_decl) + 16;
  test::TestTable plugin;
  const std::size_t count = plugin.options.size();
  const auto bytes =
      std::make_unique<std::byte[]>(count * kLarger - 16);  // the last one ends where it was known to end
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(bytes.get() + i * kLarger, &plugin.options[i], sizeof(rst_option_decl));
    if (i + 1 < count) std::memset(bytes.get() + i * kLarger + sizeof(rst_option_decl), 0xEE, 16);
  }
  plugin.table.options = reinterpret_cast<const rst_option_decl*>(bytes.get());
  plugin.table.option_stride = kLarger;
  plugin.table.struct_size += 64;
  EXPECT_EQ(joined(check_table(plugin.table)), "");
  const std::vector<Setting> settings{{.name = "sizes", .values = {"1KiB"}, .is_list = false, .source = "test"}};
  const auto resolved = resolve(plugin.table, RST_SCOPE_PUBLISHER, 1, settings);
  ASSERT_TRUE(resolved) << resolved.error().text;
  EXPECT_EQ(resolved->options()[0].decl, 9);
}

}  // namespace
}  // namespace ruststream::options
