#pragma once
#include <ruststream/export.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace ruststream {
inline namespace v0 {

/// What went wrong, in the contract's own numbers (`RST_E_*` of `<ruststream/abi/error.h>`). The set is open: a plugin
/// may send a number that is not named here; then the flags of the error say what to do.
enum class Code : std::int32_t {
  invalid = 1,
  option,
  unsupported,
  state,
  not_found,
  exists,
  precondition,
  unauthenticated,
  denied,
  unavailable,
  timeout,
  cancelled,
  backpressure,
  too_large,
  corrupt,
  no_route,
  exhausted,
  aborted,
  settled,
  stale,
  closed,
  internal,
};

/// The field's word for a code (`not_found`), or `unknown`. Static storage.
[[nodiscard]] RUSTSTREAM_EXPORT const char* to_string(Code code) noexcept;

/// Bits of Error::flags, the same as `RST_ERROR_*`.
enum ErrorFlag : std::uint32_t {
  kRetryable = 1,
  kFatal = 2,
  kUser = 4,
  kAbortTx = 8,
  kMaybeApplied = 16,
  kAuth = 32,
};

/// An error as a value. `text` is one or more sentences for a person: it names the thing and the remedy, and holds no
/// secret and no payload.
struct [[nodiscard]] Error {
  Code code = Code::internal;
  std::uint32_t flags = 0;
  std::string text;
  std::int64_t native = 0;                   ///< the broker's own code, 0 when there is none
  std::chrono::milliseconds retry_after{0};  ///< the broker's wish, 0 when there is none

  Error() = default;
  Error(Code c, std::string t, std::uint32_t f = 0) : code(c), flags(f), text(std::move(t)) {}

  [[nodiscard]] bool retryable() const noexcept { return (flags & kRetryable) != 0; }
  [[nodiscard]] bool maybe_applied() const noexcept { return (flags & kMaybeApplied) != 0; }
};

template <class T>
using Result = std::expected<T, Error>;

/// Shorthand for the error side of a Result.
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string text, std::uint32_t flags = 0) {
  return std::unexpected<Error>(Error(code, std::move(text), flags));
}

}  // namespace v0
}  // namespace ruststream
