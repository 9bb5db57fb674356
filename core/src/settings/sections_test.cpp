#include "settings/sections.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ruststream::settings {
namespace {

Settings file(std::initializer_list<std::pair<const char*, const char*>> pairs) {
  Settings settings;
  for (const auto& [key, value] : pairs) settings.set(Layer::file, key, value, "q.toml:1");
  return settings;
}

/// `name: option=value …` for each name that got something.
std::string shown(const Result<Sections>& sections) {
  if (!sections) return sections.error().text;
  std::string out;
  for (const auto& [name, options] : *sections) {
    if (options.empty()) continue;
    out += "[" + name + "]";
    for (const Option& option : options) out += " " + option.name + "=" + option.setting->items.front();
    out += " ";
  }
  return out;
}

const std::vector<std::string> kNames{"billing", "orders", "orders.tls", "quakes.event.*"};

TEST(Sections, GivesEachKeyToTheLongestNameThatFits) {
  const Settings settings = file({{"subscription.billing.kind", "a"},
                                  {"subscription.billing.tls.ca", "b"},
                                  {"subscription.orders.kind", "c"},
                                  {"subscription.orders.tls.ca", "d"},
                                  {"subscription.quakes.event.*.workers", "e"},
                                  {"publisher.billing.kind", "not ours"},
                                  {"subscriptions.billing.kind", "not ours"}});
  EXPECT_EQ(shown(assign(settings, "subscription", kNames)),
            "[billing] kind=a tls.ca=b [orders] kind=c [orders.tls] ca=d [quakes.event.*] workers=e ");
}

TEST(Sections, NamesEveryKeyThatIsForNobody) {
  const Settings settings = file({{"subscription.biling.kind", "x"},
                                  {"subscription.biling.workers", "x"},
                                  {"subscription.quakes.evnt.*.kind", "x"},
                                  {"subscription.nothing.kind", "x"},
                                  {"subscription.billing", "x"}});
  EXPECT_EQ(shown(assign(settings, "subscription", kNames)),
            "subscription.biling.kind (q.toml:1): no subscription is named `biling`; did you mean `billing`?\n"
            "subscription.biling.workers (q.toml:1): no subscription is named `biling`; did you mean `billing`?\n"
            "subscription.billing (q.toml:1): expected subscription.NAME.OPTION, got no option\n"
            "subscription.nothing.kind (q.toml:1): no subscription is named `nothing`; the names are `billing`, "
            "`orders`, `orders.tls`, `quakes.event.*`\n"
            "subscription.quakes.evnt.*.kind (q.toml:1): no subscription is named `quakes.evnt.*`; did you mean "
            "`quakes.event.*`?");
  EXPECT_EQ(shown(assign(file({{"publisher.x.kind", "x"}}), "publisher", {})),
            "publisher.x.kind (q.toml:1): no publisher is named `x`; this service names no publisher");
}

TEST(Sections, UnderstandsHowTheEnvironmentSpellsAName) {
  Settings settings = file({{"subscription.quakes.event.*.kind", "log"}});
  settings.set(Layer::environment, "subscription.quakes_event.kind", "topic", "RUSTSTREAM_…");
  EXPECT_EQ(shown(assign(settings, "subscription", kNames)), "[quakes.event.*] kind=topic ");
  settings.set(Layer::flags, "subscription.quakes.event.*.kind", "flag", "--set");
  EXPECT_EQ(shown(assign(settings, "subscription", kNames)), "[quakes.event.*] kind=flag ");
}

TEST(Sections, RefusesAVariableThatFitsTwoNames) {
  Settings settings;
  settings.set(Layer::environment, "subscription.a_b.kind", "x", "RUSTSTREAM_SUBSCRIPTION__A_B__KIND");
  EXPECT_EQ(
      shown(assign(settings, "subscription", std::vector<std::string>{"a.b", "a-b"})),
      "subscription.a_b.kind (RUSTSTREAM_SUBSCRIPTION__A_B__KIND): fits both `a.b` and `a-b`; a file or --set can "
      "tell them apart");
}

TEST(Sections, SpellsNamesForTheEnvironment) {
  const struct {
    const char *name, *spelled;
  } cases[] = {{"Billing", "billing"}, {"quakes.event.*", "quakes_event"}, {"a--b", "a_b"}, {"_x9_", "x9"}, {"*", ""}};
  for (const auto& c : cases) EXPECT_EQ(environment_name(c.name), c.spelled);
}

TEST(Sections, ReachesABrokerByNameOrWithoutOne) {
  using Names = std::vector<std::string>;
  const struct {
    Settings settings;
    Names names;
    const char* expected;
  } cases[] = {
      {file({{"broker", "u"}}), {""}, "[] url=u "},
      {file({{"broker", "u"}, {"broker.tls.ca", "c"}}), {""}, "[] tls.ca=c url=u "},
      {file({{"broker", "u"}}), {"main"}, "[main] url=u "},
      {file({{"broker.main", "u"}, {"broker.main.tls", "on"}}), {"main", "audit"}, "[main] tls=on url=u "},
      {file({{"broker", "u"}}),
       {"main", "audit"},
       "broker (q.toml:1): expected broker.NAME; the names are `main`, `audit`"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(assign(c.settings, "broker", c.names, "url")), c.expected);
}

TEST(Sections, ReadsTheFlagOfABrokerAsANameAndNeverAsAnOption) {
  using Names = std::vector<std::string>;
  const struct {
    const char* key;
    Names names;
    const char* expected;
  } cases[] = {
      {"broker.main", {"main"}, "[main] url=u "},
      {"broker.a.b", {"a", "a.b"}, "[a.b] url=u "},
      {"broker.audit", {""}, "no broker is named `audit`; this service names no broker: leave the name away"},
      {"broker.mian", {"main"}, "no broker is named `mian`; did you mean `main`?"},
      {"broker.main.tls", {"main", "audit"}, "no broker is named `main.tls`; the names are `main`, `audit`"},
  };
  for (const auto& c : cases) {
    Settings settings;
    settings.set(Layer::flags, c.key, "u", "--broker");
    const std::string told = shown(assign(settings, "broker", c.names, "url"));
    EXPECT_EQ(told, told.starts_with("[") ? c.expected : std::string(c.key) + " (--broker): " + c.expected);
  }
}

TEST(Sections, TakesTheLaterOfTwoSpellingsOfOneOption) {
  Settings settings = file({{"broker.main", "file"}});
  settings.set(Layer::environment, "broker.main.url", "environment", "RUSTSTREAM_BROKER__MAIN__URL");
  const std::vector<std::string> names{"main", "audit"};
  EXPECT_EQ(shown(assign(settings, "broker", names, "url")), "[main] url=environment ");
  settings.set(Layer::flags, "broker.main", "flag", "--broker");
  EXPECT_EQ(shown(assign(settings, "broker", names, "url")), "[main] url=flag ");
}

}  // namespace
}  // namespace ruststream::settings
