#include "log/rate_limit.hpp"

#include <gtest/gtest.h>

namespace ruststream::log {
namespace {

using std::chrono::seconds;
constexpr RateLimit::Clock::time_point kStart{seconds(1000)};

/// Lines of one pair that come through out of `tries` at one moment.
std::uint32_t admitted(RateLimit& limit, std::uint64_t subject, std::int64_t code, std::uint32_t tries,
                       RateLimit::Clock::time_point now) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < tries; ++i) count += limit.admit(subject, code, now).admitted ? 1 : 0;
  return count;
}

TEST(RateLimit, LetsAFewLinesThroughAndTellsOfTheRestLater) {
  RateLimit limit;
  EXPECT_EQ(admitted(limit, 1, 7, 100, kStart), kLinesPerWindow);
  EXPECT_EQ(limit.untold(), 100 - kLinesPerWindow);
  const auto just_before = kStart + kRateWindow - seconds(1);
  EXPECT_FALSE(limit.admit(1, 7, just_before).admitted);
  const auto pass = limit.admit(1, 7, kStart + kRateWindow);
  EXPECT_TRUE(pass.admitted);
  EXPECT_EQ(pass.suppressed, 101 - kLinesPerWindow);
  EXPECT_EQ(limit.untold(), 0);
  EXPECT_EQ(limit.admit(1, 7, kStart + kRateWindow).suppressed, 0) << "told twice";
}

TEST(RateLimit, TellsSubjectsAndCodesApart) {
  RateLimit limit;
  EXPECT_EQ(admitted(limit, 1, 7, 9, kStart), kLinesPerWindow);
  EXPECT_EQ(admitted(limit, 2, 7, 9, kStart), kLinesPerWindow);
  EXPECT_EQ(admitted(limit, 1, 8, 9, kStart), kLinesPerWindow);
}

TEST(RateLimit, SharesOneBudgetBeyondItsBoundAndRecovers) {
  RateLimit limit;
  for (std::uint64_t subject = 0; subject < kMaxRatePairs; ++subject)
    EXPECT_EQ(admitted(limit, subject, 0, kLinesPerWindow + 1, kStart), kLinesPerWindow);
  std::uint32_t beyond = 0;
  for (std::uint64_t subject = kMaxRatePairs; subject < 2 * kMaxRatePairs; ++subject)
    beyond += admitted(limit, subject, 0, 1, kStart);
  EXPECT_EQ(beyond, kLinesPerWindow);
  const std::uint64_t untold = limit.untold();
  EXPECT_EQ(untold, 2 * kMaxRatePairs - kLinesPerWindow);
  EXPECT_EQ(admitted(limit, 9'999, 0, 9, kStart + kRateWindow), kLinesPerWindow) << "silent pairs kept their places";
  EXPECT_EQ(limit.untold(), untold + 9 - kLinesPerWindow) << "counts were lost with their pairs";
}

}  // namespace
}  // namespace ruststream::log
