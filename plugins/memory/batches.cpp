#include "batches.hpp"

#include <new>

namespace ruststream::memory {
namespace {

constexpr std::align_val_t kLine{64};  // so that each message is one cache line

static_assert(sizeof(Batch) <= 192);
constexpr std::size_t kHeadBytes = 192;

}  // namespace

Batches::~Batches() {
  for (auto& spares : spares_) {
    while (spares.first != nullptr) {
      Batch* next = spares.first->next_spare;
      ::operator delete(spares.first, kLine);
      spares.first = next;
    }
  }
}

Batch& Batches::make(std::uint32_t size_class) const {
  const std::size_t room = std::size_t{1} << size_class;
  auto* block = static_cast<std::byte*>(
      ::operator new(kHeadBytes + room * (sizeof(rst_message) + sizeof(Record*) + sizeof(std::int64_t)), kLine));
  auto* batch = new (block) Batch{};
  batch->broker = &broker_;
  batch->messages = reinterpret_cast<rst_message*>(block + kHeadBytes);
  batch->records = reinterpret_cast<Record**>(batch->messages + room);
  batch->timestamps = reinterpret_cast<std::int64_t*>(batch->records + room);
  batch->size_class = size_class;
  batch->head.struct_size = sizeof(rst_batch);
  batch->head.stride = sizeof(rst_message);
  batch->head.messages = batch->messages;
  batch->head.timestamps = batch->timestamps;
  batch->head.plugin = batch;
  return *batch;
}

void Batches::destroy(Batch& batch) noexcept { ::operator delete(&batch, kLine); }

}  // namespace ruststream::memory
