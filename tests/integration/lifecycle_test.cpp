// A service that owns its process: signals, drain, exit codes, flags.
#include "process.hpp"

#include <cstdio>
#include <functional>

namespace ruststream::testing {
namespace {

struct Account {
  int published = -1, handled = -1, left = -1, dead = -1;
};

Account account(const Process& process) {
  Account out;
  const auto at = process.output().find("published ");
  if (at == std::string::npos) return out;
  std::sscanf(process.output().c_str() + at, "published %d handled %d left %d dead %d", &out.published, &out.handled,
              &out.left, &out.dead);
  return out;
}

struct Ready : Process {
  explicit Ready(std::vector<std::string> arguments = {}) : Process(with_service(std::move(arguments))) {
    EXPECT_TRUE(says("up\n")) << output();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // under load by now
  }
  static std::vector<std::string> with_service(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SERVICE);
    return arguments;
  }
};

TEST(Service, ASignalDrainsUnderLoadAndLosesAndDeadLettersNothing) {
  for (const int number : {SIGTERM, SIGINT}) {
    Ready service;
    service.signal(number);
    ASSERT_EQ(service.wait(), 0) << service.output();
    const Account account = testing::account(service);
    EXPECT_GT(account.handled, 20) << service.output();
    EXPECT_EQ(account.handled + account.left, account.published) << service.output();
    EXPECT_EQ(account.dead, 0);
    EXPECT_NE(service.output().find("0 left unsettled"), std::string::npos);
  }
}

TEST(Service, ASecondSignalEndsItAtOnceEvenWhileAHandlerBlocksItsThread) {
  for (const char* mode : {"app.mode=stuck", "app.mode=block"}) {
    for (const int number : {SIGTERM, SIGINT}) {
      Ready service({"--set", mode});
      service.signal(SIGTERM);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      service.signal(number);
      EXPECT_EQ(service.wait(), 128 + number) << mode << service.output();
    }
  }
}

TEST(Service, TheDrainDeadlineEndsItAndNothingIsLostByThat) {
  Ready service({"--set", "app.mode=stuck", "--drain-timeout", "200ms"});
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait(), 75) << service.output();
  const Account account = testing::account(service);
  EXPECT_EQ(account.handled, 0);
  EXPECT_EQ(account.left, account.published) << service.output();
  EXPECT_EQ(account.dead, 0);
  EXPECT_NE(service.output().find("16 left unsettled: the drain deadline has passed"), std::string::npos)
      << service.output();
}

TEST(Service, WhatEndsItHasItsOwnExitCodeAndSaysWhy) {
  const struct {
    std::vector<std::string> arguments;
    int code;
    std::vector<std::string> words;
  } cases[] = {
      {{"--help"}, 0, {"--broker", "--set", "run", "check"}},
      {{"--version"}, 0, {"service 3.2.1\n"}},
      {{"--brokr", "x"}, 64, {"--brokr", "--broker"}},
      {{"rnu"}, 64, {"rnu", "run"}},
      {{"--set", "nonsense"}, 64, {"KEY=VALUE"}},
      {{"--broker", "nowhere:"}, 78, {"nowhere", "memory"}},
      {{"--broker", "memory:?topics=absent"}, 78, {"topics", "absent", "existing"}},
      {{"--set", "subscription.wrk.workers=2"}, 78, {"wrk", "work"}},
      {{"--set", "subscription.work.workers=none", "--log-level", "loud"}, 78, {"log.level", "loud"}},
      {{"--config", "/nowhere.toml"}, 78, {"/nowhere.toml"}},
      {{"--plugin", "/nowhere.so"}, 78, {"/nowhere.so"}},
      {{"--broker", "memory:other?topics=existing"}, 69, {"work"}},
      {{"--set", "app.mode=hook"}, 70, {"on_startup: no licence"}},
      {{"--set", "app.mode=fatal"}, 70, {"the disk is gone"}},
      {{"check"}, 0, {"subscription work: work, kind topic, workers 16", "ok\n"}},
      {{"check", "--set", "subscription.work.kind=lgo"}, 78, {"lgo", "log"}},
  };
  for (const auto& each : cases) expect_run(Ready::with_service(each.arguments), each.code, each.words);
}

TEST(Service, ReadsItsEnvironmentAndFlagsWin) {
  const std::vector<std::string> variables{"RUSTSTREAM_SUBSCRIPTION__WORK__WORKERS=3", "RUSTSTREAM_LOG_FORMAT=json"};
  expect_run({SERVICE, "check"}, 0, {"workers 3", "RUSTSTREAM_SUBSCRIPTION__WORK__WORKERS"}, variables);
  expect_run({SERVICE, "check", "--set", "subscription.work.workers=4"}, 0, {"workers 4"}, variables);
}

}  // namespace
}  // namespace ruststream::testing
