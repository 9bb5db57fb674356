// Kinds `jetstream` and `ordered`: what they can do and their options. A kind is declared when it is finished.
#pragma once

#include <ruststream/sdk.hpp>

#include <array>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;

inline constexpr std::array<sdk::Option, 0> kJetStreamOptions{};
inline constexpr std::array<rst_kind, 0> kJetStreamKinds{};  // from index 1 on

}  // namespace ruststream::nats
