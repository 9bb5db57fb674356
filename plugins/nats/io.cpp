#include "io.hpp"

#include "link.hpp"

#include <optional>
#include <poll.h>
#include <vector>

namespace ruststream::nats {
namespace {

thread_local const Io* this_threads = nullptr;  // the Io whose thread this is

/// How long to sleep; nothing: for ever.
std::optional<timespec> until(Time due) {
  if (due == kNever) return std::nullopt;
  const auto left = std::clamp<nanoseconds>(due - Clock::now(), 0ns, 60s);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  return timespec{seconds.count(), (left - seconds).count()};
}

}  // namespace

Io::Io() : thread_("nats-io", [this](int descriptor) { wait(descriptor); }) {}

bool Io::is_this_thread() const noexcept { return this_threads == this; }

void Io::wake() noexcept {
  if (sleeps_.exchange(false)) thread_.queue().wake();
}

/// One round: writes what was asked for, sleeps until something is ready, serves it.
void Io::wait(int descriptor) {
  this_threads = this;
  sleeps_.store(true);  // from here on whoever wants to write wakes us
  std::vector<pollfd>& all = polled_;
  all.assign(1, {descriptor, POLLIN, 0});
  polled_links_.clear();
  Time due = timers.next();
  for (const auto& [id, link] : links) {
    all.push_back({link->descriptor(), link->wanted(), 0});
    polled_links_.push_back(id);
    due = std::min(due, link->next_write());
  }
  const auto timeout = until(due);
  (void)::ppoll(all.data(), all.size(), timeout ? &*timeout : nullptr, nullptr);
  sleeps_.store(false);
  for (std::size_t i = 0; i < polled_links_.size(); ++i) {
    if (const auto found = links.find(polled_links_[i]); found != links.end()) found->second->serve(all[i + 1].revents);
  }
  timers.run(Clock::now());
}

}  // namespace ruststream::nats
