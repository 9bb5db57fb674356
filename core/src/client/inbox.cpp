#include "client/inbox.hpp"

#include "client/op.hpp"

#include <algorithm>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::chrono::nanoseconds kLongestAnswer = std::chrono::hours(1);  // a plugin that waits longer waits less

}  // namespace

EventNode::EventNode(const rst_event& source, std::chrono::steady_clock::time_point now) : answer(source.answer) {
  partitions.assign(source.partitions, source.partitions + source.partition_count);
  for (rst_partition& partition : partitions) partition.name = {};
  if (answer != 0 && source.deadline_ns != 0) {
    // A tenth of the time is for the way there and back: an answer behind the deadline is worth nothing.
    const auto longest = static_cast<std::uint64_t>(kLongestAnswer.count());
    const std::uint64_t wait = std::min(source.deadline_ns, longest);
    answer_by = now + std::chrono::nanoseconds(wait - wait / 10);
  }
  event.kind = source.kind;
  event.value = source.value;
  event.text.assign(source.text.ptr, source.text.len);
  if (source.error != nullptr) event.error = to_error(-source.error->code, *source.error);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
