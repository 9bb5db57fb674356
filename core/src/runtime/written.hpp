#pragma once
#include "runtime/declarations.hpp"
#include "settings/settings.hpp"

#include <deque>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// The settings with those that registrations say in code, as if everybody had written them in one place: of several
/// spellings of one setting only the winner is left. For people to read; the plan is made of declarations and settings.
[[nodiscard]] settings::Settings as_written(const std::deque<BrokerDeclaration>& brokers,
                                            const settings::Settings& settings);

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
