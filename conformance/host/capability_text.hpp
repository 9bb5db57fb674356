#pragma once
#include <ruststream/abi.h>

#include <string>

namespace conformance {

/// How far a kind has it: "native, up to 2 s, conditional"; empty when it has not.
[[nodiscard]] std::string capability_text(const rst_capability& of);

}  // namespace conformance
