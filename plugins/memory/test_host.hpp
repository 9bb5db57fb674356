// A host for tests: copies what is delivered, and says the verbs in short. Every test runs on the table of the
// dlopened memory.so and on the embedded one.
#pragma once

#include "recording_host.hpp"

#include <functional>
#include <optional>
#include <variant>

namespace ruststream::memory::test {

using ruststream::test::Completion;
using ruststream::test::Event;
using ruststream::test::str;

struct Header {
  std::string name;
  std::optional<std::string> value;  // none: null
  std::uint8_t type = RST_HEADER_BYTES;
  bool operator==(const Header&) const = default;
};

/// A delivery, copied.
struct Message {
  std::uint64_t subscription = 0, token = 0;
  std::string payload;
  std::optional<std::string> key;
  std::vector<Header> headers;
  std::string address, reply_to, correlation, message_id, content_type;
  std::uint32_t flags = 0, partition = 0, generation = 0, batch_size = 0;
  std::uint16_t attempt = 0;
  std::int64_t timestamp_ns = 0;
  rst_position position{};  // kind NONE where there is none

  [[nodiscard]] std::string header(std::string_view name) const;
};

class Host final : public ruststream::test::RecordingHost {
 public:
  /// Deliveries of one subscription since the last call.
  std::vector<Message> take(std::uint64_t subscription_id) {
    const std::lock_guard lock(mutex_);
    return std::exchange(taken_[subscription_id], {});
  }
  /// Waits until so many deliveries of a subscription are there, then takes them.
  std::vector<Message> await_messages(std::uint64_t subscription_id, std::size_t count);

  /// Called instead of recording; gives what deliver returns. Set before anything is delivered.
  std::function<std::int32_t(rst_batch*)> on_deliver;
  /// Batches are kept, for the test to release.
  bool keep_batches = false;
  std::vector<rst_batch*> batches;

 private:
  std::int32_t deliver(rst_batch* batch) override;

  std::map<std::uint64_t, std::vector<Message>> taken_;
};

/// Copies every message of a batch. The batch may be a reply.
std::vector<Message> copy(rst_batch* batch);

struct Out {
  std::string payload;
  std::optional<std::string> key = {};
  std::vector<Header> headers = {};
  std::string destination = {};
  std::uint16_t flags = 0;
  std::optional<rst_out_props> props = {};
};

using OptionList = std::vector<std::pair<std::string, std::variant<std::uint64_t, std::string>>>;

/// One instance and the verbs in short. Results are those of the verbs; `error` is the last error told.
class Client {
 public:
  explicit Client(const rst_plugin& table);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();  // closes what connect opened, and ends the instance

  std::uint64_t connect(std::string_view url = "memory:", const OptionList& options = {});
  std::int32_t try_connect(std::string_view url, const OptionList& options);

  struct Subscribe {
    std::vector<std::string> addresses;
    std::string group = {};
    std::uint32_t kind = 0;
    std::uint32_t credit = 1000;
    std::uint32_t max_batch = 64;
    std::uint32_t window = 0;
    std::uint32_t max_attempts = 0;
    std::string dead_letter = {};
    std::optional<rst_position> start = {};
    OptionList options = {};
    std::uint64_t connection = 0;  // 0: the last one
    std::uint64_t op = 0;
    std::uint64_t credit_bytes = 1U << 30;
  };
  struct Subscription {
    std::uint64_t id = 0, handle = 0;
  };
  Subscription subscribe(const Subscribe& wanted);
  std::int32_t try_subscribe(const Subscribe& wanted, Subscription* made = nullptr);

  std::uint64_t publisher(std::string_view destination, std::uint32_t kind = 0, std::uint64_t connection = 0,
                          std::uint32_t flags = 0);
  std::int32_t publish(std::uint64_t publisher, const std::vector<Out>& messages,
                       std::vector<std::int32_t>* statuses = nullptr, std::uint32_t* accepted = nullptr,
                       std::vector<rst_position>* receipts = nullptr);
  std::int32_t request(std::uint64_t publisher, const Out& message, std::uint64_t op, std::uint64_t timeout_ns);

  /// The verb's error, or the item's status.
  std::int32_t settle(const Subscription& subscription, std::uint64_t token, std::uint16_t verdict,
                      std::uint64_t delay_ns = 0, const rst_settle_detail* detail = nullptr);
  std::int32_t credit(const Subscription& subscription, std::uint32_t messages, std::uint64_t bytes = 1U << 20);
  std::int32_t drain(const Subscription& subscription, std::uint64_t op);
  std::int32_t close(std::uint64_t handle, std::uint64_t op);
  std::int32_t seek(const Subscription& subscription, const rst_position& position, std::uint64_t op = 0);
  std::int32_t admin(std::uint32_t action, std::string_view name, std::string_view parent = {}, std::uint32_t kind = 0,
                     const OptionList& options = {}, std::uint64_t op = 0);
  std::map<std::uint32_t, std::uint64_t> stats(std::uint64_t handle, std::string_view name = {},
                                               std::string_view parent = {}, std::uint32_t kind = 0);
  /// Moves simulated time; the next due moment and how much waits for it.
  std::pair<std::int64_t, std::uint64_t> step(std::int64_t now_ns);

  std::vector<Message> take(const Subscription& subscription) { return host.take(subscription.id); }
  std::vector<std::string> payloads(const Subscription& subscription);
  [[nodiscard]] std::string error_text() const { return {error.text, error.text_len}; }

  template <typename Table>
  const Table& extension(std::string_view id) const {
    return *static_cast<const Table*>(table.get_extension(str(id)));
  }

  const rst_plugin& table;
  Host host;
  void* instance = nullptr;
  std::uint64_t connection = 0;
  std::uint64_t tx = 0;  // that publish and settle name
  rst_error error{};

 private:
  std::vector<rst_option> options_of(const OptionList& options) const;

  std::vector<std::uint64_t> connections_;
  std::atomic<std::uint64_t> last_id_{100};
};

/// Both ways to the table.
const rst_plugin& embedded_table();
const rst_plugin& loaded_table();

struct MemoryTest : testing::TestWithParam<const rst_plugin& (*)()> {
  Client client{GetParam()()};
};

#define RUSTSTREAM_MEMORY_BOTH(suite)                                                                            \
  INSTANTIATE_TEST_SUITE_P(Memory, suite, testing::Values(&embedded_table, &loaded_table), [](const auto& way) { \
    return std::string(way.param == &embedded_table ? "Embedded" : "Loaded");                                    \
  })

}  // namespace ruststream::memory::test
