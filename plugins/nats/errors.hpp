// cnats' statuses and the server's words as the contract's errors.
#pragma once

#include <ruststream/sdk.hpp>

#include <nats/nats.h>
#include <string_view>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;

template <typename... Pieces>
rst_error make_error(std::int32_t code, std::uint32_t flags, const Pieces&... pieces) noexcept {
  rst_error error{};
  sdk::fill_error(error, code, flags, pieces...);
  return error;
}

/// What a cnats status means: code and flags.
struct Meaning {
  std::int32_t code;
  std::uint32_t flags;
};
[[nodiscard]] Meaning meaning_of(natsStatus status) noexcept;

/// "WHAT: TEXT", with the status as the native code.
[[nodiscard]] rst_error error_of(natsStatus status, std::string_view what, std::string_view text) noexcept;

}  // namespace ruststream::nats
