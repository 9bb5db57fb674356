#include "in_flight.hpp"

#include <ruststream/abi.h>

#include <algorithm>
#include <bit>

namespace ruststream::memory {

std::int32_t InFlight::why_not(std::uint64_t token) const noexcept {
  if (token == 0) return RST_E_INVALID;
  if (token < stale_before_ || token >= next_token_) return RST_E_STALE;
  const auto has = [&](const Run& run) { return run.first <= token && token <= run.last; };
  return std::any_of(stale_.begin(), stale_.end(), has) ? RST_E_STALE : RST_E_SETTLED;
}

void InFlight::note_stale(std::uint64_t token) {
  if (!stale_.empty() && stale_[stale_newest_].last + 1 == token) {
    ++stale_[stale_newest_].last;
    return;
  }
  stale_newest_ = stale_.empty() ? 0 : (stale_newest_ + 1) % kMaxStale;
  if (stale_newest_ == stale_.size()) {
    stale_.push_back({token, token});
  } else {
    stale_[stale_newest_] = {token, token};
  }
}

void InFlight::grow(std::uint32_t needed) {
  std::vector<Slot> larger(std::bit_ceil(std::max<std::size_t>(64, std::size_t{needed} * 2)));
  const auto mask = larger.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.record != nullptr) larger[slot.token & mask] = slot;
  }
  slots_ = std::move(larger);
  mask_ = mask;
}

}  // namespace ruststream::memory
