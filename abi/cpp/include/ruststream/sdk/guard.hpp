#pragma once
// The boundary: nothing unwinds across it (rule L1).

#include <ruststream/sdk/text.hpp>

#include <exception>
#include <new>

namespace ruststream::sdk {

/// Runs a verb's body; a Failure becomes its code, any other exception INTERNAL.
template <typename Body>
std::int32_t guarded(rst_error* error, Body&& body) noexcept {
  try {
    return body(ErrorOut{error});
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

}  // namespace ruststream::sdk
