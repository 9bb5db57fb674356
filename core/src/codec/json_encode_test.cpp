#include "codec/codec_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ruststream::inline v0::codec {
namespace {

enum class Side : std::int8_t { buy, sell };

struct Inner {
  float ratio;
  std::optional<int> maybe;
  bool operator==(const Inner&) const = default;
};

struct Outer {
  bool flag;
  std::int64_t number;
  std::string text;
  std::optional<Inner> inner;
  std::vector<std::optional<double>> values;
  std::array<Inner, 2> pair;
  std::map<std::string, Side> sides;
  std::uint8_t a_name_that_is_longer_than_one_block_of_sixteen_bytes;
  std::vector<std::byte> blob;
  bool operator==(const Outer&) const = default;
};

TEST(JsonEncode, WritesEveryKindAndLeavesEmptyOptionalsOut) {
  const Outer outer{.flag = true,
                    .number = std::numeric_limits<std::int64_t>::min(),
                    .text = "a\"b",
                    .inner = std::nullopt,
                    .values = {0.1, std::nullopt, 1e300},
                    .pair = {Inner{0.1F, 7}, Inner{-0.0F, std::nullopt}},
                    .sides = {{"x\n", Side::sell}, {"y", Side::buy}},
                    .a_name_that_is_longer_than_one_block_of_sixteen_bytes = 255,
                    .blob = {std::byte{0xff}}};
  EXPECT_EQ(encoded(outer), R"({"flag":true,"number":-9223372036854775808,"text":"a\"b","values":[0.1,null,1e+300],)"
                            R"("pair":[{"ratio":0.1,"maybe":7},{"ratio":-0}],"sides":{"x\n":"sell","y":"buy"},)"
                            R"("a_name_that_is_longer_than_one_block_of_sixteen_bytes":255,"blob":"/w=="})");
}

TEST(JsonEncode, EmptyValuesHaveTheirBrackets) {
  struct None {};
  EXPECT_EQ(encoded(None{}), "{}");
  EXPECT_EQ(encoded(Inner{}), R"({"ratio":0})");
  EXPECT_EQ(encoded(std::vector<None>(2)), "[{},{}]");
  EXPECT_EQ(encoded(std::vector<int>{}), "[]");
  EXPECT_EQ(encoded(std::map<std::string, int>{}), "{}");
  EXPECT_EQ(encoded(std::optional<int>{}), "null");
  EXPECT_EQ(encoded(std::string{}), R"("")");
}

TEST(JsonEncode, IntegersOfEveryLengthAreWrittenInFull) {
  std::uint64_t value = 0;
  std::string digits;
  for (int i = 1; i <= 19; ++i) {
    digits += static_cast<char>('0' + i % 10);
    value = value * 10 + static_cast<std::uint64_t>(i % 10);
    EXPECT_EQ(encoded(value), digits);
    EXPECT_EQ(encoded(-static_cast<std::int64_t>(value)), "-" + digits);
    EXPECT_EQ(encoded(static_cast<std::uint64_t>(std::pow(10, i - 1))), "1" + std::string(digits.size() - 1, '0'));
  }
  EXPECT_EQ(encoded(std::uint8_t{0}), "0");
  EXPECT_EQ(encoded(std::uint32_t{99'999'999}), "99999999");
  EXPECT_EQ(encoded(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(JsonEncode, StringsAreEscapedWhereverTheSpecialCharacterStands) {
  const struct {
    std::string_view raw, written;
  } cases[] = {{"\"", "\\\""},      {"\\", "\\\\"},   {"\n", "\\n"}, {"\x01", "\\u0001"},
               {"\x1f", "\\u001f"}, {"\x7f", "\x7f"}, {"/", "/"},    {"\u20ac", "\u20ac"}};
  for (const auto& [raw, written] : cases) {
    for (std::size_t before = 0; before < 18; ++before) {
      const std::string front(before, 'x');
      EXPECT_EQ(encoded(front + std::string(raw) + "yy"), '"' + front + std::string(written) + "yy\"");
    }
  }
  EXPECT_EQ(encoded(std::string(1000, '\x02')).size(), 2 + 6 * 1000);
}

TEST(JsonEncode, RefusesWhatJsonCannotSayAndLeavesTheBufferAlone) {
  struct Node {
    std::vector<Node> children;
  };
  Node deep;
  for (std::size_t i = 0; i < kMaxNesting; ++i) deep = Node{{deep}};
  EXPECT_TRUE(encoded(deep).ends_with("values nest deeper than 64 levels"));

  Outer outer{};
  outer.values = {1.0, std::nan("")};
  EXPECT_EQ(encoded(outer), "values[1]: JSON has no form for NaN and infinity");
  outer.values.clear();
  outer.pair[1].ratio = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(encoded(outer), "pair[1].ratio: JSON has no form for NaN and infinity");
  outer.pair[1].ratio = 0;
  outer.sides = {{"secret", static_cast<Side>(100)}};
  EXPECT_EQ(encoded(outer), "sides[*]: the value is no enumerator of Side");
  outer.sides.clear();
  outer.text = "caf\xe9";

  Buffer buffer;
  buffer.append("before");
  Error error;
  EXPECT_FALSE(json().encode(type_table<Outer>(), &outer, buffer, error));
  EXPECT_EQ(error.code, Code::invalid);
  EXPECT_EQ(error.text, "text: the string is not valid UTF-8");
  EXPECT_EQ(buffer.text(), "before");
}

TEST(JsonEncode, WhatWasEncodedDecodesToAnEqualObject) {
  std::uint64_t random = 1;
  const auto next = [&random] {
    random = random * 6364136223846793005 + 1442695040888963407;
    return random >> 11;
  };
  const auto text = [&next] {
    constexpr std::string_view kPieces[] = {"a",      "\"",         "\\",        "\n", std::string_view("\0", 1),
                                            "\u00e9", "\U0001f600", "0123456789"};
    std::string result;
    for (std::uint64_t i = next() % 12; i > 0; --i) result += kPieces[next() % std::size(kPieces)];
    return result;
  };
  for (int round = 0; round < 2'000; ++round) {
    Outer outer{};
    outer.flag = next() % 2 == 0;
    outer.number = static_cast<std::int64_t>(next() << (next() % 12)) >> (next() % 64);
    outer.text = text();
    if (next() % 2 == 0) outer.inner = Inner{static_cast<float>(next()) / 7, static_cast<int>(next())};
    for (std::uint64_t i = next() % 4; i > 0; --i)
      outer.values.emplace_back(std::ldexp(next(), static_cast<int>(next() % 1800) - 900));
    outer.pair[0].ratio = 1 / static_cast<float>(next() + 1);
    for (std::uint64_t i = next() % 4; i > 0; --i) outer.sides[text()] = Side::sell;
    outer.blob.resize(next() % 5, static_cast<std::byte>(next()));

    const std::string document = encoded(outer);
    Outer again{};
    Arena arena;
    ASSERT_EQ(decode_error(json(), document, again, arena), "") << document;
    ASSERT_EQ(outer, again) << document;
  }
}

}  // namespace
}  // namespace ruststream::inline v0::codec
