#pragma once
#include "runner/result.hpp"

#include <cstddef>
#include <string>

namespace conformance {

/// What a waiting reader sees on standard error: one line that moves on a terminal; where there is none, or CI is set,
/// a line for each case that did not pass and one for each tenth of the way.
class Progress {
 public:
  explicit Progress(std::size_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begun(std::string_view name);
  void done(const Result& result);

 private:
  void draw();

  std::size_t total_, done_ = 0, failed_ = 0;
  std::string latest_;
  bool moves_;
};

}  // namespace conformance
