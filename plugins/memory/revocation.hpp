// Partitions that a member is about to lose: it may still settle what it has of them (rule G1).
#pragma once

#include "alarms.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace ruststream::memory {

struct Group;
struct Subscription;

/// Guarded by the broker's lock. Ends with the host's answer, at its deadline, or with the member.
struct Revocation : Alarm {
  Revocation(std::uint64_t answer, Group& of, Subscription& from, std::vector<std::uint32_t> revoked)
      : Alarm(Kind::kRevocation), id(answer), group(of), member(from), partitions(std::move(revoked)) {}

  const std::uint64_t id;
  Group& group;
  Subscription& member;
  const std::vector<std::uint32_t> partitions;  // ascending
};

}  // namespace ruststream::memory
