#include "error/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace ruststream::detail {
namespace {

constexpr std::array<std::string_view, 5> kNames{"kind", "workers", "max_attempts", "dead_letter", "tls.ca"};

TEST(Nearest, FindsTheNameThatWasMeant) {
  const struct {
    const char* written;
    const char* meant;
  } cases[] = {
      {"wrokers", "workers"},        {"worker", "workers"}, {"Workers", "workers"}, {"max_attempt", "max_attempts"},
      {"deadletter", "dead_letter"}, {"tls.cA", "tls.ca"},  {"knd", "kind"},        {"kind", "kind"},
  };
  for (const auto& c : cases) EXPECT_EQ(nearest(c.written, kNames), c.meant) << c.written;
}

TEST(Nearest, SaysNothingRatherThanSomethingFar) {
  for (const std::string written : {std::string("prefetch"), std::string(""), std::string("x"), std::string(4096, 'k')})
    EXPECT_EQ(nearest(written, kNames), "") << written.substr(0, 20);
  EXPECT_EQ(nearest("kind", {}), "");
}

TEST(Nearest, EndsAnErrorMessage) {
  EXPECT_EQ(did_you_mean("wrokers", kNames), "; did you mean 'workers'?");
  EXPECT_EQ(did_you_mean("prefetch", kNames), "");
}

}  // namespace
}  // namespace ruststream::detail
