#include "schedule.hpp"

#include <algorithm>

namespace ruststream::memory {

void Schedule::add(std::int64_t at_ns, Record& record) {
  heap_.push_back({at_ns, ++last_number_, &record});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

Record* Schedule::take_due(std::int64_t now_ns) noexcept {
  if (next_due() > now_ns || heap_.empty()) return nullptr;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Record* record = heap_.back().record;
  heap_.pop_back();
  return record;
}

void Schedule::restore() noexcept { std::make_heap(heap_.begin(), heap_.end(), later); }

}  // namespace ruststream::memory
