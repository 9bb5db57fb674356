#include "runner/sandbox.hpp"

#include "runner/process.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <list>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace conformance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kGrace{20};  // beyond a case's own limit: for its backtrace and the end of its processes
constexpr std::size_t kSaidLimit = 4 << 20U;

struct Warden {
  std::size_t index;
  pid_t process;
  Descriptor said_by;
  std::string said;
  Clock::time_point deadline;
};

Warden start(const Errand& errand, std::size_t index) {
  Pipe pipe;
  const pid_t process = spawn({.arguments = {"--warden", errand.to_json()},
                               .environment = own_environment(),
                               .output = pipe.write.get(),
                               .on_parent_death = SIGTERM});
  return {index, process, std::move(pipe.read), {}, Clock::now() + errand.timeout + kGrace};
}

/// Whether it has said all that it will.
bool listen(Warden& warden) {
  if (Clock::now() < warden.deadline) return !drain(warden.said_by.get(), warden.said, kSaidLimit);
  ::kill(warden.process, SIGTERM);
  return true;
}

}  // namespace

Sandbox::Sandbox(unsigned jobs) : jobs_(std::max(1U, jobs)) { become_subreaper(); }

Sandbox::~Sandbox() { end_descendants(); }

void Sandbox::run(std::span<const Errand> errands, const std::function<void(std::size_t, Ended)>& done,
                  const std::function<void(std::size_t)>& begun) {
  std::list<Warden> running;
  std::size_t next = 0;
  while (next < errands.size() || !running.empty()) {
    for (; next < errands.size() && running.size() < jobs_; ++next) {
      if (begun) begun(next);
      running.push_back(start(errands[next], next));
    }
    std::vector<pollfd> wait;
    for (const Warden& each : running) wait.push_back({each.said_by.get(), POLLIN, 0});
    (void)::poll(wait.data(), wait.size(), 1000);
    for (auto each = running.begin(); each != running.end();) {
      if (!listen(*each)) {
        ++each;
        continue;
      }
      ::waitpid(each->process, nullptr, 0);
      done(each->index, Ended::from_json(each->said));
      each = running.erase(each);
    }
    while (running.empty() && ::waitpid(-1, nullptr, WNOHANG) > 0) {
    }  // orphans of a warden that was lost
  }
}

Ended Sandbox::run(const Errand& errand) {
  Ended only;
  run(std::span(&errand, 1), [&](std::size_t, Ended ended) { only = std::move(ended); });
  return only;
}

}  // namespace conformance
