#include "client/slot_table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace ruststream::inline v0::detail {
namespace {

TEST(SlotTable, NeverGivesAnIdTwiceAndForgetsReleasedOnes) {
  SlotTable<int> table;
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 10'000; ++i) {
    std::uint64_t id = 0;
    int* const object = table.acquire(id);
    ASSERT_NE(object, nullptr);
    ASSERT_NE(id, 0U);
    ASSERT_TRUE(ids.insert(id).second) << id;
    EXPECT_EQ(table.find(id), object);
    table.release(id);
    EXPECT_EQ(table.find(id), nullptr);
  }
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(~0ULL), nullptr);
}

TEST(SlotTable, KeepsObjectsAtTheirAddressWhileItGrows) {
  SlotTable<int> table;
  std::vector<std::pair<std::uint64_t, int*>> held;
  for (int i = 0; i < 3 * static_cast<int>(SlotTable<int>::kChunk); ++i) {
    std::uint64_t id = 0;
    int* const object = table.acquire(id);
    *object = i;
    held.emplace_back(id, object);
  }
  for (std::size_t i = 0; i < held.size(); ++i) {
    EXPECT_EQ(table.find(held[i].first), held[i].second);
    EXPECT_EQ(*held[i].second, static_cast<int>(i));
  }
}

TEST(SlotTable, GivesOneObjectToOneHolderAtATime) {
  SlotTable<std::atomic<int>> table;
  std::atomic<int> shared{0};
  std::vector<std::vector<std::uint64_t>> ids(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : ids) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20'000; ++i) {
          std::uint64_t id = 0;
          std::atomic<int>& object = *table.acquire(id);
          if (object.exchange(1) != 0 || table.find(id) != &object) ++shared;
          object = 0;
          table.release(id);
          mine.push_back(id);
        }
      });
    }
  }
  EXPECT_EQ(shared, 0);
  std::set<std::uint64_t> all;
  for (const auto& mine : ids) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 80'000U);
}

}  // namespace
}  // namespace ruststream::inline v0::detail
