#include "host/message.hpp"

#include "host/doing.hpp"
#include "host/ledger.hpp"
#include "host/text.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

// Of AddressSanitizer, where the runner and the plugin are built with it: null, or the first byte that may not be read.
// NOLINTNEXTLINE(readability-identifier-naming): the name is AddressSanitizer's
extern "C" [[gnu::weak]] void* __asan_region_is_poisoned(void* begin, std::size_t size);

namespace conformance {
namespace {

std::string bytes(const void* from, std::size_t size) {
  return from == nullptr ? std::string() : std::string(static_cast<const char*>(from), size);
}

constexpr std::size_t kPadding = 64;  // that PADDED promises

/// Asks the system instead of reading, so that a promise that does not hold costs no crash.
bool readable(const void* from, std::size_t size) {
  auto* const at = const_cast<void*>(from);
  if (__asan_region_is_poisoned != nullptr && __asan_region_is_poisoned(at, size) != nullptr) return false;
  std::array<char, kPadding> into{};
  const iovec local{into.data(), size};
  const iovec remote{at, size};
  return ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0) >= 0 || errno != EFAULT;
}

/// FNV-1a over everything that a message shows.
std::uint64_t sum(const rst_message& message) {
  std::uint64_t state = 0xCBF2'9CE4'8422'2325ULL;
  const auto mix = [&state](const void* from, std::size_t size) {
    const auto* at = static_cast<const unsigned char*>(from);
    for (std::size_t i = 0; from != nullptr && i < size; ++i) state = (state ^ at[i]) * 0x0000'0100'0000'01B3ULL;
  };
  mix(&message, sizeof message);
  mix(message.payload, message.payload_len);
  mix(message.key, message.key_len);
  for (std::uint32_t i = 0; i < message.header_count; ++i) {
    mix(message.headers[i].name, message.headers[i].name_len);
    mix(message.headers[i].value, message.headers[i].value_len);
  }
  if (message.meta != nullptr) mix(message.meta->address, message.meta->address_len);
  return state;
}

}  // namespace

Batch::Batch(rst_batch& raw, Ledger& ledger, std::shared_ptr<std::atomic<bool>> closed)
    : raw_(raw), ledger_(ledger), closed_(std::move(closed)) {
  for (std::uint32_t i = 0; i < raw.count; ++i) sums_.push_back(sum(at_stride(raw.messages, raw.stride, i)));
}

Batch::~Batch() {
  if (refused_) return;
  for (std::uint32_t i = 0; i < sums_.size(); ++i) {
    const rst_message& message = at_stride(raw_.messages, raw_.stride, i);
    if (sum(message) == sums_[i]) continue;
    ledger_.note("M2", "a delivered message stays as it is until the batch is released",
                 "message " + std::to_string(i) + " of the batch has changed; its payload is now " +
                     quoted(bytes(message.payload, message.payload_len)));
    break;
  }
  const Doing doing(*closed_ ? "release after close" : "release");
  raw_.ops->release(&raw_);
}

std::optional<std::string> Message::header(std::string_view name) const {
  for (const Header& each : headers) {
    if (each.name == name) return each.value;
  }
  return std::nullopt;
}

std::vector<Message> copy(const std::shared_ptr<Batch>& batch, Ledger& ledger) {
  const rst_batch& raw = batch->raw();
  std::vector<Message> all;
  all.reserve(raw.count);
  for (std::uint32_t i = 0; i < raw.count; ++i) {
    const rst_message& from = at_stride(raw.messages, raw.stride, i);
    Message& to = all.emplace_back();
    to.batch = batch;
    to.index = i;
    to.token = from.token;
    to.payload = bytes(from.payload, from.payload_len);
    to.null_payload = (from.flags & RST_MESSAGE_NULL_PAYLOAD) != 0;
    if (from.key != nullptr) to.key = bytes(from.key, from.key_len);
    for (std::uint32_t h = 0; h < from.header_count; ++h) {
      const rst_header& header = from.headers[h];
      to.headers.push_back({bytes(header.name, header.name_len), std::nullopt, header.type});
      if (header.value != nullptr) to.headers.back().value = bytes(header.value, header.value_len);
    }
    if (const rst_message_meta* meta = from.meta; meta != nullptr) {
      to.address = bytes(meta->address, meta->address_len);
      to.reply_to = bytes(meta->reply_to, meta->reply_to_len);
      to.correlation = bytes(meta->correlation, meta->correlation_len);
      to.message_id = bytes(meta->message_id, meta->message_id_len);
      to.content_type = bytes(meta->content_type, meta->content_type_len);
    }
    to.flags = from.flags;
    to.partition = from.partition;
    to.generation = raw.generation;
    to.attempt = from.attempt;
    if (raw.timestamps != nullptr) to.time_ns = raw.timestamps[i];
    if ((from.flags & RST_MESSAGE_PADDED) != 0 && !readable(from.payload + from.payload_len, kPadding)) {
      ledger.note("M5", "64 bytes behind the payload of a PADDED message are readable",
                  "they are not, behind " + quoted(to.payload));
    }
  }
  return all;
}

}  // namespace conformance
