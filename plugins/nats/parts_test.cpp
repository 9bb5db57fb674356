// The pure parts: subjects and URLs.
#include "plugin.hpp"
#include "subjects.hpp"

#include <gtest/gtest.h>

namespace ruststream::nats {
namespace {

TEST(Subjects, AreCheckedTokenByToken) {
  for (const auto* const good : {"a", "a.b", "$JS.API", "a-b_c", "größe", "a*b", "a.b>c"}) {
    EXPECT_EQ(check_subject(good), SubjectFault::kNone) << good;
  }
  for (const auto* const wild : {"*", ">", "a.*", "a.>", "*.b.*"}) {
    EXPECT_EQ(check_subject(wild), SubjectFault::kWildcard) << wild;
    EXPECT_EQ(check_pattern(wild), SubjectFault::kNone) << wild;
    EXPECT_TRUE(has_wildcard(wild)) << wild;
  }
  for (const auto& [bad, fault] : std::vector<std::pair<std::string, SubjectFault>>{
           {"", SubjectFault::kEmpty},
           {".a", SubjectFault::kEmptyToken},
           {"a.", SubjectFault::kEmptyToken},
           {"a..b", SubjectFault::kEmptyToken},
           {"a b", SubjectFault::kBadByte},
           {"a\tb", SubjectFault::kBadByte},
           {">.a", SubjectFault::kWildcard},
           {"a.>.b", SubjectFault::kWildcard},
           {std::string(kLongestSubject + 1, 'a'), SubjectFault::kTooLong}}) {
    EXPECT_EQ(check_pattern(bad), fault) << bad;
  }
}

TEST(Subjects, MatchAsTheServerMatches) {
  for (const auto& [pattern, subject, expected] :
       std::vector<std::tuple<const char*, const char*, bool>>{{"a", "a", true},
                                                               {"a", "b", false},
                                                               {"a", "a.b", false},
                                                               {"*", "a", true},
                                                               {"*", "a.b", false},
                                                               {">", "a.b", true},
                                                               {"a.>", "a", false},
                                                               {"a.>", "a.b", true},
                                                               {"a.*.c", "a.b.c", true},
                                                               {"a.*.c", "a.c", false},
                                                               {"a.*", "a.b.c", false},
                                                               {"a.b", "a", false}}) {
    EXPECT_EQ(matches(pattern, subject), expected) << pattern << ' ' << subject;
  }
}

Settings parsed(std::string_view url, std::int32_t expected = RST_DONE) {
  Settings settings;
  rst_error error{};
  sdk::Report report{nullptr, sdk::ErrorOut{&error}};
  (void)parse_url(url, settings, report);
  EXPECT_EQ(report.result(), expected) << url << ' ' << error.text;
  EXPECT_EQ(std::string_view(error.text).find("sekret"), std::string_view::npos) << error.text;
  return settings;
}

TEST(Urls, NameServersAndCredentials) {
  EXPECT_EQ(parsed("nats://h").servers, (std::vector<Server>{{"h", 4222}}));
  EXPECT_EQ(parsed("nats:h:1").servers, (std::vector<Server>{{"h", 1}}));
  EXPECT_EQ(parsed("nats://a:1,b,[::1]:3/?x=y").servers, (std::vector<Server>{{"a", 1}, {"b", 4222}, {"::1", 3}}));
  EXPECT_EQ(parsed("tls://h").tls, Tls::kVerify);
  const Settings user = parsed("nats://us%40er:p%3Aw@h");
  EXPECT_EQ(user.user, "us@er");
  EXPECT_EQ(user.password, "p:w");
  EXPECT_EQ(parsed("nats://token@h").token, "token");
  for (const auto* const bad : {"http://h", "nats://", "nats://h:0", "nats://h:99999", "nats://h:x", "nats://a,,b",
                                "nats://sekret%4@h", "nats://[::1", "nats://a b"}) {
    parsed(bad, -RST_E_INVALID);
  }
}

TEST(Servers, GoRoundAndTakeInWhatTheClusterTells) {
  Servers servers({{"a", 1}, {"b", 2}}, false);
  EXPECT_EQ(servers.next().host, "a");
  EXPECT_FALSE(servers.round_is_over());
  EXPECT_EQ(servers.next().host, "b");
  EXPECT_TRUE(servers.round_is_over());
  servers.discovered("nats://c:3");
  servers.discovered("nats://a:1");
  EXPECT_EQ(servers.size(), 3U);
  servers.begin_round();
  EXPECT_EQ(servers.next().host, "a");
}

}  // namespace
}  // namespace ruststream::nats
