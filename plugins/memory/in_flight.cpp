#include "in_flight.hpp"

#include <ruststream/abi.h>

#include <algorithm>
#include <bit>

namespace ruststream::memory {

std::int32_t InFlight::why_not(std::uint64_t token) const noexcept {
  if (token == 0) return RST_E_INVALID;
  if (token < stale_before_ || token >= next_token_) return RST_E_STALE;
  return std::find(expired_.begin(), expired_.end(), token) != expired_.end() ? RST_E_STALE : RST_E_SETTLED;
}

void InFlight::expire(Slot& slot) {
  if (expired_.size() < kMaxExpired) {
    expired_.push_back(slot.token);
  } else {
    expired_[expired_next_++ % kMaxExpired] = slot.token;
  }
  remove(slot);
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
