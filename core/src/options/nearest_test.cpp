#include "options/nearest.hpp"

#include "options/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ruststream::options {
namespace {

TEST(Nearest, FindsWhatWasProbablyMeant) {
  const std::vector<std::string_view> known{"ack_wait", "durable", "max_payload", "tls", "tls.ca"};
  const struct {
    std::string_view written, meant;
  } cases[] = {{"ack_wiat", "ack_wait"},
               {"durble", "durable"},
               {"Durable", "durable"},
               {"maxpayload", "max_payload"},
               {"tls.cs", "tls.ca"},
               {"completely", ""},
               {"x", ""},
               {"", ""},
               {"ttls", "tls"},
               {std::string_view(), ""}};
  for (const auto& c : cases) EXPECT_EQ(nearest(c.written, known), c.meant) << c.written;
}

TEST(Nearest, ComparesNoWordBeyondItsBound) {
  const std::string longest(kMaxComparedWord, 'a');
  const std::vector<std::string> known{longest, longest + "b"};
  EXPECT_EQ(nearest(longest.substr(1), known), longest);
  EXPECT_EQ(nearest(longest + "a", known), "");
}

TEST(Nearest, AsksOnlyWhenThereIsAnAnswer) {
  const std::vector<std::string_view> known{"nats"};
  EXPECT_EQ(did_you_mean("nast", known), "; did you mean `nats`?");
  EXPECT_EQ(did_you_mean("kafka", known), "");
}

TEST(Printable, HidesControlCharactersAndCutsAtACharacter) {
  EXPECT_EQ(printable("a\nb\x1b[1m\x7f"), "a?b?[1m?");
  EXPECT_EQ(printable("größe"), "größe");
  EXPECT_EQ(printable("gr\xff"), "gr?");
  EXPECT_EQ(printable("ab\u00e9z", 3), "ab…");  // the third byte is half a character
  EXPECT_EQ(printable("abc", 3), "abc");
}

TEST(Utf8, AcceptsWhatRfc3629Allows) {
  const struct {
    std::string_view text;
    bool valid;
  } cases[] = {{"", true},
               {"plain", true},
               {"\xC2\x80", true},
               {"\xC1\xBF", false},  // overlong
               {"\xE0\xA0\x80", true},
               {"\xE0\x9F\xBF", false},  // overlong
               {"\xED\x9F\xBF", true},
               {"\xED\xA0\x80", false},  // surrogate
               {"\xF0\x90\x80\x80", true},
               {"\xF0\x8F\xBF\xBF", false},  // overlong
               {"\xF4\x8F\xBF\xBF", true},
               {"\xF4\x90\x80\x80", false},  // above U+10FFFF
               {"\xF5\x80\x80\x80", false},
               {"\x80", false},
               {"\xE2\x82", false}};  // cut off
  for (const auto& c : cases) EXPECT_EQ(is_utf8(c.text), c.valid) << testing::PrintToString(c.text);
}

}  // namespace
}  // namespace ruststream::options
