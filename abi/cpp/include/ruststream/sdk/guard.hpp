#pragma once
// The boundary: nothing unwinds across it (rule L1).

#include <ruststream/sdk/text.hpp>

#include <exception>
#include <new>

namespace ruststream::sdk {

namespace detail {

/// Inside a catch block: the exception as a code.
[[gnu::cold, gnu::noinline]] inline std::int32_t caught(rst_error* error) noexcept {
  try {
    throw;
  } catch (const Failure& failure) {
    return ErrorOut{error}.copy(failure.error);
  } catch (const std::bad_alloc&) {
    return ErrorOut{error}(RST_E_EXHAUSTED, "out of memory");
  } catch (const std::exception& exception) {
    return ErrorOut{error}(RST_E_INTERNAL, "the plugin threw: ", exception.what());
  } catch (...) {
    return ErrorOut{error}(RST_E_INTERNAL, "the plugin threw something that is no std::exception");
  }
}

}  // namespace detail

/// Runs a verb's body; a Failure becomes its code, any other exception INTERNAL. Inlined: it stands in front of every
/// verb.
template <typename Body>
[[gnu::always_inline]] inline std::int32_t guarded(rst_error* error, Body&& body) noexcept {
  try {
    return body(ErrorOut{error});
  } catch (...) {
    return detail::caught(error);
  }
}

}  // namespace ruststream::sdk
