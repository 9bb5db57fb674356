#include <ruststream/sdk/tokens.hpp>

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace {

using Tokens = ruststream::sdk::Tokens<int>;

std::int32_t settle(Tokens& tokens, std::uint64_t token) {
  const auto taken = tokens.take(token);
  if (taken == RST_OK) tokens.settled(token);
  return taken;
}

TEST(Tokens, AreNeverZeroAndNeverTheSameTwice) {
  Tokens tokens{256};
  std::set<std::uint64_t> seen;
  for (int round = 0; round < 2'000; ++round) {
    const auto token = tokens.issue(round);
    ASSERT_NE(token, 0U);
    ASSERT_TRUE(seen.insert(token).second);
    ASSERT_EQ(tokens.take(token), RST_OK);
    ASSERT_EQ(tokens.value(token), round);
    tokens.settled(token);
  }
}

TEST(Tokens, OfABatchLieSideBySide) {
  Tokens tokens;
  const auto first = tokens.issue(0);
  for (std::uint64_t offset = 1; offset < 64; ++offset) EXPECT_EQ(tokens.issue(0), first + offset);
}

TEST(Tokens, EndAtTheWindowAndGoOnWhenOneIsSettled) {
  Tokens tokens{256};
  std::vector<std::uint64_t> issued(256);
  for (auto& token : issued) token = tokens.issue(1);
  EXPECT_TRUE(tokens.full());
  EXPECT_EQ(tokens.issue(0), 0U);
  EXPECT_EQ(settle(tokens, issued[100]), RST_OK);
  const auto token = tokens.issue(7);
  EXPECT_NE(token, 0U);
  EXPECT_EQ(settle(tokens, issued[100]), -RST_E_SETTLED);
  EXPECT_EQ(settle(tokens, token), RST_OK);
}

TEST(Tokens, ThatWerePutBackAreUnsettled) {
  Tokens tokens;
  const auto token = tokens.issue(1);
  ASSERT_EQ(tokens.take(token), RST_OK);
  EXPECT_EQ(tokens.take(token), -RST_E_SETTLED);
  tokens.put_back(token);
  EXPECT_EQ(tokens.peek(token), RST_OK);
  EXPECT_EQ(settle(tokens, token), RST_OK);
  EXPECT_EQ(tokens.peek(token), -RST_E_SETTLED);
  EXPECT_EQ(tokens.unsettled(), 0U);
}

TEST(Tokens, ThatAreVoidedAreStaleAndTheOthersStay) {
  Tokens tokens;
  const auto odd = tokens.issue(1);
  const auto even = tokens.issue(2);
  std::vector<int> visited;
  tokens.void_if([](int value) { return value % 2 == 1; }, [&](int value) { visited.push_back(value); });
  EXPECT_EQ(visited, std::vector<int>{1});
  EXPECT_EQ(settle(tokens, odd), -RST_E_STALE);
  EXPECT_EQ(settle(tokens, even), RST_OK);
  tokens.void_all([&](int value) { visited.push_back(value); });
  EXPECT_EQ(visited.size(), 1U);
}

TEST(Tokens, ThatWereNeverIssuedAreStale) {
  Tokens tokens{256};
  EXPECT_EQ(tokens.take(0), -RST_E_INVALID);
  EXPECT_EQ(tokens.take(1), -RST_E_STALE);
  const auto token = tokens.issue(1);
  EXPECT_EQ(tokens.take(token + 1), -RST_E_STALE);
  EXPECT_EQ(tokens.take(token + (1U << 24U)), -RST_E_STALE);
  EXPECT_EQ(tokens.take(255), -RST_E_STALE);
  EXPECT_EQ(tokens.take(~0ULL), -RST_E_STALE);
  EXPECT_EQ(tokens.take(token | 1ULL << 62U), -RST_E_STALE);
  EXPECT_EQ(tokens.peek(token | 1ULL << 63U), -RST_E_STALE);
}

TEST(Tokens, AreSettledOnceWhileOthersAreIssued) {
  Tokens tokens{1024};
  std::atomic<std::uint64_t> latest{0};
  std::atomic<int> settled{0};
  std::atomic<bool> done{false};
  const auto settling = [&] {
    while (!done.load()) settled += settle(tokens, latest.load()) == RST_OK ? 1 : 0;
  };
  std::thread one{settling};
  std::thread two{settling};
  int issued = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto token = tokens.issue(round);
    if (token == 0) continue;
    ++issued;
    latest.store(token);
  }
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(static_cast<std::uint32_t>(issued - settled.load()), tokens.unsettled());
}

}  // namespace
