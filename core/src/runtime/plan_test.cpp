// What is refused at startup, all of it in one error and before any connection; and where settings come from.
#include "runtime/runtime_testing.hpp"

#include <cstdlib>
#include <fstream>

namespace ruststream::testing {
namespace {

using Words = std::vector<std::string>;

void expect_words(const std::string& text, const Words& words) {
  for (const std::string& word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " in:\n" << text;
}

struct PlanCase {
  const char* name;
  std::function<void(App&)> declare;
  Words says;
};

/// An app of one broker whose only handler is described by the case.
std::function<void(App&)> one(const std::string& address, const std::function<void(Registration)>& describe = {},
                              const char* url = "memory:") {
  return [=](App& app) {
    app.broker(url, [&](Scope& b) {
      const Registration registration = b.subscribe(address, [](const Order&) {});
      if (describe) describe(registration);
    });
  };
}

TEST(Plan, WhatCannotWorkIsRefusedByNameBeforeAnythingIsConnected) {
  const PlanCase cases[] = {
      {"no broker", [](App&) {}, {"no broker"}},
      {"unknown scheme", one("in", {}, "nats://host"), {"nats", "memory"}},
      {"malformed URL", one("in", {}, "memory"), {"URL"}},
      {"connection option", one("in", {}, "memory:?capasity=1"), {"capasity", "capacity"}},
      {"no address", one(""), {"subscription", "address"}},
      {"malformed address", one("a..b"), {"a..b"}},
      {"kind", one("in", [](Registration r) { r.kind("topik"); }), {"`in`", "topik", "topic"}},
      {"option",
       one("in", [](Registration r) { r.option("ack_timeuot", "1s"); }),
       {"`in`", "ack_timeuot", "ack_timeout"}},
      {"value", one("in", [](Registration r) { r.option("ack_timeout", "soon"); }), {"`in`", "ack_timeout", "soon"}},
      {"dead letter", one("in", [](Registration r) { r.dead_letter("a b"); }), {"`in`", "a b"}},
      {"reply of nothing", one("in", [](Registration r) { r.reply_to("out"); }), {"`in`", "reply_to"}},
      {"reply destination",
       [](App& app) {
         app.broker("memory:", [](Scope& b) { b.subscribe("in", [](const Order& o) { return o; }).reply_to("a..b"); });
       },
       {"`in`", "reply_to", "a..b"}},
      {"keyed batch",
       [](App& app) {
         app.broker("memory:", [](Scope& b) { b.subscribe("in", [](std::span<const Order>) {}).workers(2, by_key); });
       },
       {"`in`", "by_key"}},
      {"same name",
       [](App& app) {
         app.broker("memory:", [](Scope& b) {
           b.subscribe("in", [](const Order&) {});
           b.subscribe("in", [](const Order&) {});
         });
       },
       {"two subscriptions", "`in`", ".name("}},
      {"same group",
       [](App& app) {
         app.broker("memory:", [](Scope& b) {
           b.subscribe("in", [](const Order&) {}).name("one").group("g");
           b.subscribe("in", [](const Order&) {}).name("other").group("g");
         });
       },
       {"`one`", "`other`", ".group("}},
      {"same publisher",
       [](App& app) { app.broker("memory:", [](Scope& b) { (void)b.publisher("p"), (void)b.publisher("p"); }); },
       {"two publishers", "`p`"}},
      {"publisher's destination",
       [](App& app) { app.broker("memory:", [](Scope& b) { (void)b.publisher("p", "a.*"); }); },
       {"`p`", "a.*"}},
      {"setting of nobody", [](App& app) { one("in")(app), app.set("subscription.out.workers", "2"); }, {"out", "in"}},
      {"mistyped setting", [](App& app) { one("in")(app), app.set("subscription.in.workers", "many"); }, {"workers"}},
      {"log level", [](App& app) { one("in")(app), app.set("log.level", "loud"); }, {"log.level", "loud"}},
      {"plugin", [](App& app) { one("in")(app), app.set("plugin.path", "/nowhere.so"); }, {"/nowhere.so"}},
  };
  for (const PlanCase& each : cases) {
    SCOPED_TRACE(each.name);
    App app{{.title = "refused", .version = "1"}};
    bool started = false;
    app.on_startup([&](App&) -> Task<Result<void>> {
      started = true;
      co_return Result<void>();
    });
    each.declare(app);
    const auto result = app.start();
    ASSERT_FALSE(result);
    expect_words(result.error().text, each.says);
    EXPECT_FALSE(started);
    EXPECT_EQ(app.wait(), kExitOk);
  }
}

TEST(Plan, EveryMismatchIsInTheOneError) {
  App app{{.title = "refused", .version = "1"}};
  app.broker("first", "memory:", [](Scope& b) {
    b.subscribe("a..b", [](const Order&) {}).name("one");
    b.subscribe("c", [](const Order&) {}).name("two").kind("topik").option("nothing", "1");
    b.subscribe("d", [](const Order&) {}).name("three").option("ack_timeout", "soon").option("nothing", "1");
  });
  app.broker("second", "nowhere:", [](Scope& b) {
    b.subscribe("e", [](std::span<const Order>) {}).name("four").workers(2, by_key);
    b.subscribe("f", [](const Order&) {}).name("five");
  });
  app.broker("third", "memory:?capasity=1", [](Scope& b) {
    b.subscribe("g..h", [](const Order&) {}).name("six");
    (void)b.publisher("seven", "i.*");
  });
  app.set("subscription.five.workers", "many");
  const auto result = app.start();
  ASSERT_FALSE(result);
  expect_words(result.error().text, {"`one`", "a..b", "`two`", "topik", "`three`", "soon", "nothing", "`second`",
                                     "nowhere", "`four`", "by_key", "subscription.five.workers", "many", "`third`",
                                     "capasity", "`six`", "g..h", "`seven`", "i.*"});
  EXPECT_GE(std::ranges::count(result.error().text, '\n'), 8);
}

class Variable {
 public:
  explicit Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

/// What `check` prints of an app whose code says 2 workers, when run with these arguments.
std::string check(std::vector<const char*> arguments, int expected = kExitOk) {
  App app{{.title = "orders", .version = "2.1"}};
  app.set("log.level", "error");
  one("orders", [](Registration r) { r.workers(2).name("billing"); })(app);
  arguments.insert(arguments.begin(), {"orders", "check"});
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(app.run(static_cast<int>(arguments.size()), arguments.data()), expected);
  const std::string error = ::testing::internal::GetCapturedStderr();
  return ::testing::internal::GetCapturedStdout() + error;
}

TEST(Settings, CodeThenFileThenEnvironmentThenFlags) {
  const std::string file = ::testing::TempDir() + "ruststream_plan_test.toml";
  std::ofstream(file) << "[subscription.billing]\nworkers = 3\nack_timeout = \"5s\"\n";
  const std::string config = "--config=" + file;
  expect_words(check({}), {"subscription billing: orders, kind topic, workers 2, in_flight 256", "ok\n"});
  expect_words(check({config.c_str()}), {"workers 3", "billing.ack_timeout = \"5s\"", file + ":2"});
  const Variable variable("RUSTSTREAM_SUBSCRIPTION__BILLING__WORKERS", "4");
  expect_words(check({config.c_str()}), {"kind topic, workers 4", "RUSTSTREAM_SUBSCRIPTION__BILLING__WORKERS"});
  expect_words(check({config.c_str(), "--set", "subscription.billing.workers=5", "--broker", "memory:other"}),
               {"kind topic, workers 5", "--set", "broker memory:other"});
  std::remove(file.c_str());
}

TEST(Settings, CheckNamesTheSourceOfWhatTheCodeSaysToo) {
  const auto report = [](std::vector<const char*> arguments) {
    App app{{.title = "orders", .version = "1"}};
    app.set("log.level", "error").set("subscription.ORDERS.batch", "9");
    app.broker("memory:?capacity=7", [](Scope& b) {
      b.subscribe("in", [](const Order&) {})
          .name("ORDERS")
          .kind("topic")
          .group("g")
          .workers(1, by_key)
          .batch(3, 20ms)
          .in_flight(50)
          .max_processing(1500ms)
          .max_attempts(4)
          .dead_letter("dead")
          .option("ack_timeout", "5s");
      PublisherOptions unconfirmed;
      unconfirmed.confirm = false;
      (void)b.publisher("alerts", "out", unconfirmed);
      b.subscribe("other", [](const Order&) {});
    });
    arguments.insert(arguments.begin(), {"orders", "check"});
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(app.run(static_cast<int>(arguments.size()), arguments.data()), kExitOk);
    std::string text = ::testing::internal::GetCapturedStdout();
    std::string squeezed;  // the columns are the report's
    for (const char c : text.substr(0, text.find("broker memory:"))) {
      if (c != ' ' || squeezed.back() != ' ') squeezed += c;
    }
    return squeezed;
  };
  EXPECT_EQ(report({}),
            R"(broker = "memory:?capacity=7" # code
log.level = "error" # code
publisher.alerts.confirm = "false" # code
publisher.alerts.destination = "out" # code
subscription.ORDERS.ack_timeout = "5s" # code
subscription.ORDERS.address = "in" # code
subscription.ORDERS.batch = "9" # code
subscription.ORDERS.batch_wait = "20ms" # code
subscription.ORDERS.by_key = "true" # code
subscription.ORDERS.dead_letter = "dead" # code
subscription.ORDERS.group = "g" # code
subscription.ORDERS.in_flight = "50" # code
subscription.ORDERS.kind = "topic" # code
subscription.ORDERS.max_attempts = "4" # code
subscription.ORDERS.max_processing = "1500ms" # code
subscription.ORDERS.workers = "1" # code
subscription.other.address = "other" # code
)");
  const Variable variable("RUSTSTREAM_SUBSCRIPTION__ORDERS__WORKERS", "8");
  const std::string later = report({"--broker", "memory:elsewhere", "--set", "publisher.alerts.destination=there"});
  expect_words(later, {"broker = \"memory:elsewhere\" # --broker\n",
                       "subscription.orders.workers = \"8\" # RUSTSTREAM_SUBSCRIPTION__ORDERS__WORKERS\n",
                       "publisher.alerts.destination = \"there\" # --set\n"});
  for (const char* loser : {"capacity", "ORDERS.workers", "\"out\""}) {
    EXPECT_EQ(later.find(loser), std::string::npos) << loser << " in:\n" << later;
  }
}

TEST(Settings, TheKindAndItsOptionsComeFromOutsideToo) {
  expect_words(check({"--set", "subscription.billing.kind=log", "--set", "subscription.billing.address=archive",
                      "--set", "subscription.billing.by_key=true"}),
               {"subscription billing: archive, kind log, workers 2 by key"});
  expect_words(check({"--set", "subscription.billing.kind=lgo"}, kExitConfiguration), {"billing", "lgo", "log"});
  expect_words(check({"--set", "subscription.biling.kind=log"}, kExitConfiguration), {"biling", "billing"});
  expect_words(check({"--set", "subscription.billing.ack_timeout=soon", "--broker", "nowhere:"}, kExitConfiguration),
               {"nowhere"});
  expect_words(check({"--config", "/nowhere.toml"}, kExitConfiguration), {"/nowhere.toml"});
  expect_words(check({"--sett", "a=b"}, kExitUsage), {"--sett", "--set"});
}

}  // namespace
}  // namespace ruststream::testing
