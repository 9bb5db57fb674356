#pragma once
#include <ruststream/sdk.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// A broker for tests that can little, and that does what the test says: `lossy` has nothing to settle, `copies` can
/// only acknowledge and names a private address for copies, `retries` redelivers but knows no delay. A message with
/// `2:` in it is of partition 2. One instance at a time.
namespace ruststream::testing {

struct Weak {
  static constexpr auto kLossyCaps =
      sdk::caps(RST_CAP_PUBLISH_ORDER, RST_CAP_PUBLISH_CONFIRM, RST_CAP_KEY,
                sdk::cap(RST_CAP_HEADERS, RST_LEVEL_NATIVE, RST_HEADERS_ANY_VALUE | RST_HEADERS_ANY_NAME),
                sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_BYTES));
  static constexpr auto kCopiesCaps =
      sdk::caps(RST_CAP_SETTLE, RST_CAP_RELEASE, RST_CAP_PUBLISH_CONFIRM, RST_CAP_KEY,
                sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_BYTES),
                sdk::cap(RST_CAP_HEADERS, RST_LEVEL_NATIVE, RST_HEADERS_ANY_VALUE | RST_HEADERS_ANY_NAME));
  static constexpr auto kRetriesCaps =
      sdk::caps(RST_CAP_SETTLE, RST_CAP_RETRY, RST_CAP_RELEASE, RST_CAP_REJECT, RST_CAP_PARTITIONS,
                RST_CAP_PUBLISH_CONFIRM, sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_BYTES));
  /// Reply address, correlation id, message id, content type.
  using Props = std::array<std::string, 4>;
  struct Waiting {
    std::string payload;
    Props props;
  };
  static Props props_of(const rst_out_props* props) {
    if (props == nullptr) return {};
    const auto text = [](const void* at, std::uint32_t size) {
      return size == 0 ? std::string() : std::string(static_cast<const char*>(at), size);
    };
    return {text(props->reply_to, props->reply_to_len), text(props->correlation, props->correlation_len),
            text(props->message_id, props->message_id_len), text(props->content_type, props->content_type_len)};
  }
  static void show(const Props& props, sdk::Batch<>& batch) {
    if (props == Props()) return;
    rst_message_meta& meta = batch.meta();
    const auto copy = [&](const std::string& text) { return batch.slab().copy(text.data(), text.size()); };
    meta.reply_to = copy(props[0]);
    meta.correlation = copy(props[1]);
    meta.message_id = copy(props[2]);
    meta.content_type = batch.slab().copy(std::string_view(props[3]));
    meta.reply_to_len = static_cast<std::uint32_t>(props[0].size());
    meta.correlation_len = static_cast<std::uint32_t>(props[1].size());
    meta.message_id_len = static_cast<std::uint32_t>(props[2].size());
    meta.content_type_len = static_cast<std::uint32_t>(props[3].size());
  }

  static constexpr rst_kind kKinds[] = {
      sdk::kind("lossy", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kLossyCaps, "at most once"),
      sdk::kind("copies", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kCopiesCaps, "redelivers by a copy"),
      sdk::kind("retries", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kRetriesCaps, "redelivers at once")};

  struct Subscription;
  /// What the test sets and reads; a test clears it.
  struct Script {
    std::mutex mutex;
    std::int32_t connect_code = RST_DONE;
    std::int32_t subscribe_code = RST_DONE;
    std::string refused;                                         // no publish to this destination
    std::string unsure;                                          // a publish to it is taken, and may have failed
    bool holds_publishes = false;                                // accepted, completed by nobody but `complete_held`
    std::vector<std::uint64_t> held;                             // their operations
    std::vector<std::string> settled;                            // "verdict payload"
    std::vector<std::pair<std::string, std::string>> published;  // destination, payload
    std::vector<Props> props;                                    // of each of these
    std::vector<std::pair<std::uint64_t, std::int32_t>> answers;
    std::size_t settled_before_answer = 0;  // the last one
    std::vector<Subscription*> subscriptions;
    std::atomic<const sdk::Host*> host = nullptr;  // of the last instance; an earlier one may end after it began
  };
  static Script script;

  static std::uint32_t partition_of(const std::string& payload) {
    for (std::size_t at = 1; at < payload.size(); ++at) {
      const char before = payload[at - 1];
      if (payload[at] == ':' && before >= '0' && before <= '9') return static_cast<std::uint32_t>(before - '0');
    }
    return 0;
  }

  struct Connection : sdk::Connection {
    Connection(const sdk::Birth& birth, Weak&, const rst_connection_spec&) : sdk::Connection(birth) {
      if (script.connect_code != RST_DONE) throw sdk::Failure{-script.connect_code, "nobody is at home"};
    }
  };

  struct Subscription : sdk::Subscription {
    Subscription(const sdk::Birth& birth, Weak&, Connection&, const rst_subscription_spec& spec)
        : sdk::Subscription(birth),
          address(sdk::view(spec.addresses[0])),
          settles(spec.kind != 0),
          tokens(spec.window_messages),
          pool(sdk::BatchPool<>::make(spec.max_batch)) {
      if (script.subscribe_code != RST_DONE) throw sdk::Failure{-script.subscribe_code, "you may not read this"};
    }
    void on_open() noexcept {
      const std::scoped_lock lock(script.mutex);
      script.subscriptions.push_back(this);
    }
    void on_credit() { pump(); }
    std::int32_t settle(const rst_settle& call, sdk::ErrorOut) {
      return sdk::settle_each(call, verdicts(), tokens, [](const rst_settlement& item, std::string& payload) {
        const std::scoped_lock lock(script.mutex);
        script.settled.push_back(std::to_string(item.verdict) + " " + payload);
        return RST_OK;
      });
    }
    void on_close(bool, std::uint64_t) override {
      {
        const std::scoped_lock lock(script.mutex);
        std::erase(script.subscriptions, this);
      }
      closed();
    }
    void pump() {
      sdk::pump(
          *this, *pool, tokens,
          [this](sdk::Batch<>& batch, std::uint32_t most) {
            const std::scoped_lock lock(script.mutex);
            for (; batch.size() != most && !waiting.empty(); waiting.pop_front()) {
              const auto& [payload, props] = waiting.front();
              rst_message& out = batch.add(batch.slab().copy(payload.data(), payload.size()), payload.size());
              out.flags = RST_MESSAGE_PADDED;
              out.partition = partition_of(payload);
              show(props, batch);
              if (settles) out.token = tokens.issue(std::string(payload));
            }
          },
          [](std::string&&) {});
    }

    std::string address;
    bool settles;
    std::deque<Waiting> waiting;
    sdk::Tokens<std::string> tokens;
    sdk::BatchPool<>::Owner pool;
  };

  struct Publisher : sdk::Publisher {
    Publisher(const sdk::Birth& birth, Weak&, Connection&, const rst_publisher_spec& spec)
        : sdk::Publisher(birth), destination(sdk::view(spec.destination)) {}
    std::int32_t publish(rst_publish& call, sdk::ErrorOut error) {
      std::vector<Subscription*> woken;
      const auto result =
          sdk::publish_each(call, *this, refusals, error, [&](const rst_out_message& message, std::uint32_t) {
            const std::string to(sdk::destination_of(message, destination)), payload(sdk::payload_of(message));
            const std::scoped_lock lock(script.mutex);
            if (to == script.refused) return -RST_E_DENIED;
            script.published.emplace_back(to, payload);
            script.props.push_back(props_of(message.props));
            for (Subscription* const each : script.subscriptions) {
              if (each->address != to) continue;
              each->waiting.push_back({payload, script.props.back()});
              if (each->try_pin()) woken.push_back(each);
            }
            return to == script.unsure ? rst_status(RST_E_UNAVAILABLE, RST_ERROR_MAYBE_APPLIED) : RST_OK;
          });
      for (Subscription* const each : woken) {
        each->pump();
        each->unpin();
      }
      const std::scoped_lock lock(script.mutex);
      if (result != RST_DONE || !script.holds_publishes || call.op == 0) return result;
      script.held.push_back(call.op);
      return RST_PENDING;
    }
    std::string destination;
    sdk::Refusals refusals;
  };

  explicit Weak(const sdk::Host& host) : host_(host) { script.host = &host_; }
  ~Weak() {
    const sdk::Host* own = &host_;
    script.host.compare_exchange_strong(own, nullptr);
  }

  static void validate(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report) {
    if (spec.kind != 1) return;
    plan.flags = RST_PLAN_COPY_PRIVATE;
    report.text(RST_TEXT_COPY_ADDRESS, "copies.mine");
  }
  std::int32_t answer(std::uint64_t id, std::int32_t status, std::span<const rst_position>, sdk::ErrorOut) {
    const std::scoped_lock lock(script.mutex);
    script.answers.emplace_back(id, status);
    script.settled_before_answer = script.settled.size();
    return RST_DONE;
  }

  /// Completes the publishes that were held; `status` for all of them.
  static void complete_held() {
    std::vector<std::uint64_t> held;
    {
      const std::scoped_lock lock(script.mutex);
      script.holds_publishes = false;
      held.swap(script.held);
    }
    for (const std::uint64_t op : held) script.host.load()->complete(op);
  }
  /// Sends an event about the first subscription, or the connection.
  static void send(std::uint32_t kind, std::uint64_t answer, bool to_connection = false) {
    sdk::About about;
    {
      const std::scoped_lock lock(script.mutex);
      about = script.subscriptions.front()->about();
    }
    if (to_connection) about.subject = 0;
    rst_event event = sdk::Host::event(kind, about);
    event.answer = answer;
    script.host.load()->send(event);
  }

  /// A partition of the first subscription goes; what is published after it has the generation from which that holds.
  static void lose(std::uint32_t kind, std::uint32_t number, std::uint64_t answer, std::chrono::nanoseconds deadline) {
    sdk::About about;
    rst_partition partition{};
    partition.partition = number;
    {
      const std::scoped_lock lock(script.mutex);
      about = script.subscriptions.front()->about();
      partition.generation = script.subscriptions.front()->next_generation();
    }
    rst_event event = sdk::Host::event(kind, about);
    event.answer = answer;
    event.deadline_ns = static_cast<std::uint64_t>(deadline.count());
    event.partitions = &partition;
    event.partition_count = 1;
    script.host.load()->send(event);
  }

 private:
  sdk::Host host_;
};

inline Weak::Script Weak::script;

inline constexpr rst_str kWeakSchemes[] = {sdk::rst("weak")};
inline constexpr rst_plugin kWeakTable = sdk::table<Weak>("org.example.weak", "1", kWeakSchemes);

}  // namespace ruststream::testing
