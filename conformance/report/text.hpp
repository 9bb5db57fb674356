#pragma once
#include "report/report.hpp"

#include <cstdio>
#include <string>

namespace conformance {

/// The whole report for a terminal: every failure, warnings, the matrix, and one line that sums it up.
[[nodiscard]] std::string text_report(const Report& report);

}  // namespace conformance
