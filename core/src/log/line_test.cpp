#include "log/line.hpp"

#include "options/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ruststream::log {
namespace {

Record record(std::string_view text, std::span<const Field> fields = {}, std::string_view target = "nats.reconnect") {
  return Record{.time = {}, .level = Level::warn, .target = target, .text = text, .fields = fields};
}

TEST(Line, SaysLevelTargetTextAndFields) {
  const std::vector<Field> fields{{"broker", "main"}, {"attempt", 3}, {"reason", "no route"}, {"empty", ""}};
  EXPECT_EQ(text_payload(record("gone", fields)),
            R"(warn  nats.reconnect: gone broker=main attempt=3 reason="no route" empty="")");
  EXPECT_EQ(
      json_payload(record("gone", fields)),
      R"("level":"warn","target":"nats.reconnect","msg":"gone","broker":"main","attempt":3,"reason":"no route","empty":"")");
}

TEST(Line, EscapesWhatWouldForgeALineOrBreakTheJson) {
  const struct {
    std::string_view text, as_text, as_json;
  } cases[] = {
      {"a\nerror x", R"(a\nerror x)", R"(a\nerror x)"},
      {"say \"hi\" \\", R"(say "hi" \)", R"(say \"hi\" \\)"},
      {std::string_view("nul\0\x1b[31m\x7f", 10), R"(nul\u0000\u001b[31m\u007f)", R"(nul\u0000\u001b[31m\u007f)"},
      {"\r\t", R"(\r\t)", R"(\r\t)"},
      {"grüße €𝄞", "grüße €𝄞", "grüße €𝄞"},
      {"\xff"
       "a\xc3",
       "\uFFFD"
       "a\uFFFD",
       "\uFFFD"
       "a\uFFFD"},
      {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD", "\uFFFD\uFFFD\uFFFD"},
      {"\xc0\xaf", "\uFFFD\uFFFD", "\uFFFD\uFFFD"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(text_payload(record(c.text, {}, "t")), "warn  t: " + std::string(c.as_text));
    EXPECT_EQ(json_payload(record(c.text, {}, "t")),
              R"("level":"warn","target":"t","msg":")" + std::string(c.as_json) + "\"");
  }
}

TEST(Line, StaysUnderItsBoundWhateverComes) {
  for (const std::string& unit :
       {std::string("x"), std::string("\n"), std::string("€"), std::string("\xff"), std::string("\"")}) {
    std::string huge;
    while (huge.size() < 3 * kMaxLine) huge += unit;
    const std::vector<Field> fields{{"a", huge}, {"b", huge}, {"c", 1}};
    for (const std::string& line :
         {text_payload(record(huge, fields, huge)), json_payload(record(huge, fields, huge))}) {
      EXPECT_LE(line.size(), kMaxPayload);
      EXPECT_TRUE(options::is_utf8(line));
      EXPECT_NE(line.find("…"), std::string::npos);
      EXPECT_NE(line.find("cut"), std::string::npos) << "a field was left out and nothing says so";
    }
  }
}

TEST(Line, KeepsTheFieldsThatFitBesideOneThatDoesNot) {
  const std::string huge(kMaxLine, 'x');
  const std::vector<Field> fields{{"a", huge}, {"b", huge}, {"code", -3}};
  EXPECT_TRUE(text_payload(record("t", fields)).ends_with(" code=-3 (cut)"));
  EXPECT_TRUE(json_payload(record("t", fields)).ends_with(",\"code\":-3,\"cut\":true"));
}

}  // namespace
}  // namespace ruststream::log
