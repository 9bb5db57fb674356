#pragma once
#include "report/report.hpp"

#include <string>

namespace conformance {

/// The report as one JSON document; conformance/README.md shows its members.
[[nodiscard]] std::string json_report(const Report& report);

}  // namespace conformance
