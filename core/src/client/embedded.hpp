#pragma once
#include <ruststream/abi.h>

#include <span>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// The plugins linked into the library; the build writes the list, so that nothing here names a broker.
[[nodiscard]] std::span<const rst_plugin* const> embedded_plugins() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
