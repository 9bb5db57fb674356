// A host for tests on a real server: copies what is delivered, and says the verbs in short. Verbs wait for their
// completion.
#pragma once

#include "nats_server.hpp"
#include "recording_host.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ruststream::nats::test {

using ruststream::test::Event;
using ruststream::test::str;
using ruststream::testing::NatsServer;

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Message {
  std::string payload, address, reply_to, message_id, content_type, correlation;
  Headers headers;
  std::uint64_t token = 0;
  std::uint16_t attempt = 0;
  std::string text(const std::string& header) const;
};

class Host final : public ruststream::test::RecordingHost {
 public:
  /// So many of a subscription, as soon as they are there; fewer after ten seconds.
  std::vector<Message> take(std::uint64_t subscription, std::size_t count);
  /// Those that are there.
  std::vector<Message> take(std::uint64_t subscription) { return take(subscription, 0); }
  /// The next of this kind; what came before it is forgotten.
  Event await_event(std::uint32_t kind, std::uint64_t subject = 0);

 private:
  std::int32_t deliver(rst_batch* batch) override;

  std::map<std::uint64_t, std::vector<Message>> taken_;
};

std::vector<Message> copy(rst_batch* batch);

using OptionList = std::vector<std::pair<std::string, std::variant<std::uint64_t, bool, std::string>>>;

/// Of a verb, and of its completion where one follows.
struct Outcome {
  std::int32_t code = 0;
  std::uint32_t flags = 0;
  std::string text;
  std::uint64_t value = 0;
  [[nodiscard]] bool ok() const { return code == 0; }
};

struct Out {
  std::string payload, destination = {}, reply_to = {}, message_id = {}, content_type = {}, correlation = {};
  Headers headers = {};
};

class Client {
 public:
  Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// The last connection that was made is the one of what follows.
  Outcome connect(const std::string& url, const OptionList& options = {}, std::uint32_t flags = 0,
                  std::uint64_t timeout_ns = 0);
  struct Subscribe {
    std::vector<std::string> addresses;
    std::string group = {}, durable = {};
    std::uint32_t kind = 0, credit = 1'000'000, max_batch = 0, window = 0;
    OptionList options = {};
    std::uint64_t connection = 0;
  };
  struct Subscription {
    std::uint64_t id = 0, handle = 0;
    Outcome outcome;
  };
  Subscription subscribe(const Subscribe& wanted);
  Subscription listen(const std::string& address) { return subscribe(Subscribe{.addresses = {address}}); }
  struct Publisher {
    std::uint64_t id = 0, handle = 0;
    Outcome outcome;
  };
  Publisher publisher(const std::string& destination, std::uint32_t kind = 0);

  /// One message: the verb's error, or the status.
  Outcome publish(const Publisher& publisher, const Out& message, std::uint64_t timeout_ns = 0);
  /// The reply, when it is ok.
  std::pair<Outcome, Message> request(const Publisher& publisher, const Out& message, std::uint64_t timeout_ns);
  Outcome flush(std::uint64_t handle, std::uint64_t timeout_ns = 0);
  Outcome close(std::uint64_t handle, std::uint32_t flags = 0);
  /// Of rst.admin, on kind `jetstream`.
  Outcome admin(std::uint32_t action, const std::string& name, const OptionList& options = {},
                const std::string& parent = {});
  void credit(const Subscription& subscription, std::uint32_t messages);
  /// Of rst.stats, by RST_STAT_.
  std::map<std::uint32_t, std::uint64_t> stats(std::uint64_t handle);

  const rst_plugin& table;
  Host host;
  void* instance = nullptr;
  std::uint64_t connection = 0, connection_id = 0;

 private:
  std::vector<rst_option> options_of(const OptionList& options) const;
  Outcome outcome(std::int32_t result, std::uint64_t op, const rst_error& error);
  struct Wire;

  std::vector<std::uint64_t> connections_;
  std::atomic<std::uint64_t> last_id_ = 100;
};

}  // namespace ruststream::nats::test
