#include "address.hpp"

#include <gtest/gtest.h>

namespace ruststream::memory {
namespace {

TEST(Address, MatchesTokensWildcardsAndTheRest) {
  struct Row {
    const char *pattern, *destination;
    bool expected;
  };
  for (const auto& [pattern, destination, expected] :
       {Row{"a.b", "a.b", true}, Row{"a.b", "a.c", false}, Row{"a.b", "a", false}, Row{"a", "a.b", false},
        Row{"*", "a", true}, Row{"*", "a.b", false}, Row{"a.*", "a.b", true}, Row{"a.*", "a", false},
        Row{"a.*.c", "a.b.c", true}, Row{"a.*.c", "a.b.d", false}, Row{"*.b", "a.b", true}, Row{">", "a", true},
        Row{">", "a.b.c", true}, Row{"a.>", "a.b.c", true}, Row{"a.>", "a", false}, Row{"a.>", "ab.c", false},
        Row{"*.>", "a.b", true}, Row{"*.>", "a", false}}) {
    EXPECT_EQ(matches(pattern, destination), expected) << pattern << " on " << destination;
  }
}

TEST(Address, NamesWhatIsWrong) {
  struct Row {
    std::string address;
    AddressFault as_pattern, as_destination;
  };
  using enum AddressFault;
  for (const auto& [address, as_pattern, as_destination] :
       {Row{"orders", kNone, kNone}, Row{"Bücher.ä", kNone, kNone}, Row{"a.b.c", kNone, kNone}, Row{"", kEmpty, kEmpty},
        Row{std::string(1025, 'a'), kTooLong, kTooLong}, Row{".a", kEmptyToken, kEmptyToken},
        Row{"a.", kEmptyToken, kEmptyToken}, Row{"a..b", kEmptyToken, kEmptyToken},
        Row{"a b", kBadCharacter, kBadCharacter}, Row{"a\n", kBadCharacter, kBadCharacter},
        Row{std::string("a\0b", 3), kBadCharacter, kBadCharacter}, Row{"a.b*", kPartWildcard, kPartWildcard},
        Row{"a.>b", kPartWildcard, kPartWildcard}, Row{"a.>.b", kRestNotLast, kWildcard}, Row{"a.*", kNone, kWildcard},
        Row{"a.>", kNone, kWildcard}}) {
    EXPECT_EQ(check_pattern(address), as_pattern) << address;
    EXPECT_EQ(check_destination(address), as_destination) << address;
  }
}

}  // namespace
}  // namespace ruststream::memory
