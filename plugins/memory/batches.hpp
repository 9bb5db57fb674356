// Batches lent to the host: one block of memory each, pooled by size.
#pragma once

#include <ruststream/abi.h>

#include <array>
#include <cstdint>

namespace ruststream::memory {

class Broker;
struct Record;

/// The head that the host sees, and behind it in the same block the messages, their records and their times.
struct Batch {
  rst_batch head;
  Broker* broker;
  Batch* next_spare;
  Record** records;
  std::int64_t* timestamps;
  rst_message* messages;
  std::uint32_t size_class;  // room for 2^size_class messages
  std::uint32_t reserved;

  [[nodiscard]] static Batch& of(rst_batch* head) noexcept { return *static_cast<Batch*>(head->plugin); }
};

/// Not synchronised: the broker's lock guards it.
class Batches {
 public:
  static constexpr std::uint32_t kMaxMessages = 1024;  // in one batch
  static constexpr std::uint32_t kMaxSpare = 64;       // of each size that are kept for reuse; more are freed

  explicit Batches(Broker& broker) noexcept : broker_(broker) {}
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  ~Batches();

  /// Room for 1 <= count <= kMaxMessages. The head is ready but for count, bytes, subscription, ops and generation.
  /// Throws std::bad_alloc.
  [[nodiscard]] Batch& take(std::uint32_t count);
  void give_back(Batch& batch) noexcept;

 private:
  static constexpr std::size_t kClasses = 11;  // 1 ... 1024
  struct Spares {
    Batch* first = nullptr;
    std::uint32_t count = 0;
  };

  [[nodiscard]] Batch& make(std::uint32_t size_class) const;

  Broker& broker_;
  std::array<Spares, kClasses> spares_{};
};

}  // namespace ruststream::memory
