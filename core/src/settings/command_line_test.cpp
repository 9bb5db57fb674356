#include "settings/command_line.hpp"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>

namespace ruststream::settings {
namespace {

constexpr std::array<Command, 2> kCommands{{{"run", "handle messages"}, {"check", "validate only"}}};

std::expected<CommandLine, Stop> parse(std::initializer_list<const char*> arguments) {
  std::vector<const char*> argv{"./orders"};
  argv.insert(argv.end(), arguments);
  const Program program{.title = "orders", .version = "0.1.0", .commands = kCommands};
  return parse_command_line(program, static_cast<int>(argv.size()), argv.data());
}

std::string assignments(const CommandLine& line) {
  std::string out;
  for (const auto& assignment : line.assignments)
    out += assignment.flag + ":" + assignment.key + "=" + assignment.value + " ";
  return out;
}

TEST(CommandLine, RunsWithoutAnyArgument) {
  const auto line = parse({});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->command, "run");
  EXPECT_EQ(line->config, "");
  EXPECT_TRUE(line->assignments.empty());
}

TEST(CommandLine, KeepsAssignmentsInTheOrderOfTheArguments) {
  const auto line = parse({"--set",           "log.level=info",
                           "check",           "--log-level=debug",
                           "--broker",        "memory:",
                           "--set",           "a.b=c=d",
                           "--broker",        "audit=nats://h?x=y",
                           "--drain-timeout", "5s",
                           "--log-format",    "json",
                           "--plugin",        "a.so",
                           "--config",        "q.toml",
                           "--plugin=b",      "--set",
                           "app.empty=",      "--set",
                           "app.negative=-1"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_EQ(line->command, "check");
  EXPECT_EQ(line->config, "q.toml");
  EXPECT_EQ(line->plugins, (std::vector<std::string>{"a.so", "b"}));
  EXPECT_EQ(assignments(*line),
            "--set:log.level=info --log-level:log.level=debug --broker:broker=memory: --set:a.b=c=d "
            "--broker:broker.audit=nats://h?x=y --drain-timeout:drain_timeout=5s --log-format:log.format=json "
            "--set:app.empty= --set:app.negative=-1 ");
}

TEST(CommandLine, RefusesWhatMakesNoSense) {
  const struct {
    std::initializer_list<const char*> arguments;
    const char* problem;
  } cases[] = {
      {{"--brokr", "memory:"}, "unknown flag `--brokr`; did you mean `--broker`?"},
      {{"run", "--log-levl=debug"}, "unknown flag `--log-levl`; did you mean `--log-level`?"},
      {{"-x"}, "unknown flag `-x`"},
      {{"chek"}, "unknown command `chek`; did you mean `check`?"},
      {{"destroy"}, "unknown command `destroy`; the commands are run, check"},
      {{"run", "check"}, "unexpected argument `check`"},
      {{"--set", "log.level"}, "--set expects KEY=VALUE"},
      {{"--set", "=x"}, "--set expects KEY=VALUE"},
      {{"--broker", "=memory:"}, "--broker expects URL or NAME=URL"},
      {{"--broker", "main="}, "--broker expects URL or NAME=URL"},
      {{"--config"}, "--config expects FILE"},
  };
  for (const auto& c : cases) {
    const auto line = parse(c.arguments);
    ASSERT_FALSE(line) << c.problem;
    EXPECT_EQ(line.error().exit_code, kExitUsage);
    EXPECT_EQ(line.error().text, std::string(c.problem) + "\nRun with --help to see what is possible.\n");
  }
}

TEST(CommandLine, ExplainsItself) {
  const auto help = parse({"--help"});
  ASSERT_FALSE(help);
  EXPECT_EQ(help.error().exit_code, 0);
  for (const char* part :
       {"Usage: ./orders [OPTIONS] [command]", "run: handle messages; check: validate only", "--config FILE ",
        "--broker [NAME=]URL ", "--set KEY=VALUE ", "--plugin PATH ", "--log-level LEVEL ", "--log-format FORMAT ",
        "--drain-timeout TIME ", "--version", "the later wins"})
    EXPECT_NE(help.error().text.find(part), std::string::npos) << part << "\n" << help.error().text;
  const auto version = parse({"--version"});
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().exit_code, 0);
  EXPECT_EQ(version.error().text, "orders 0.1.0\n");
}

}  // namespace
}  // namespace ruststream::settings
