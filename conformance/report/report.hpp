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
  bool found_testkit = false;  // beside the plugin: a replay finds it too
  bool strict = false;
  std::vector<Result> results;  // in the order of the plan
  std::chrono::milliseconds took{0};

  [[nodiscard]] std::size_t count(Judgement judgement) const noexcept;
  [[nodiscard]] bool failed() const noexcept;
};

inline constexpr std::array kJudgements{Judgement::pass, Judgement::fail, Judgement::crash,
                                        Judgement::hang, Judgement::warn, Judgement::skip};

/// The command that runs exactly this again. Passwords in it are shown as ***.
[[nodiscard]] std::string replay(const Report& report, const Result& result);
/// A figure with its unit: 1.25 us, 812,000 messages/s.
[[nodiscard]] std::string shown(const Measure& measure);
/// An URL without its password.
[[nodiscard]] std::string without_password(const std::string& url);
/// Text that any reader takes: UTF-8 without control characters but tab and newline; other bytes become `?`.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace conformance
