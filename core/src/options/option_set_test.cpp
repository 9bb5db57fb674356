#include "options/option_set.hpp"

#include "options/test_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ruststream::options {
namespace {

constexpr std::uint32_t kStream = 1;

Setting set(std::string name, std::string value, std::string source = "--set") {
  return {.name = std::move(name), .values = {std::move(value)}, .is_list = false, .source = std::move(source)};
}

std::string text_of(const rst_value& value) { return {static_cast<const char*>(value.as.ptr), value.len}; }

const rst_option* find(const OptionSet& set, std::string_view name) {
  const auto found = std::ranges::find_if(set.options(), [&](const rst_option& option) {
    return std::string_view(option.name.ptr, option.name.len) == name;
  });
  return found == set.options().end() ? nullptr : &*found;
}

class OptionSetTest : public testing::Test {
 protected:
  Result<OptionSet> resolve_with(std::uint32_t scope, const std::vector<Setting>& settings,
                                 std::uint32_t kind = kAnyKind) {
    return resolve(plugin_.table, scope, kind, settings);
  }
  std::string refusal(std::uint32_t scope, const std::vector<Setting>& settings, std::uint32_t kind = kAnyKind) {
    const auto set = resolve_with(scope, settings, kind);
    return set ? "accepted" : set.error().text;
  }
  test::TestTable plugin_;
};

TEST_F(OptionSetTest, GivesTypedValuesByDeclaredIndex) {
  auto resolved = resolve_with(RST_SCOPE_SUBSCRIPTION, {set("ack_wait", "250ms"), set("stream", "orders")}, kStream);
  ASSERT_TRUE(resolved) << resolved.error().text;
  const OptionSet moved = std::move(*resolved);
  ASSERT_EQ(moved.options().size(), 2U);
  const rst_option* wait = find(moved, "ack_wait");
  ASSERT_NE(wait, nullptr);
  EXPECT_EQ(wait->value.as.u64, 250'000'000U);
  EXPECT_EQ(wait->decl, 3);
  EXPECT_EQ(wait->flags, RST_OPTION_VALUE_EXPLICIT);
  EXPECT_EQ(text_of(find(moved, "stream")->value), "orders");
}

TEST_F(OptionSetTest, PassesNothingThatTheUserDidNotWrite) {
  const auto resolved = resolve_with(RST_SCOPE_CONNECTION, {});
  ASSERT_TRUE(resolved);
  EXPECT_TRUE(resolved->options().empty());
}

TEST_F(OptionSetTest, TheLastSettingOfANameCounts) {
  const auto resolved = resolve_with(RST_SCOPE_CONNECTION, {set("tls", "nonsense", "TOML"), set("tls", "on")});
  ASSERT_TRUE(resolved) << resolved.error().text;
  ASSERT_EQ(resolved->options().size(), 1U);
  EXPECT_EQ(text_of(resolved->options()[0].value), "on");
}

TEST_F(OptionSetTest, ListsComeFromCommasOrFromAList) {
  const Setting list{.name = "seeds", .values = {"a,b", "c"}, .is_list = true, .source = "TOML"};
  const auto written = resolve_with(RST_SCOPE_CONNECTION, {list});
  ASSERT_TRUE(written);
  ASSERT_EQ(written->options()[0].item_count, 2U);
  EXPECT_EQ(text_of(written->options()[0].items[0]), "a,b");
  const auto split = resolve_with(RST_SCOPE_CONNECTION, {set("seeds", "a, b ,c")});
  ASSERT_EQ(split->options()[0].item_count, 3U);
  EXPECT_EQ(text_of(split->options()[0].items[1]), "b");
  const auto none = resolve_with(RST_SCOPE_CONNECTION, {set("seeds", "")});
  EXPECT_EQ(none->options()[0].item_count, 0U);
  EXPECT_EQ(refusal(RST_SCOPE_PUBLISHER, {set("sizes", "1KiB,2Q,3X")}),
            "option `sizes` (--set) is `2Q` but expects a size such as 512, 64KiB or 8MiB\n"
            "option `sizes` (--set) is `3X` but expects a size such as 512, 64KiB or 8MiB");
  const Setting many{
      .name = "seeds", .values = std::vector<std::string>(kMaxListItems + 1), .is_list = true, .source = "x"};
  EXPECT_EQ(refusal(RST_SCOPE_CONNECTION, {many}), "option `seeds` (x) has more than 1024 items");
}

TEST_F(OptionSetTest, NamesUnderAPrefixPassThroughWhole) {
  const auto resolved = resolve_with(RST_SCOPE_PUBLISHER, {set("lib.linger.ms", "5")}, kStream);
  ASSERT_TRUE(resolved);
  const rst_option* option = find(*resolved, "lib.linger.ms");
  ASSERT_NE(option, nullptr);
  EXPECT_EQ(option->decl, RST_OPTION_PASS_THROUGH);
  EXPECT_EQ(text_of(option->value), "5");
  EXPECT_NE(refusal(RST_SCOPE_PUBLISHER, {set("lib.", "5")}, kStream).find("is unknown"), std::string::npos);
}

TEST_F(OptionSetTest, AnOldNameWorksAndWarns) {
  const auto resolved = resolve_with(RST_SCOPE_SUBSCRIPTION, {set("ack_timeout", "1s")}, 0);
  ASSERT_TRUE(resolved) << resolved.error().text;
  EXPECT_NE(find(*resolved, "ack_wait"), nullptr);
  ASSERT_EQ(resolved->warnings().size(), 1U);
  EXPECT_EQ(resolved->warnings()[0], "option `ack_timeout` (--set) is now called `ack_wait`");
}

TEST_F(OptionSetTest, ADeprecatedOptionWarns) {
  const auto resolved = resolve_with(RST_SCOPE_PUBLISHER, {set("confirm", "true", "app.toml:3")}, kStream);
  ASSERT_TRUE(resolved);
  ASSERT_EQ(resolved->warnings().size(), 1U);
  EXPECT_EQ(resolved->warnings()[0], "option `confirm` (app.toml:3) is deprecated: what it does");
}

TEST_F(OptionSetTest, EveryProblemIsNamedWithItsRemedy) {
  const struct {
    std::uint32_t scope, kind;
    Setting setting;
    std::string says;
  } cases[] = {
      {RST_SCOPE_CONNECTION, kAnyKind, set("tsl", "on"),
       "option `tsl` (--set) is unknown to org.example.broker for a connection; did you mean `tls`?"},
      {RST_SCOPE_CONNECTION, kAnyKind, set("ack_wait", "1s"),
       "option `ack_wait` (--set) belongs to the subscription, not the connection; set it there"},
      {RST_SCOPE_SUBSCRIPTION, 0, set("lib.x", "1"),
       "option `lib.x` (--set) belongs to the connection or publisher, not the subscription; set it there"},
      {RST_SCOPE_SUBSCRIPTION, 0, set("max_age", "1s"),
       "option `max_age` (--set) exists only for kind `stream`, not for `core`; set `kind`, or remove it"},
      {RST_SCOPE_SUBSCRIPTION, 0, set("ack_wait", "2m"),
       "option `ack_wait` (--set) is `2m` but expects a value from 1ms to 1m"},
      {RST_SCOPE_CONNECTION, kAnyKind, set("tls", "verfy", "app.toml:7"),
       "option `tls` (app.toml:7) is `verfy` but expects one of off, on, verify; did you mean `verify`?"},
      {RST_SCOPE_CONNECTION,
       kAnyKind,
       {.name = "tls", .values = {"on", "off"}, .is_list = true, .source = "TOML"},
       "option `tls` (TOML) takes one value, not a list"},
      {RST_SCOPE_SUBSCRIPTION, kStream, set("ack_wait", "1s"), "option `stream` is required (string): what it does"},
  };
  for (const auto& c : cases) EXPECT_EQ(refusal(c.scope, {c.setting}, c.kind), c.says);
}

TEST_F(OptionSetTest, AllProblemsComeAtOnce) {
  const std::string text =
      refusal(RST_SCOPE_SUBSCRIPTION, {set("ack_wait", "soon"), set("durabl", "x"), set("tls", "on")}, kStream);
  EXPECT_EQ(std::ranges::count(text, '\n'), 3) << text;
  for (const char* name : {"ack_wait", "durabl", "tls", "stream"})
    EXPECT_NE(text.find(name), std::string::npos) << name;
}

TEST_F(OptionSetTest, SecretsAreMarkedAndNeverShown) {
  const auto resolved = resolve_with(RST_SCOPE_CONNECTION, {set("password", "hunter2")});
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->options()[0].flags, RST_OPTION_VALUE_EXPLICIT | RST_OPTION_VALUE_SECRET);
  const std::string text =
      refusal(RST_SCOPE_CONNECTION, {set("password", "hunter2\xff"), set("pin", "hunter2"), set("pasword", "hunter2")});
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  EXPECT_NE(text.find("option `pin` (--set) expects a whole number that is not negative"), std::string::npos) << text;
}

}  // namespace
}  // namespace ruststream::options
