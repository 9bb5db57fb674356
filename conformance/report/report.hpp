#pragma once
#include "runner/about.hpp"
#include "runner/errand.hpp"
#include "runner/result.hpp"

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace conformance {

/// All that the renderings show.
struct Report {
  About about;
  Errand errand;
  bool strict = false;
  std::vector<Result> results;  // in the order of the plan
  std::chrono::milliseconds took{0};

  [[nodiscard]] std::size_t count(Judgement judgement) const noexcept;
  [[nodiscard]] bool failed() const noexcept;
};

/// The command that runs exactly this again. Passwords in it are shown as ***.
[[nodiscard]] std::string replay(const Report& report, const Result& result);
/// An URL without its password.
[[nodiscard]] std::string without_password(const std::string& url);

}  // namespace conformance
