// Letting go of many records in a row: their counts are kept at hand and written once per topic and slab.
#pragma once

#include "broker.hpp"

namespace ruststream::memory {

/// Frees records that are neither stored nor shown to the host any more. Under the broker's lock; finish() at the end.
class Dropping {
 public:
  explicit Dropping(Broker& broker) noexcept : broker_(broker) {}

  void drop(Record& record) noexcept {
    auto* const slab = Slabs::slab_of(&record, record.slab_offset);
    if (record.topic != topic_ || slab != slab_) [[unlikely]] {
      finish();
      topic_ = record.topic;
      slab_ = slab;
    }
    ++count_;
  }

  void finish() noexcept {
    if (slab_ == nullptr) return;
    broker_.slabs_.release(slab_, count_);
    topic_->records -= count_;
    if (topic_->records == 0 && topic_->deleted && topic_->pins == 0) [[unlikely]]
      delete topic_;
    count_ = 0;
    topic_ = nullptr;
    slab_ = nullptr;
  }

 private:
  Broker& broker_;
  Topic* topic_ = nullptr;
  Slabs::Slab* slab_ = nullptr;
  std::uint32_t count_ = 0;
};

/// Takes holds off records. Under the broker's lock; finish() at the end.
class Settling {
 public:
  Settling(Broker& broker, Turn& turn) noexcept : turn_(turn), dropping_(broker) {}

  void let_go(Record& record) noexcept {
    if (--record.holds > 0) return;
    if (record.topic != topic_) [[unlikely]] {
      count_out();
      topic_ = record.topic;
    }
    ++count_;
    bytes_ += record.bytes;
    if (record.pins == 0) dropping_.drop(record);
  }

  void finish() noexcept {
    count_out();
    dropping_.finish();
  }

 private:
  void count_out() noexcept {
    if (topic_ == nullptr) return;
    topic_->stored -= count_;
    topic_->stored_bytes -= bytes_;
    if (!topic_->refused.empty()) [[unlikely]]
      Broker::tell_writable(turn_, *topic_);
    topic_ = nullptr;
    count_ = 0;
    bytes_ = 0;
  }

  Turn& turn_;
  Dropping dropping_;
  Topic* topic_ = nullptr;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace ruststream::memory
