// Batches lent to the host: one block of memory each, pooled by size.
#pragma once

#include <ruststream/abi.h>

#include <array>
#include <bit>
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
  static constexpr std::uint32_t kMaxSpare = 256;      // of each size that are kept for reuse; more are freed

  explicit Batches(Broker& broker) noexcept : broker_(broker) {}
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  ~Batches();

  [[nodiscard]] bool has_spare(std::uint32_t count) const noexcept {
    return spares_[static_cast<std::size_t>(std::bit_width(count - 1))].first != nullptr;
  }
  /// Room for 1 <= count <= kMaxMessages. The head is ready but for count, bytes, subscription, ops and generation.
  /// Throws std::bad_alloc.
  [[nodiscard]] Batch& take(std::uint32_t count) {
    const auto size_class = static_cast<std::uint32_t>(std::bit_width(count - 1));
    auto& spares = spares_[size_class];
    if (spares.first == nullptr) [[unlikely]]
      return make(size_class);
    Batch& batch = *spares.first;
    spares.first = batch.next_spare;
    --spares.count;
    batch.head.host[0] = batch.head.host[1] = 0;
    return batch;
  }
  void give_back(Batch& batch) noexcept {
    auto& spares = spares_[batch.size_class];
    if (spares.count == kMaxSpare) [[unlikely]]
      return destroy(batch);
    batch.next_spare = spares.first;
    spares.first = &batch;
    ++spares.count;
  }

 private:
  static constexpr std::size_t kClasses = 11;  // 1 ... 1024
  struct Spares {
    Batch* first = nullptr;
    std::uint32_t count = 0;
  };

  [[nodiscard]] Batch& make(std::uint32_t size_class) const;
  static void destroy(Batch& batch) noexcept;

  Broker& broker_;
  std::array<Spares, kClasses> spares_{};
};

}  // namespace ruststream::memory
