#include <ruststream/arena.hpp>
#include <ruststream/buffer.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace ruststream {
namespace {

TEST(Arena, MemoryIsSeparateUntilResetAndReusedAfterwards) {
  Arena arena;
  char* const first = arena.allocate(100);
  std::memset(first, 'a', 100);
  for (int i = 0; i < 100; ++i) std::memset(arena.allocate(1000), 'b', 1000);
  EXPECT_EQ(std::string(first, 100), std::string(100, 'a'));
  arena.reset();
  char* const kept = arena.allocate(1);
  arena.reset();
  EXPECT_EQ(arena.allocate(1), kept);
}

TEST(Arena, ServesMoreThanItKeeps) {
  Arena arena;
  std::memset(arena.allocate(2 * Arena::kKeepBytes), 'x', 2 * Arena::kKeepBytes);
  arena.reset();
  std::memset(arena.allocate(10), 'x', 10);
  Arena moved = std::move(arena);
  moved.reset();
  EXPECT_NE(moved.allocate(10), nullptr);
}

TEST(Buffer, KeepsItsMemoryBetweenUsesUpToALimit) {
  Buffer buffer;
  buffer.append(std::string(1000, 'x'));
  const char* const memory = buffer.data();
  buffer.clear();
  buffer.append(std::string(1000, 'y'));
  EXPECT_EQ(buffer.data(), memory);
  EXPECT_EQ(buffer.text(), std::string(1000, 'y'));
  buffer.append(std::string(Buffer::kKeepBytes, 'z'));
  buffer.clear();
  EXPECT_EQ(buffer.limit(), nullptr);
  EXPECT_THROW((void)buffer.reserve(Buffer::kMaxBytes + 1), std::length_error);
}

TEST(Buffer, MovesAndResizes) {
  Buffer buffer;
  buffer.append("abc");
  buffer.append('d');
  buffer.resize(2);
  Buffer other = std::move(buffer);
  other.append("x");
  EXPECT_EQ(other.text(), "abx");
  EXPECT_EQ(other.bytes().size(), 3);
}

}  // namespace
}  // namespace ruststream
