#pragma once
#include <ruststream/abi.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace conformance {

class Ledger;

struct Header {
  std::string name;
  std::optional<std::string> value;  // none: null
  std::uint8_t type = RST_HEADER_BYTES;
  bool operator==(const Header&) const = default;
};

/// A batch that the host has accepted. The last to let go of it calls `release`, on its own thread, after seeing that
/// the plugin has not touched what it lent (rules M1, M2).
class Batch {
 public:
  /// `closed`: whether its subscription is by now.
  Batch(rst_batch& raw, Ledger& ledger, std::shared_ptr<std::atomic<bool>> closed);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  [[nodiscard]] rst_batch& raw() const noexcept { return raw_; }
  /// It was refused: nothing of it is read or released any more.
  void stays_with_the_plugin() noexcept { refused_ = true; }

 private:
  rst_batch& raw_;
  Ledger& ledger_;
  std::shared_ptr<std::atomic<bool>> closed_;
  bool refused_ = false;
  std::vector<std::uint64_t> sums_;  // of each message's bytes as they were delivered
};

/// One delivery, copied. Holds its batch: letting go of all messages of one releases it.
struct Message {
  std::shared_ptr<Batch> batch;
  std::uint32_t index = 0;  // within it
  std::uint64_t token = 0;
  std::string payload;
  bool null_payload = false;
  std::optional<std::string> key;
  std::vector<Header> headers;
  std::string address, reply_to, correlation, message_id, content_type;
  std::uint32_t flags = 0, partition = 0, generation = 0;
  std::uint16_t attempt = 0;
  std::optional<std::int64_t> time_ns;  // where its batch has timestamps

  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// Copies of all messages of a batch, which hold `batch`. Reads all that the contract says is readable; what is
/// promised and is not is noted.
[[nodiscard]] std::vector<Message> copy(const std::shared_ptr<Batch>& batch, Ledger& ledger);

}  // namespace conformance
