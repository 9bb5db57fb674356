// A transaction: what becomes effective together at commit, or not at all (rule X1).
#pragma once

#include "alarms.hpp"

#include <cstdint>
#include <vector>

namespace ruststream::memory {

struct Publisher;
struct Record;
struct Subscription;

/// Guarded by the broker's lock; ends with its publisher at the latest.
struct Transaction : Alarm {
  enum class End : std::uint8_t { kFinish, kReject, kRelease, kRetry };

  /// Published, shown to nobody, counted in its topic.
  struct Held {
    Record* record;
    std::uint64_t delay_ns;
  };
  /// Settled: the hold on the record is the transaction's.
  struct Enlisted {
    Subscription* subscription;
    Record* record;
    std::uint64_t token;
    std::uint64_t delay_ns;  // of a retry
    std::uint32_t attempt;
    End end;
    bool moved;  // its dead letter is among the publishes
  };

  Transaction(std::uint64_t tx, Publisher& owner, Subscription* settled) noexcept
      : Alarm(Kind::kTransaction), id(tx), publisher(owner), only(settled) {}

  const std::uint64_t id;
  Publisher& publisher;
  Subscription* only;              // whose settlements it takes; nullptr: of the whole connection
  const char* ended_by = nullptr;  // static: why the broker has aborted it: it waits for the host's abort
  std::vector<Held> publishes;
  std::vector<Enlisted> settlements;
};

}  // namespace ruststream::memory
