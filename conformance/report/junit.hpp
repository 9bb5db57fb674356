#pragma once
#include "report/report.hpp"

#include <string>

namespace conformance {

/// The report as JUnit XML: one suite, a case for each run, crashes and hangs as errors.
[[nodiscard]] std::string junit_report(const Report& report);

}  // namespace conformance
