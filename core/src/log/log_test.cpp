#include "log/log.hpp"

#include "log/line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace ruststream::log {
namespace {

/// Standard error as a pipe, for as long as the object lives.
class StderrPipe {
 public:
  StderrPipe() : saved_(dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    read_ = ends[0];
    // The writing end blocks, as a shell's does.
    EXPECT_EQ(fcntl(ends[1], F_SETFL, 0), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
  }
  StderrPipe(StderrPipe&&) = delete;
  ~StderrPipe() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    close(read_);
  }
  std::string drain() const {
    std::string out;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = read(read_, part.data(), part.size())) > 0;)
      out.append(part.data(), static_cast<std::size_t>(n));
    return out;
  }

 private:
  int saved_;
  int read_ = -1;
};

TEST(Logger, WritesATimedLineToStandardErrorInEitherFormat) {
  const StderrPipe standard_error;
  Logger logger(Level::info, Format::text);
  logger.write(Level::warn, "loader", "refused", {{"file", "/x.so"}, {"code", 3}});
  EXPECT_TRUE(std::regex_match(
      standard_error.drain(),
      std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn  loader: refused file=/x\.so code=3\n)")));
  logger.set_format(Format::json);
  logger.write(Level::error, "loader", "refused", {{"code", 3}});
  EXPECT_TRUE(std::regex_match(
      standard_error.drain(),
      std::regex(
          R"(\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"error","target":"loader","msg":"refused","code":3\}\n)")));
}

TEST(Logger, LetsThroughWhatTheLevelAsksForAndShowsItToPlugins) {
  const StderrPipe standard_error;
  Logger logger;
  EXPECT_EQ(*logger.level_address(), 3U);
  const Level levels[] = {Level::off, Level::error, Level::warn, Level::info, Level::debug, Level::trace};
  for (const Level set : levels) {
    logger.set_level(set);
    EXPECT_EQ(*logger.level_address(), static_cast<std::uint32_t>(set));
    for (const Level asked : {Level::error, Level::warn, Level::info, Level::debug, Level::trace}) {
      EXPECT_EQ(logger.enabled(asked), asked <= set);
      logger.write(asked, "t", "text");
      EXPECT_EQ(!standard_error.drain().empty(), asked <= set);
    }
    EXPECT_FALSE(logger.enabled(Level::off));
  }
}

TEST(Logger, GivesItsLinesToAHostsSinkAndLeavesStandardErrorAlone) {
  const StderrPipe standard_error;
  Logger logger;
  std::string seen;
  logger.set_sink([&](const Record& record) {
    seen += std::string(record.target) + "/" + std::string(record.text) + "/" + std::to_string(record.fields[0].number);
    if (seen.size() < 20) logger.write(Level::info, "inner", "again", {{"n", 2}});
    throw std::runtime_error("the host's own trouble");
  });
  logger.write(Level::info, "outer", "once", {{"n", 1}});
  EXPECT_EQ(seen, "outer/once/1inner/again/2");
  EXPECT_EQ(standard_error.drain(), "");
  logger.set_sink({});
  logger.write(Level::info, "t", "back");
  EXPECT_NE(standard_error.drain().find("t: back"), std::string::npos);
}

TEST(Logger, LosesLinesRatherThanWaitForAReaderAndSaysHowMany) {
  const StderrPipe standard_error;
  Logger logger;
  const std::string text(1000, 'x');
  for (int i = 0; i < 200; ++i) logger.write(Level::info, "t", text);  // a pipe holds 64 KiB: this would hang
  const std::string held = standard_error.drain();
  const auto lines = std::count(held.begin(), held.end(), '\n');
  ASSERT_GT(lines, 10);
  ASSERT_LT(lines, 200);
  logger.write(Level::info, "t", "after");
  const std::string after = standard_error.drain();
  EXPECT_NE(after.find("standard error was full, lines are lost lines=" + std::to_string(200 - lines) + "\n"),
            std::string::npos)
      << after;
  EXPECT_NE(after.find("t: after\n"), std::string::npos);
}

TEST(Logger, NeverMixesTheLinesOfTwoThreads) {
  const StderrPipe standard_error;
  Logger logger;
  const std::string a(300, 'a');
  const std::string b(300, 'b');
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) logger.write(Level::info, "t", b);
  });
  for (int i = 0; i < 50; ++i) logger.write(Level::info, "t", a);
  other.join();
  const std::string all = standard_error.drain();
  const std::regex whole(R"([^\n]*t: (a{300}|b{300})\n)");
  EXPECT_EQ(std::distance(std::sregex_iterator(all.begin(), all.end(), whole), std::sregex_iterator()), 100);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 100);
}

TEST(Logger, FitsTheLongestLineIntoWhatAPipeTakesWhole) {
  const StderrPipe standard_error;
  Logger logger(Level::info, Format::json);
  const std::string huge(3 * kMaxLine, '\n');
  logger.write(Level::info, huge, huge, {{huge, huge}, {"a", huge}, {"b", 1}});
  const std::string line = standard_error.drain();
  EXPECT_GT(line.size(), kMaxText / 2);
  EXPECT_LE(line.size(), kMaxLine);
  EXPECT_TRUE(line.ends_with("}\n"));
}

}  // namespace
}  // namespace ruststream::log
