#include "options/value.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace ruststream::options {
namespace {

rst_option_decl decl_of(std::uint16_t type, std::uint16_t unit = RST_UNIT_NONE) {
  rst_option_decl decl{};
  decl.type = type;
  decl.unit = unit;
  return decl;
}

std::string text_of(const rst_value& value) { return {static_cast<const char*>(value.as.ptr), value.len}; }

TEST(Duration, IsNumbersWithUnits) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const struct {
    std::string_view text;
    std::uint16_t unit;
    std::uint64_t nanoseconds;
  } good[] = {{"250ms", 0, kSecond / 4},
              {"5s", 0, 5 * kSecond},
              {"1m30s", 0, 90 * kSecond},
              {"1.5s", 0, kSecond * 3 / 2},
              {"0.1s", 0, kSecond / 10},
              {"1d", 0, 86'400 * kSecond},
              {"7us", 0, 7'000},
              {"0", 0, 0},
              {"30", RST_UNIT_SECOND, 30 * kSecond},
              {"30", RST_UNIT_MILLISECOND, kSecond * 3 / 100}};
  for (const auto& c : good) EXPECT_EQ(parse_duration(c.text, c.unit), c.nanoseconds) << c.text;
  for (const std::string_view bad :
       {"", "5", "s", "-1s", "1 s", "1x", "1.s", "1s5", "1.0000000001s", "1M", "300000d", "18446744073709551616ns"}) {
    EXPECT_FALSE(parse_duration(bad, RST_UNIT_NONE)) << bad;
  }
  EXPECT_FALSE(parse_duration("5", RST_UNIT_BYTE));
  EXPECT_FALSE(parse_duration("1s5", RST_UNIT_SECOND));
}

TEST(Size, IsOneNumberWithAUnit) {
  const struct {
    std::string_view text;
    std::uint16_t unit;
    std::uint64_t bytes;
  } good[] = {{"512", 0, 512},
              {"64KiB", 0, 65536},
              {"1.5MiB", 0, 3 << 19},
              {"10MB", 0, 10'000'000},
              {"2kB", 0, 2'000},
              {"3", RST_UNIT_KIBIBYTE, 3072},
              {"3B", RST_UNIT_MEBIBYTE, 3},
              {"1TiB", 0, 1ULL << 40}};
  for (const auto& c : good) EXPECT_EQ(parse_size(c.text, c.unit), c.bytes) << c.text;
  for (const std::string_view bad : {"", "8M", "8 MiB", "-1", "8MiB8", "99999999TiB", "MiB"}) {
    EXPECT_FALSE(parse_size(bad, RST_UNIT_NONE)) << bad;
  }
}

TEST(Amounts, AreWrittenTheShortestExactWay) {
  EXPECT_EQ(format_duration(1'500'000'000), "1500ms");
  EXPECT_EQ(format_duration(120'000'000'000), "2m");
  EXPECT_EQ(format_duration(0), "0");
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(1000), "1000");
}

TEST(Value, NumbersOfEachTypeAreReadWhole) {
  TextStore store;
  EXPECT_EQ(parse_value(decl_of(RST_TYPE_I64), "-9223372036854775808", store)->as.i64,
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_value(decl_of(RST_TYPE_U64), "18446744073709551615", store)->as.u64,
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_value(decl_of(RST_TYPE_F64), "2.5e3", store)->as.f64, 2500.0);
  EXPECT_EQ(parse_value(decl_of(RST_TYPE_BOOL), "yes", store)->as.i64, 1);
  EXPECT_EQ(parse_value(decl_of(RST_TYPE_BOOL), "Off", store)->as.i64, 0);
  EXPECT_EQ(parse_value(decl_of(RST_TYPE_DURATION), "2s", store)->type, RST_TYPE_DURATION);
  const struct {
    std::uint16_t type;
    std::string_view text, says;
  } bad[] = {{RST_TYPE_I64, "9223372036854775808", "a whole number"},
             {RST_TYPE_I64, "1.5", "a whole number"},
             {RST_TYPE_I64, "", "a whole number"},
             {RST_TYPE_U64, "-1", "not negative"},
             {RST_TYPE_F64, "inf", "a number"},
             {RST_TYPE_F64, "1e999", "a number"},
             {RST_TYPE_BOOL, "maybe", "true or false"},
             {RST_TYPE_PATH, "", "path"},
             {RST_TYPE_URL, "not a url", "a URL"},
             {RST_TYPE_STRING, "\xff", "UTF-8"},
             {RST_TYPE_BYTES, "base64:A", "base64"},
             {RST_TYPE_BYTES, "base64:%%%%", "base64"},
             {RST_TYPE_BYTES, "base64:AP8_-x==", "base64"},
             {RST_TYPE_SIZE, "x", "a size"},
             {RST_TYPE_DURATION, "x", "a duration"}};
  for (const auto& c : bad) {
    const auto value = parse_value(decl_of(c.type), c.text, store);
    ASSERT_FALSE(value) << c.text;
    EXPECT_NE(value.error().find(c.says), std::string::npos) << value.error();
  }
}

TEST(Value, TextKeepsItsBytesWhenTheStoreMoves) {
  TextStore store;
  const auto text = parse_value(decl_of(RST_TYPE_STRING), "größe", store);
  const auto bytes = parse_value(decl_of(RST_TYPE_BYTES), "base64:AP8_-w==", store);
  const auto unpadded = parse_value(decl_of(RST_TYPE_BYTES), "base64:AP8/+w", store);
  const auto raw = parse_value(decl_of(RST_TYPE_BYTES), "\xff", store);
  const TextStore moved = std::move(store);
  EXPECT_EQ(text_of(*text), "größe");
  EXPECT_EQ(text_of(*bytes), std::string("\0\xff\x3f\xfb", 4));
  EXPECT_EQ(text_of(*unpadded), text_of(*bytes));
  EXPECT_EQ(text_of(*raw), "\xff");
}

TEST(Value, RangesHoldForEveryNumberWithOne) {
  TextStore store;
  rst_option_decl duration = decl_of(RST_TYPE_DURATION);
  duration.min = 1'000'000;
  duration.max = 5'000'000'000;
  EXPECT_TRUE(parse_value(duration, "1ms", store));
  EXPECT_TRUE(parse_value(duration, "5s", store));
  EXPECT_EQ(parse_value(duration, "6s", store).error(), "expects a value from 1ms to 5s");
  rst_option_decl whole = decl_of(RST_TYPE_I64);
  whole.min = -1;
  whole.max = 3;
  EXPECT_TRUE(parse_value(whole, "-1", store));
  EXPECT_FALSE(parse_value(whole, "-2", store));
  rst_option_decl natural = decl_of(RST_TYPE_U64);
  natural.max = 10;
  EXPECT_FALSE(parse_value(natural, "18446744073709551615", store));
}

TEST(Value, ChoicesNameTheNearestButNeverForASecret) {
  const rst_str choices[] = {{"off", 3}, {"verify", 6}};
  TextStore store;
  rst_option_decl decl = decl_of(RST_TYPE_ENUM);
  decl.choices = choices;
  decl.choice_count = 2;
  EXPECT_EQ(text_of(*parse_value(decl, "verify", store)), "verify");
  EXPECT_EQ(parse_value(decl, "verfiy", store).error(), "expects one of off, verify; did you mean `verify`?");
  decl.flags = RST_OPTION_SECRET;
  EXPECT_EQ(parse_value(decl, "verfiy", store).error(), "expects one of off, verify");
}

TEST(Value, LongerThanTheBoundIsRefused) {
  TextStore store;
  EXPECT_TRUE(parse_value(decl_of(RST_TYPE_STRING), std::string(kMaxValue, 'x'), store));
  EXPECT_FALSE(parse_value(decl_of(RST_TYPE_STRING), std::string(kMaxValue + 1, 'x'), store));
}

}  // namespace
}  // namespace ruststream::options
