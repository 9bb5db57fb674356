#include "settings/convert.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace ruststream::settings {
namespace {

using std::chrono::nanoseconds;

Setting text(std::string value) {
  return Setting{.key = "app.x", .items = {std::move(value)}, .layer = Layer::flags, .source = "--set"};
}

const Setting kList{.key = "app.x", .items = {"a", "b"}, .is_list = true, .layer = Layer::file, .source = "q.toml:1"};

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().text;
}

TEST(Convert, ReadsDurations) {
  const struct {
    const char* written;
    nanoseconds meant;
  } cases[] = {{"0", nanoseconds(0)},
               {"7ns", nanoseconds(7)},
               {"3us", std::chrono::microseconds(3)},
               {"250ms", std::chrono::milliseconds(250)},
               {"5s", std::chrono::seconds(5)},
               {"2m", std::chrono::minutes(2)},
               {"1h", std::chrono::hours(1)},
               {"9d", std::chrono::days(9)},
               {"1m30s", std::chrono::seconds(90)},
               {"1.5s", std::chrono::milliseconds(1500)},
               {"9223372036854775807ns", nanoseconds::max()}};
  for (const auto& c : cases) EXPECT_EQ(as_duration(text(c.written)), c.meant) << c.written;
}

TEST(Convert, RefusesWhatIsNoDuration) {
  for (const char* written : {"", "5", "s", "-5s", "+5s", "5 s", "5sec", "1.s", "5S", "0x5s", "99999999999999999999s"})
    EXPECT_EQ(error_of(as_duration(text(written))),
              std::string("app.x (--set): expected a duration such as 250ms, 5s or 1m30s, got `") + written + "`");
  EXPECT_EQ(error_of(as_duration(text("9223372037s"))),
            "app.x (--set): expected a duration of at most 292 years, got `9223372037s`");
}

TEST(Convert, ReadsWholeNumbersInARange) {
  EXPECT_EQ(as_integer(text("-3"), -3, 3), -3);
  EXPECT_EQ(as_integer(text("9223372036854775807"), 0, std::numeric_limits<std::int64_t>::max()),
            std::numeric_limits<std::int64_t>::max());
  for (const char* written : {"4", "-4", "", "3.0", "3x", "0x3", " 3", "9223372036854775808"})
    EXPECT_EQ(error_of(as_integer(text(written), -3, 3)),
              std::string("app.x (--set): expected a whole number from -3 to 3, got `") + written + "`");
}

TEST(Convert, ReadsBooleans) {
  for (const char* written : {"true", "TRUE", "on", "yes", "1"}) EXPECT_EQ(as_bool(text(written)), true) << written;
  for (const char* written : {"false", "Off", "no", "0"}) EXPECT_EQ(as_bool(text(written)), false) << written;
  EXPECT_EQ(error_of(as_bool(text("maybe"))), "app.x (--set): expected true or false, got `maybe`");
}

TEST(Convert, ReadsAChoiceAndNamesTheNearest) {
  constexpr std::array<std::string_view, 3> kChoices{"error", "warn", "info"};
  EXPECT_EQ(as_choice(text("Warn"), kChoices), 1U);
  EXPECT_EQ(error_of(as_choice(text("wran"), kChoices)),
            "app.x (--set): expected one of error, warn, info, got `wran`; did you mean `warn`?");
  EXPECT_EQ(error_of(as_choice(text("loud"), kChoices)),
            "app.x (--set): expected one of error, warn, info, got `loud`");
}

TEST(Convert, SplitsOneTextIntoAListAndTakesAListAsItIs) {
  using Items = std::vector<std::string>;
  EXPECT_EQ(as_list(text("a, b ,c")), (Items{"a", "b", "c"}));
  EXPECT_EQ(as_list(text("a,,b")), (Items{"a", "", "b"}));
  EXPECT_EQ(as_list(text("orders.*")), Items{"orders.*"});
  EXPECT_EQ(as_list(text(" ")), Items{});
  EXPECT_EQ(as_list(kList), (Items{"a", "b"}));
}

TEST(Convert, RefusesAListWhereOneValueBelongs) {
  EXPECT_EQ(error_of(as_text(kList)), "app.x (q.toml:1): expected one text, got a list");
  EXPECT_EQ(error_of(as_bool(kList)), "app.x (q.toml:1): expected true or false, got a list");
  EXPECT_EQ(error_of(as_integer(kList, 1, 2)), "app.x (q.toml:1): expected a whole number from 1 to 2, got a list");
  EXPECT_EQ(error_of(as_duration(kList)),
            "app.x (q.toml:1): expected a duration such as 250ms, 5s or 1m30s, got a list");
}

TEST(Convert, KeepsAMessageOnOneShortLine) {
  const std::string message = error_of(as_bool(text("\n" + std::string(5'000, 'x'))));
  EXPECT_EQ(message, "app.x (--set): expected true or false, got `?" + std::string(39, 'x') + "…`");
}

}  // namespace
}  // namespace ruststream::settings
