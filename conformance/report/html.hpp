#pragma once
#include "report/report.hpp"

#include <string>

namespace conformance {

/// The report as one page that needs nothing else: no script, no font, no picture from elsewhere. For a phone, for
/// paper, light and dark.
[[nodiscard]] std::string html_report(const Report& report);

}  // namespace conformance
