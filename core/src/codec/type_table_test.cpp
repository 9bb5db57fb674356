#include <ruststream/type_table.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace shop {

enum class Side : std::uint8_t { buy, sell, hold = 7 };
enum Color : std::int16_t { red = 1, green = 2 };
enum class Far : int { near = 1000, negative = -5 };
consteval auto ruststream_describe(const Far*) {
  return ruststream::enumerators(ruststream::enumerator("NEAR", Far::near),
                                 ruststream::enumerator("NEGATIVE", Far::negative));
}

struct Point {
  double x, y;
};

struct Everything {
  bool flag;
  std::int8_t tiny;
  alignas(32) std::uint64_t aligned;
  std::string text;
  std::optional<Point> place;
  std::vector<Point> path;
  std::array<float, 3> triple;
  std::map<std::string, int> counts;
  std::unordered_map<std::string, Side> sides;
  Side side;
  std::vector<std::byte> blob;
};

struct Node {
  int value;
  std::vector<Node> children;
};

class Account {
 public:
  Account() = default;
  Account(int id, std::string owner) : id_(id), owner_(std::move(owner)) {}
  static constexpr auto owner() { return &Account::owner_; }

 private:
  int id_ = 0;
  std::string owner_;
  RUSTSTREAM_DESCRIBE(Account, id_, owner_);
};

struct Base {
  int inherited;
};
struct Derived : Base {
  int quantity;
};
consteval auto ruststream_describe(const Derived*) {
  return ruststream::fields(ruststream::field("base", &Derived::inherited),
                            ruststream::field("qty", &Derived::quantity));
}

struct Sixteen {
  int a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3, b4, b5, b6, b7;
};
struct Most {
  Sixteen s1, s2;
  int a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3, b4, b5, b6, b7, b8, b9, c1, c2, c3, c4, c5, c6, c7, c8, c9, d1,
      d2, d3, d4, d5, d6, d7, d8, d9, e1, e2, e3, e4, e5, e6, e7, e8, e9, f1, f2, f3, f4, f5, f6, f7, f8, f9, g1, g2,
      g3, g4, g5, g6, g7, last;
};
struct None {};

}  // namespace shop

namespace ruststream {
namespace {

/// The offset of a member in a real object.
template <class Member, class Class>
std::size_t offset_in(Member Class::* member) {
  const Class object{};
  return static_cast<std::size_t>(reinterpret_cast<const char*>(&(object.*member)) -
                                  reinterpret_cast<const char*>(&object));
}

TEST(TypeTable, PlainStructIsDescribedInOrder) {
  static_assert(type_table<shop::Everything>().fields.size() == 11);  // it is a constant
  const TypeTable& table = type_table<shop::Everything>();
  EXPECT_EQ(table.name, "Everything");
  EXPECT_EQ(table.size, sizeof(shop::Everything));
  EXPECT_EQ(table.align, 32);
  const struct {
    std::string_view name;
    Kind kind;
    std::size_t offset;
  } expected[] = {
      {"flag", Kind::boolean, offset_in(&shop::Everything::flag)},
      {"tiny", Kind::int8, offset_in(&shop::Everything::tiny)},
      {"aligned", Kind::uint64, offset_in(&shop::Everything::aligned)},
      {"text", Kind::string, offset_in(&shop::Everything::text)},
      {"place", Kind::optional, offset_in(&shop::Everything::place)},
      {"path", Kind::sequence, offset_in(&shop::Everything::path)},
      {"triple", Kind::array, offset_in(&shop::Everything::triple)},
      {"counts", Kind::map, offset_in(&shop::Everything::counts)},
      {"sides", Kind::map, offset_in(&shop::Everything::sides)},
      {"side", Kind::enumeration, offset_in(&shop::Everything::side)},
      {"blob", Kind::bytes, offset_in(&shop::Everything::blob)},
  };
  for (std::size_t i = 0; i < table.fields.size(); ++i) {
    const Field& field = table.fields[i];
    EXPECT_EQ(field.name, expected[i].name);
    EXPECT_EQ(field.quoted, ",\"" + std::string(expected[i].name) + "\":");
    EXPECT_EQ(field.type->kind, expected[i].kind) << field.name;
    EXPECT_EQ(field.offset, expected[i].offset) << field.name;
    EXPECT_EQ(field.optional, field.name == "place");
    EXPECT_EQ(field.bit, std::uint64_t{1} << i);
  }
  EXPECT_EQ(table.optionals, table.fields[4].bit);
  EXPECT_EQ(table.required, 0x7ff & ~table.fields[4].bit);
  EXPECT_EQ(table.fields[6].type->count, 3);
}

TEST(TypeTable, TypesInsideFunctionsAndRecursiveOnesWork) {
  struct Local {
    int inside;
  };
  EXPECT_EQ(type_table<Local>().fields[0].name, "inside");
  const TypeTable& node = type_table<shop::Node>();
  EXPECT_EQ(node.fields[1].type->element, &node);
}

TEST(TypeTable, HasRoomForSixtyFourFieldsAndForNone) {
  EXPECT_EQ(type_table<shop::Most>().fields.size(), kMaxFields);
  EXPECT_EQ(type_table<shop::Most>().fields.back().name, "last");
  EXPECT_EQ(type_table<shop::Most>().fields.back().offset, offset_in(&shop::Most::last));
  EXPECT_TRUE(type_table<shop::None>().fields.empty());
}

TEST(TypeTable, LargeMembersAreNoBurdenToTheCompiler) {
  struct Large {
    std::uint8_t first;
    std::array<std::uint64_t, 1'000'000> numbers;
    std::uint8_t last;
  };
  EXPECT_EQ(type_table<Large>().fields[2].offset, 8 + 8'000'000);
}

TEST(TypeTable, DescribeListsPrivateMembersWithoutTheirUnderscore) {
  const TypeTable& table = type_table<shop::Account>();
  ASSERT_EQ(table.fields.size(), 2);
  EXPECT_EQ(table.fields[0].name, "id");
  EXPECT_EQ(table.fields[1].name, "owner");
  EXPECT_EQ(table.fields[1].offset, offset_in(shop::Account::owner()));
}

TEST(TypeTable, DescribeFunctionRenamesAndListsInheritedMembers) {
  const TypeTable& table = type_table<shop::Derived>();
  ASSERT_EQ(table.fields.size(), 2);
  EXPECT_EQ(table.fields[0].name, "base");
  EXPECT_EQ(table.fields[1].name, "qty");
  EXPECT_EQ(table.fields[1].offset, sizeof(shop::Base));
}

TEST(TypeTable, EnumeratorsAreFoundByNameOrDescribed) {
  const auto names = [](const TypeTable& table) {
    std::map<std::string_view, std::int64_t> result;
    for (const Enumerator& enumerator : table.enumerators) result[enumerator.name] = enumerator.value;
    return result;
  };
  using Names = std::map<std::string_view, std::int64_t>;
  EXPECT_EQ(names(type_table<shop::Side>()), (Names{{"buy", 0}, {"sell", 1}, {"hold", 7}}));
  EXPECT_EQ(names(type_table<shop::Color>()), (Names{{"red", 1}, {"green", 2}}));
  EXPECT_EQ(names(type_table<shop::Far>()), (Names{{"NEAR", 1000}, {"NEGATIVE", -5}}));
  EXPECT_EQ(type_table<shop::Side>().underlying, Kind::uint8);
  EXPECT_EQ(type_table<shop::Color>().underlying, Kind::int16);
}

}  // namespace
}  // namespace ruststream
