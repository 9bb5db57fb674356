#pragma once
#include "cases/case.hpp"
#include "runner/result.hpp"
#include "runner/warden.hpp"

#include <string>

namespace conformance {

/// What the end of a case's process says of the plugin.
[[nodiscard]] Result judge(const Case& of, const Errand& errand, const Ended& ended);
/// "was killed by SIGSEGV", "ended with exit code 3": of a process that should have done neither.
[[nodiscard]] std::string end_of(const Ended& ended);
/// The document of a report's line with this key, as text; empty when there is none.
[[nodiscard]] std::string report_line(const Ended& ended, std::string_view key);

}  // namespace conformance
