#pragma once
#include "runner/errand.hpp"

namespace conformance {

/// Runs one case, or describes the plugin, in this process, and ends it.
[[noreturn]] void run_child(const Errand& errand);

}  // namespace conformance
