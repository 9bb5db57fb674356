// A subscription of kind `jetstream` or `ordered`: a consumer of a stream, and the messages pulled from it.
#pragma once

#include "ack_place.hpp"
#include "jetstream_api.hpp"
#include "jetstream_config.hpp"
#include "jetstream_ledger.hpp"
#include "jetstream_wire.hpp"
#include "link.hpp"
#include "message.hpp"
#include "roles.hpp"
#include "timers.hpp"

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ruststream::nats {

/// What a token stands for. Settling reads it and changes nothing.
struct Delivery {
  std::uint64_t sequence = 0;  // in the stream
  AckPlace place;
};

/// What a batch keeps of a message of a stream.
struct StreamItem : Received {
  [[nodiscard]] std::int32_t field(const rst_message& message, std::uint32_t id, rst_value& out) const noexcept;
  [[nodiscard]] std::int32_t position(const rst_message& message, rst_position& out) const noexcept;
  static void release(std::span<StreamItem> all) noexcept {
    for (const StreamItem& each : all) natsMsg_Destroy(each.message);
  }
};

/// What a subscription's options say of its consumer.
struct StreamSpec {
  ConsumerConfig config;
  std::vector<std::string> strict;  // settings that an existing consumer must have as well
  nanoseconds expires{}, heartbeat{};
  std::uint32_t window = 0, max_batch = 0;
  std::uint64_t window_bytes = 0;
  bool shows_address = false;
};
/// Of a spec that validate has accepted.
[[nodiscard]] StreamSpec stream_spec_of(const rst_subscription_spec& spec);
void validate_stream(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report);

/// What the options of a subscription, or of rst.admin, say of a consumer: where it begins and what it sends; and how
/// it is settled. A start_time that is none is left out.
void read_delivery(const sdk::Options& options, ConsumerConfig& into);
void read_settling(const sdk::Options& options, ConsumerConfig& into);
/// An issue where option `stream` is no stream's name.
void check_stream_option(const sdk::Options& options, sdk::Report& report);

/// Where a new consumer begins. False where the position is none of a stream.
bool start_at(const rst_position& position, ConsumerConfig& config);

/// All on the I/O thread, but settle and seek.
///
/// The consumer at the server is found or made by establish(), at first and again whenever it may be gone. `ordered`
/// settles nothing and has no name: where something is missing it is made anew behind the last message that came.
/// What was pulled is in held_ until there is credit, within the window.
class StreamConsumer final : public Consumer {
 public:
  StreamConsumer(sdk::Subscription& of, Link& link, const rst_subscription_spec& spec);

  void open(Time deadline) override;
  void session_up(Session& session) override;
  void session_down(const rst_error& why) override;
  void drain() override;
  void credit_added() override;
  void refused(std::string_view what) override;
  void publish_refused(std::string_view what) override;
  void close(bool abort, Time deadline) override;
  void snapshot(std::vector<rst_stat>& stats) const override;

  std::int32_t settle(const rst_settle& call, sdk::ErrorOut error) override;
  std::int32_t seek(std::span<const rst_position> positions, std::uint64_t op, sdk::ErrorOut error) override;

 private:
  enum class State : std::uint8_t { kOpening, kUp, kAway, kEnded, kClosing };

  /// A message that came and is not delivered yet.
  struct Held {
    Message message;
    Time received;
    AckSubject ack;             // its texts point into the message
    const std::string* prefix;  // one of prefixes_: a later server may write another
  };
  /// A settlement on its way out.
  struct Out {
    std::string subject, body;
  };
  struct Seeking {
    ConsumerConfig to;
    std::uint64_t op = 0;
    Time deadline;
    Timers::Key timer = Timers::kNone;
  };
  struct Confirming;

  // The consumer at the server: jetstream_establish.cpp.
  void establish();
  void find_stream();
  void look();
  void found(const Answered& answered);
  void create();
  void created(const Answered& answered);
  void ready(const nlohmann::json& kept);
  void begin_again(std::string_view why);
  void go_on_behind(std::uint64_t sequence);
  void try_later(nanoseconds delay);
  void failed(const rst_error& why);
  void failed_if(std::string_view what, const std::string& subject, std::string_view doing);
  void end(const rst_error& why);
  void told_down(const rst_error& why);
  void gone(bool deleted);
  void begin_seek(ConsumerConfig start, std::uint64_t op);
  void seek_step();
  void end_seek(const rst_error* error);
  /// Asks, and calls `body(StreamConsumer&, const Answered&)` unless that attempt is over, or the subscription.
  template <class Body>
  void ask(const std::string& what, std::string_view request, std::string about, Body body);
  [[nodiscard]] Time api_deadline() const;
  [[nodiscard]] std::uint64_t lowest_unsettled() const;

  // Messages: jetstream_deliver.cpp.
  void take();
  bool read(std::string_view reply, AckSubject& ack);
  bool in_order(const AckSubject& ack);
  void status(natsMsg& message);
  void void_redelivered();
  void deliver();
  void fill(sdk::Batch<StreamItem>& batch, std::uint32_t most);
  void take_back(sdk::Batch<StreamItem>& batch);
  [[nodiscard]] nanoseconds ack_wait(std::uint64_t delivered) const noexcept;
  void pull();
  void request(std::uint32_t messages);
  void pulse();

  // Settling: jetstream_settle.cpp.
  std::int32_t settle_confirmed(const rst_settle& call);
  void confirm(const std::shared_ptr<Confirming>& of, std::size_t index);
  void confirm_later(const std::shared_ptr<Confirming>& of, std::size_t index);
  void confirmed(const std::shared_ptr<Confirming>& of, std::size_t index, natsStatus status);
  void fail_confirming();
  void send_unsent_later();
  void send(const std::vector<Out>& settlements);
  void send_unsent();
  void made_room();
  void hand_back();
  void give_back();
  void nak();
  void send_back();
  void finish_close();
  template <class Body>
  void post(Body body);

  StreamSpec spec_;
  const bool settles_;
  const bool own_;  // the consumer is nobody else's, and goes with the subscription
  State state_ = State::kOpening;
  std::uint64_t turn_ = 0;  // rises with each attempt: an answer to an earlier one is nobody's
  Time deadline_ = kNever;  // of opening or closing
  Timers::Key timer_ = Timers::kNone, pulse_ = Timers::kNone, later_ = Timers::kNone;
  sdk::Backoff backoff_;
  std::optional<rst_error> last_failure_;
  std::string ordered_name_;  // of the consumer that `ordered` has now
  std::string created_at_;    // what tells a consumer from a later one of the same name
  bool anew_ = false;         // the consumer, as spec_.config has it now, is to be made and not to be looked for
  bool down_told_ = false;
  std::optional<Seeking> seeking_;

  std::string inbox_;  // with a dot at its end
  natsSubscription* subscription_ = nullptr;
  PullLedger ledger_;
  std::string pull_subject_;
  std::uint64_t most_at_once_ = 0;  // of one request, as the consumer says; 0: no limit
  std::deque<Held> held_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> redelivered_;  // of one take(): sequence, and which delivery
  std::vector<std::uint64_t> stale_;                                  // tokens of theirs that are void by that
  Time paused_until_{};                                               // no pull request before
  std::deque<std::string> prefixes_;                                  // of ack subjects; tokens point to them
  std::uint64_t last_sequence_ = 0;                                   // in the stream, of what came
  std::uint64_t next_consumer_sequence_ = 1;                          // of `ordered`
  sdk::BatchPool<StreamItem>::Owner pool_;
  sdk::Tokens<Delivery> tokens_;
  std::atomic<std::uint64_t> poke_below_{0};  // so few unsettled: there is room for a request

  std::mutex unsent_mutex_;
  std::vector<Out> unsent_;  // settled while there was no session; at most the window, and what is confirmed
  std::vector<std::pair<std::shared_ptr<Confirming>, std::size_t>> unconfirmed_;  // for the next session
  std::vector<std::shared_ptr<Confirming>> confirming_;
  std::vector<Out> given_back_;  // while it closes: for the next session, too

  struct Counters {
    /// By verdict.
    void add(const std::uint64_t (&counts)[RST_VERDICT_EXTEND + 1]) noexcept;

    std::atomic<std::uint64_t> delivered{0}, redelivered{0}, acked{0}, retried{0}, released{0}, rejected{0};
  };
  Counters counters_;
  std::optional<std::uint64_t> pending_;  // at the server, as the last delivery said
  static constexpr std::uint64_t kUnknown = UINT64_MAX;
  std::atomic<std::uint64_t> waiting_{kUnknown};  // that, and what is held
};

template <class Body>
void StreamConsumer::ask(const std::string& what, std::string_view request, std::string about, Body body) {
  ask_api(link, what, request, api_deadline(), std::move(about),
          [&link = link, id = owner.id(), turn = turn_, body = std::move(body)](const Answered& answered) {
            auto* const self = link.consumer<StreamConsumer>(id);
            if (self != nullptr && self->turn_ == turn) body(*self, answered);
          });
}

}  // namespace ruststream::nats
