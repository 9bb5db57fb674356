#include "lane.hpp"

#include <algorithm>

namespace ruststream::memory {
namespace {

// Heaps of the standard library have the greatest in front.
bool comes_later(const Returned& a, const Returned& b) noexcept {
  return a.priority != b.priority ? a.priority < b.priority : a.record->sequence > b.record->sequence;
}

}  // namespace

RecordQueue& Lane::queue_of(std::uint32_t priority) {
  if (priority == 0) return waiting;
  if (urgent_ == nullptr) urgent_ = std::make_unique<Urgent>();
  return (*urgent_)[priority - 1];
}

void Lane::add(Record& record, std::uint32_t priority) {
  queue_of(priority).push(&record);
  if (priority != 0) ++urgent_count_;
  ++record.holds;
}

void Lane::give_back(Record* record, std::uint32_t attempt, std::uint32_t priority) {
  returned.push_back({record, attempt, priority});
  std::push_heap(returned.begin(), returned.end(), comes_later);
}

Next Lane::take_returned() noexcept {
  std::pop_heap(returned.begin(), returned.end(), comes_later);
  const Returned next = returned.back();
  returned.pop_back();
  return {next.record, next.attempt, true};
}

Next Lane::take() noexcept {
  std::uint32_t highest = 0;
  if (urgent_count_ != 0) {
    highest = Record::kHighestPriority;
    while ((*urgent_)[highest - 1].empty()) --highest;
  }
  // What came back stands before what waits with the same priority.
  if (!returned.empty() && returned.front().priority >= highest) return take_returned();
  RecordQueue& queue = highest == 0 ? waiting : (*urgent_)[highest - 1];
  if (queue.empty()) return {nullptr, 0, false};
  Record* record = queue.front().front();
  queue.pop(1);
  if (highest != 0) --urgent_count_;
  return {record, 1, false};
}

std::uint64_t Lane::lowest(std::uint64_t otherwise) const noexcept {
  auto lowest = otherwise;
  const auto see = [&](const RecordQueue& queue) {
    if (!queue.empty()) lowest = std::min(lowest, queue.front().front()->sequence);
  };
  see(waiting);
  if (urgent_ != nullptr) std::for_each(urgent_->begin(), urgent_->end(), see);
  for (const auto& back : returned) lowest = std::min(lowest, back.record->sequence);
  return lowest;
}

}  // namespace ruststream::memory
