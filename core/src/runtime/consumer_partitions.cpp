// Partitions that are revoked or lost: what waits is given back, what runs is waited for, the rest goes on.
#include "runtime/deferred.hpp"

#include <algorithm>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

/// Whether the message is of one of the partitions, from before it went (rule G2).
bool is_of(const std::vector<rst_partition>& partitions, const MessageRef& ref) noexcept {
  return std::ranges::any_of(partitions, [&](const rst_partition& partition) {
    return partition.partition == ref.message->partition && ref.batch->generation < partition.generation;
  });
}

}  // namespace

/// Takes all that was delivered, so that nothing of what goes starts or waits behind handlers that take their time. The
/// window bounds how much that is.
void Consumer::look_ahead() {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(std::exchange(held_at_, 0)));
  do {
    for (; batch_ != nullptr && index_ != batch_->count; ++index_) {
      held_.push_back({batch_, &message_at(*batch_, index_)});
    }
    batch_ = nullptr;
  } while (pull());
}

bool Consumer::gone(const MessageRef& ref) const noexcept { return is_of(gone_, ref); }

/// Nothing of them is started from here on, and what waits for a lane, a batch or its turn goes back (rule H6).
void Consumer::let_partitions_go(const std::vector<rst_partition>& partitions) {
  for (const rst_partition& partition : partitions) {
    newest_gone_ = std::max(newest_gone_, partition.generation);
    const auto known = std::ranges::find(gone_, partition.partition, &rst_partition::partition);
    if (known == gone_.end()) {
      gone_.push_back(partition);
    } else {
      known->generation = std::max(known->generation, partition.generation);
    }
  }
  const auto give_back = [this](const MessageRef& ref) {
    const bool goes = gone(ref);
    if (goes) put_back(ref);
    return goes;
  };
  std::erase_if(gathered_, give_back);
  if (batches_ && gathered_.empty()) {  // the next batch has its own time
    batch_timer_->stop();
    gathered_due_ = false;
  }
  lanes_.remove_if(give_back);
  retry_now(false);
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(std::exchange(held_at_, 0)));
  std::erase_if(held_, give_back);
}

/// Counted only while a revoke waits, so that a message costs nothing for it.
std::size_t Consumer::running_of(const std::vector<rst_partition>& partitions) const noexcept {
  std::size_t count = 0;
  const auto look = [&](const MessageRef& ref) { count += is_of(partitions, ref) ? 1 : 0; };
  for (const RunningCall* call = suspended_; call != nullptr; call = call->after) {
    if (call->invocation.is_batch()) {
      std::ranges::for_each(call->invocation.messages(), look);
    } else {
      look(call->invocation.message());
    }
  }
  for (const Deferred* call = deferred_; call != nullptr; call = call->after) {
    for (const auto& [ref, outcome] : call->verdicts) look(ref);
  }
  return count;
}

void Consumer::give_up() noexcept {
  flush();
  for (const auto& event : std::exchange(revoking_, {})) {
    if (event->answer != 0) subscription_.answer(event->answer, RST_OK);
  }
}

/// Those whose messages are all settled, or whose time is up.
void Consumer::answer_revokes() {
  constexpr auto kNever = std::chrono::steady_clock::time_point::max();
  auto next = kNever;
  std::erase_if(revoking_, [&](const std::unique_ptr<EventNode>& event) {
    const std::size_t busy = running_of(event->partitions);
    if (busy != 0 && loop_.now() < event->answer_by) {
      next = std::min(next, event->answer_by);
      return false;
    }
    if (busy != 0) {
      log(log::Level::warn, RST_E_TIMEOUT,
          "partitions are given up with " + std::to_string(busy) +
              " messages of theirs still being handled, which the broker will redeliver: the revoke waits no longer");
    }
    flush();  // a verdict behind the answer would come too late
    if (event->answer != 0) subscription_.answer(event->answer, RST_OK);
    return true;
  });
  if (next == kNever) return;
  if (!revoke_timer_) {
    revoke_timer_.emplace(loop_, [](void* self) noexcept { static_cast<Consumer*>(self)->turn(); }, this);
  }
  revoke_timer_->start(next - loop_.now());
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
