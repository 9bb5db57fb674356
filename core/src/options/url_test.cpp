#include "options/url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ruststream::options {
namespace {

std::string hosts_of(const Url& url) {
  std::string text;
  for (const Host& host : url.hosts) text += (text.empty() ? "" : " ") + host.name + "/" + std::to_string(host.port);
  return text;
}

TEST(Url, TakesEveryFormApart) {
  const struct {
    std::string_view text, scheme, name, user, password, hosts, path, broker;
  } cases[] = {
      {"memory:", "memory", "", "", "", "", "", "memory:"},
      {"memory:orders-1", "memory", "orders-1", "", "", "", "", "memory:orders-1"},
      {"memory:a%20b?x=1", "memory", "a b", "", "", "", "", "memory:a%20b"},
      {"NATS://Host:4222", "nats", "", "", "", "Host/4222", "", "nats://Host:4222"},
      {"nats://me:pa%20ss%40@h1:4222,h2", "nats", "", "me", "pa ss@", "h1/4222 h2/0", "",
       "nats://me:pa%20ss%40@h1:4222,h2"},
      {"nats://token@h", "nats", "", "token", "", "h/0", "", "nats://token@h"},
      {"amqp://h/%2Fvirtual/x?a=b", "amqp", "", "", "", "h/0", "/virtual/x", "amqp://h/%2Fvirtual/x"},
      {"mqtt+tls://[2001:db8::1]:8883,[::1]", "mqtt+tls", "", "", "", "2001:db8::1/8883 ::1/0", "",
       "mqtt+tls://[2001:db8::1]:8883,[::1]"},
      {"file:///var/queue", "file", "", "", "", "", "var/queue", "file:///var/queue"},
  };
  for (const auto& c : cases) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error().text;
    EXPECT_EQ(url->scheme, c.scheme) << c.text;
    EXPECT_EQ(url->name, c.name) << c.text;
    EXPECT_EQ(url->user, c.user) << c.text;
    EXPECT_EQ(url->password, c.password) << c.text;
    EXPECT_EQ(hosts_of(*url), c.hosts) << c.text;
    EXPECT_EQ(url->path, c.path) << c.text;
    EXPECT_EQ(url->broker, c.broker) << c.text;
  }
}

TEST(Url, QueryBecomesSettings) {
  const auto url = parse_url("nats://h?durable=w%261&seeds=a&seeds=b&plus=1+1&empty=");
  ASSERT_TRUE(url) << url.error().text;
  ASSERT_EQ(url->settings.size(), 4U);
  EXPECT_EQ(url->settings[0].name, "durable");
  EXPECT_EQ(url->settings[0].values, std::vector<std::string>{"w&1"});
  EXPECT_FALSE(url->settings[0].is_list);
  EXPECT_EQ(url->settings[0].source, "the URL");
  EXPECT_EQ(url->settings[1].values, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(url->settings[1].is_list);
  EXPECT_EQ(url->settings[2].values, std::vector<std::string>{"1+1"});
  EXPECT_EQ(url->settings[3].values, std::vector<std::string>{""});
}

TEST(Url, RefusesWhatIsNoUrlAndSaysWhatToWrite) {
  const struct {
    std::string_view text, says;
  } cases[] = {
      {"", "no scheme"},
      {"localhost", "no scheme"},
      {"127.0.0.1:4222", "no scheme; write it as SCHEME://HOST:PORT"},
      {"://h", "no scheme"},
      {"4u://h", "no scheme"},
      {"nats://h a", "space or a control character"},
      {"nats://h\n", "space or a control character"},
      {"nats://h#x", "%23"},
      {"nats:secret@h", "did you mean SCHEME://"},
      {"nats://u:sec:ret@h", "%3A"},
      {"nats://u:sec@ret@h", "%40"},
      {"nats://u:sec/ret@h", "the port of host 1"},
      {"nats://u:secret@", "no host after the `@`"},
      {"nats://h1,,h2", "host 2 is empty"},
      {"nats://h1,", "no host after the last `,`"},
      {"nats://:4222", "host 1 is empty"},
      {"nats://h:", "the port of host 1"},
      {"nats://h:0", "the port of host 1"},
      {"nats://h:65536", "the port of host 1"},
      {"nats://h:+1", "the port of host 1"},
      {"nats://[::1", "`[` without its `]`"},
      {"nats://[::1]x", "something else than a port"},
      {"nats://se%63ret", "no host name has"},
      {"nats://u:se%6@h", "the password has a `%`"},
      {"nats://u:se%ff@h", "the password is not UTF-8"},
      {"nats://u%00:x@h", "the user is not UTF-8"},
      {"nats://h/%zz", "the path has a `%`"},
      {"nats://h?secret", "parameter 1 of the query has no `=`"},
      {"nats://h?a=1&=secret", "name of parameter 2"},
      {"nats://h?a=1&", "parameter 2 of the query has no `=`"},
      {"nats://h?a=%", "parameter 1 of the query has a `%`"},
  };
  for (const auto& c : cases) {
    const auto url = parse_url(c.text);
    ASSERT_FALSE(url) << c.text;
    EXPECT_EQ(url.error().code, Code::invalid);
    EXPECT_NE(url.error().text.find(c.says), std::string::npos) << c.text << " gave: " << url.error().text;
    EXPECT_EQ(url.error().text.find("sec"), std::string::npos) << url.error().text;
  }
}

TEST(Url, BoundsLengthHostsAndParameters) {
  EXPECT_FALSE(parse_url("nats://" + std::string(kMaxUrl, 'h')));
  std::string hosts = "nats://h";
  for (std::size_t i = 1; i < kMaxUrlHosts; ++i) hosts += ",h";
  EXPECT_TRUE(parse_url(hosts));
  EXPECT_FALSE(parse_url(hosts + ",h"));
  std::string query = "nats://h?a=1";
  for (std::size_t i = 1; i < kMaxUrlParameters; ++i) query += "&a=1";
  EXPECT_TRUE(parse_url(query));
  EXPECT_FALSE(parse_url(query + "&a=1"));
}

TEST(Url, ShownToPeopleHasNoSecret) {
  const struct {
    std::string_view text, shown;
  } cases[] = {
      {"memory:orders", "memory:orders"},
      {"nats://h:4222/p", "nats://h:4222/p"},
      {"nats://me:pw@h1,h2/a@b", "nats://***:***@h1,h2/a@b"},
      {"nats://token@h", "nats://***@h"},
      {"nats://h?token=abc&tls=on", "nats://h?token=***&tls=***"},
      {"nats://me:p/w@h", "nats:…"},
      {"pw", "…"},
  };
  for (const auto& c : cases) EXPECT_EQ(redact(c.text), c.shown);
}

}  // namespace
}  // namespace ruststream::options
