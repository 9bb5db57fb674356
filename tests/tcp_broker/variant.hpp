#pragma once
// Which variant of the plugin this is: it breaks one rule, or none. The number is written into a copy of the file by
// faults.py, which finds it by its mark.

#include "defects.hpp"

namespace tcp {

struct Variant {
  char mark[16];
  int number;
};
extern const volatile Variant kVariant;

[[nodiscard]] inline bool is(Defect defect) noexcept { return kVariant.number == defect; }

}  // namespace tcp
