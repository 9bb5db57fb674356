#include "cases/case.hpp"
#include "report/html.hpp"
#include "report/json.hpp"
#include "report/junit.hpp"
#include "report/matrix.hpp"
#include "report/text.hpp"
#include "runner/rules.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

namespace conformance {
namespace {

constexpr Case kProves{.name = "group.proves", .rule = "S2", .says = "It <works>.", .observes = RST_CAP_RETRY};

Kind kind(const char* name, std::vector<rst_capability> capabilities) {
  Kind made;
  made.name = name;
  made.capabilities = std::move(capabilities);
  return made;
}

Result result(const char* of_kind, Judgement judgement) {
  Result made;
  made.of = &kProves;
  made.kind = of_kind;
  made.judgement = judgement;
  if (made.failed()) made.violations.push_back({"S2", "a & b", std::string("\x01\xFF<c>")});
  made.output = "printed \x1b[31m\n";
  made.notes = {"a note"};
  return made;
}

Report report() {
  Report made;
  made.about.name = "org.example.mine";
  made.about.secrets = {"password"};
  const rst_capability retry{.id = RST_CAP_RETRY, .level = RST_LEVEL_HELD, .flags = RST_CAP_COUNTED, .limit = 0};
  const rst_capability ttl{.id = RST_CAP_TTL, .level = RST_LEVEL_NATIVE, .flags = 0, .limit = 7'200'000'000'000};
  made.about.kinds = {kind("good", {retry, ttl}), kind("bad", {retry}), kind("shy", {}), kind("plain", {})};
  made.errand.plugin = "a plugin.so";
  made.errand.url = "mine://me:secret@host/?x=y@z";
  made.errand.options = {{"password", "hidden"}, {"user", "it's"}};
  made.results = {result("good", Judgement::pass), result("bad", Judgement::crash), result("shy", Judgement::warn),
                  result("plain", Judgement::skip)};
  made.results[0].measures = {{"speed", 1234567.4, "messages/s"}, {"delay", 0.123, "us"}};
  return made;
}

TEST(Report, TheMatrixComparesWhatIsDeclaredWithWhatWasSeen) {
  const Matrix matrix = matrix_of(report());
  ASSERT_EQ(matrix.rows.size(), 2U);
  const auto& cells = matrix.rows[0].cells;
  EXPECT_EQ(matrix.rows[0].capability, "RETRY");
  EXPECT_EQ(cells[0].declared, "held, counted");
  EXPECT_EQ(cells[0].state, Cell::State::observed);
  EXPECT_EQ(cells[1].state, Cell::State::failed);
  EXPECT_EQ(cells[2].state, Cell::State::warned);
  EXPECT_EQ(cells[3].state, Cell::State::absent);
  EXPECT_EQ(matrix.rows[1].cells[0].declared, "native, up to 2 h");
  EXPECT_EQ(matrix.rows[1].cells[0].state, Cell::State::untested);
}

TEST(Report, AReplayIsQuotedAndShowsNoSecret) {
  const Report of = report();
  EXPECT_EQ(replay(of, of.results[1]),
            "ruststream-conformance 'a plugin.so' --url 'mine://me:***@host/?x=y@z' --option 'password=***' "
            "--option 'user=it'\\''s' --filter group.proves --kind bad --seed 1");
}

TEST(Report, EveryFormHasTheFailureWhole) {
  const Report of = report();
  const auto json = nlohmann::json::parse(json_report(of));
  EXPECT_TRUE(json["failed"]);
  EXPECT_EQ(json["summary"]["crash"], 1);
  EXPECT_EQ(json["results"][1]["violations"][0]["text"], rule_text("S2"));
  EXPECT_EQ(json["capabilities"].size(), 8U);
  EXPECT_EQ(json["results"][0]["measures"][0]["unit"], "messages/s");

  pugi::xml_document xml;
  ASSERT_TRUE(xml.load_string(junit_report(of).c_str()));
  const auto suite = xml.child("testsuites").child("testsuite");
  EXPECT_EQ(suite.attribute("errors").as_int(), 1);
  EXPECT_EQ(suite.attribute("tests").as_int(), 4);
  EXPECT_STREQ(
      suite.find_child_by_attribute("name", "group.proves [bad] seed 1").child("error").attribute("message").value(),
      "S2: ?"
      "?<c>");

  const std::string html = html_report(of);
  EXPECT_NE(html.find("??&lt;c&gt;"), std::string::npos);
  EXPECT_EQ(html.find("<works>"), std::string::npos);
  for (const std::string& all : {html, text_report(of)}) {
    for (const char* const part : {"--filter group.proves --kind bad", "a note", "printed ?[31m", "org.example.mine",
                                   "1,234,567 messages/s", "0.12 us"}) {
      EXPECT_NE(all.find(part), std::string::npos) << part << all;
    }
  }
}

TEST(Report, EveryRuleThatACaseNamesHasItsText) {
  for (const Case& each : all_cases()) EXPECT_NE(rule_text(each.rule), "") << each.name;
}

TEST(Report, OnlyTextIsShown) {
  EXPECT_EQ(printable("ä\x80\xC3[\t\n\x7F"), "ä??[\t\n?");
  EXPECT_EQ(printable("\xED\xA0\x80"), "???") << "a surrogate";
}

}  // namespace
}  // namespace conformance
