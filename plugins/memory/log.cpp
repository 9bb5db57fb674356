#include "log.hpp"

#include "record.hpp"

#include <algorithm>

namespace ruststream::memory {

void Log::grow() {
  std::vector<Record*> larger(std::max<std::size_t>(64, ring_.size() * 2));
  for (auto offset = begin_; offset != end_; ++offset) larger[offset & (larger.size() - 1)] = at(offset);
  ring_ = std::move(larger);
}

std::uint64_t Log::offset_at(std::int64_t time_ns) const noexcept {
  // Times never fall within a log: the topic sees to it when it appends.
  auto low = begin_;
  for (auto count = size(); count > 0;) {
    const auto half = count / 2;
    if (at(low + half)->timestamp_ns < time_ns) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

}  // namespace ruststream::memory
