#include "report/progress.hpp"

#include "cases/case.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace conformance {
namespace {

std::size_t width() {
  winsize size{};
  constexpr std::size_t kUsual = 80;
  return ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

bool has_terminal() {
  const char* const terminal = std::getenv("TERM");
  return ::isatty(2) == 1 && std::getenv("CI") == nullptr && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

}  // namespace

Progress::Progress(std::size_t total) : total_(total), moves_(has_terminal()) {}

Progress::~Progress() {
  if (moves_) std::fputs("\r\x1b[K", stderr);
}

void Progress::begun(std::string_view name) {
  latest_ = name;
  if (moves_) draw();
}

void Progress::done(const Result& result) {
  ++done_;
  if (result.failed()) ++failed_;
  if (moves_) return draw();
  if (result.failed() || result.judgement == Judgement::warn) {
    std::fprintf(stderr, "%-5s %s [%s]\n", std::string(name_of(result.judgement)).c_str(),
                 std::string(result.of->name).c_str(), result.kind.c_str());
  }
  if (done_ * 10 / total_ != (done_ - 1) * 10 / total_) {
    std::fprintf(stderr, "%zu of %zu cases, %zu failed\n", done_, total_, failed_);
  }
}

void Progress::draw() {
  std::string line = std::to_string(done_) + "/" + std::to_string(total_);
  if (failed_ != 0) line += "  " + std::to_string(failed_) + " failed";
  line += "  " + latest_;
  std::fprintf(stderr, "\r\x1b[K%s", line.substr(0, width() - 1).c_str());
}

}  // namespace conformance
