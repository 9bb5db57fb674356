#include "codec/codec_testing.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::codec {
namespace {

constexpr std::string_view kPayload("any\0\xff bytes", 11);

TEST(RawCodec, GivesAndTakesThePayloadAsItIs) {
  Arena arena;
  std::string owned = "old";
  std::string_view view;
  std::vector<std::byte> bytes(3);
  std::span<const std::byte> span;
  EXPECT_EQ(decode_error(raw(), kPayload, owned, arena), "");
  EXPECT_EQ(decode_error(raw(), kPayload, view, arena), "");
  EXPECT_EQ(decode_error(raw(), kPayload, bytes, arena), "");
  EXPECT_EQ(decode_error(raw(), kPayload, span, arena), "");
  EXPECT_EQ(owned, kPayload);
  EXPECT_EQ(view.data(), kPayload.data());
  EXPECT_EQ(bytes.size(), kPayload.size());
  EXPECT_EQ(span.data(), static_cast<const void*>(kPayload.data()));
  EXPECT_EQ(encoded(owned, raw()), kPayload);
  EXPECT_EQ(encoded(view, raw()), kPayload);
  EXPECT_EQ(encoded(bytes, raw()), kPayload);
  EXPECT_EQ(encoded(span, raw()), kPayload);
}

TEST(RawCodec, EmptyPayloadsAreEmptyValues) {
  Arena arena;
  std::string owned = "old";
  std::vector<std::byte> bytes(3);
  EXPECT_EQ(decode_error(raw(), {}, owned, arena), "");
  EXPECT_EQ(decode_error(raw(), {}, bytes, arena), "");
  EXPECT_EQ(owned, "");
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(encoded(bytes, raw()), "");
}

TEST(RawCodec, NamesTheTypeItCannotTake) {
  struct Order {
    int id;
  };
  Order order{};
  Arena arena;
  EXPECT_TRUE(decode_error(raw(), "1", order, arena).ends_with("use json() for Order"));
  EXPECT_TRUE(encoded(1, raw()).ends_with("use json() for other types"));
}

}  // namespace
}  // namespace ruststream::inline v0::codec
