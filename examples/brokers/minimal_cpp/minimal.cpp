// A whole broker in one file: topics inside the process. Each subscription gets every message published to its address.
#include <ruststream/sdk.hpp>

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace {

namespace sdk = ruststream::sdk;

struct Message {
  std::string payload;
  std::uint16_t attempt = 1;
};

constexpr auto kCaps = sdk::caps(RST_CAP_SETTLE, RST_CAP_RETRY, RST_CAP_REJECT, RST_CAP_ATTEMPT, RST_CAP_PUBLISH_ORDER,
                                 sdk::cap(RST_CAP_RELEASE, RST_LEVEL_NATIVE, 0, RST_CAP_LOSES_ORDER),
                                 sdk::cap(RST_CAP_RETRY_POSITION, RST_LEVEL_NATIVE, RST_RETRY_FRONT),
                                 sdk::cap(RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, RST_OVERFLOW_BLOCK),
                                 sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES));

struct Broker {
  static constexpr rst_kind kKinds[] = {
      sdk::kind("topic", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kCaps, "everyone who listens gets each message")};
  static constexpr sdk::Option kOptions[] = {
      sdk::option("capacity", RST_TYPE_U64, RST_SCOPE_SUBSCRIPTION, "most messages that wait for one subscription")
          .defaults("1000")
          .range(1, 1'000'000)};
  static constexpr auto kCapacity = sdk::index_of(kOptions, "capacity");

  static void validate(const rst_subscription_spec& spec, sdk::Plan&, sdk::Report& report) {
    if (spec.address_count != 1) report.issue(RST_E_INVALID, "a subscription has one address");
    if (spec.durable.len != 0) report.issue(RST_E_UNSUPPORTED, "nothing is kept for who does not listen");
  }

  struct Connection : sdk::Connection {
    Connection(const sdk::Birth& birth, Broker&, const rst_connection_spec&) : sdk::Connection(birth) {}
  };

  struct Subscription : sdk::Subscription {
    Subscription(const sdk::Birth& birth, Broker& owner, Connection&, const rst_subscription_spec& spec)
        : sdk::Subscription(birth),
          broker(owner),
          address(sdk::view(spec.addresses[0])),
          capacity(sdk::Options{kOptions, spec.options, spec.option_count}[kCapacity].u64()),
          tokens(spec.window_messages != 0 ? spec.window_messages : sdk::Tokens<Message>::kDefaultMost),
          pool(sdk::BatchPool<>::make(spec.max_batch)) {}

    void on_open() noexcept {
      const std::lock_guard lock{broker.mutex};
      broker.topics.emplace(address, this);
    }
    void on_credit() { pump(); }

    void pump() {  // pinned by the caller, the broker is not locked
      sdk::pump(
          *this, *pool, tokens,
          [this](sdk::Batch<>& batch, std::uint32_t most) {
            std::unique_lock lock{broker.mutex};
            for (; batch.size() != most && !waiting.empty() && !tokens.full(); waiting.pop_front()) {
              const auto& payload = waiting.front().payload;
              rst_message& out = batch.add(batch.slab().copy(payload.data(), payload.size()), payload.size());
              out.flags = RST_MESSAGE_PADDED;
              out.attempt = waiting.front().attempt;
              out.token = tokens.issue(std::move(waiting.front()));
            }
            lock.unlock();
            if (batch.size() != 0) broker.refusals.wake();
          },
          [this](Message&& message) {
            const std::lock_guard lock{broker.mutex};
            waiting.push_front(std::move(message));
          });
    }

    std::int32_t settle(const rst_settle& call, sdk::ErrorOut) {
      std::unique_lock lock{broker.mutex};
      sdk::settle_each(call, verdicts(), tokens, [this](const rst_settlement& item, Message& message) {
        if (item.verdict == RST_VERDICT_RETRY && message.attempt != UINT16_MAX) ++message.attempt;
        if (item.verdict == RST_VERDICT_RETRY || item.verdict == RST_VERDICT_RELEASE)
          waiting.push_front(std::move(message));
        return RST_OK;
      });
      lock.unlock();
      pump();
      return RST_DONE;
    }

    void on_close(bool, std::uint64_t) override {
      std::unique_lock lock{broker.mutex};
      std::erase_if(broker.topics, [this](const auto& entry) { return entry.second == this; });
      const auto dropped = waiting.size() + tokens.unsettled();  // nobody else can have them
      lock.unlock();
      closed(dropped);
    }

    Broker& broker;
    const std::string address;
    const std::uint64_t capacity;
    std::deque<Message> waiting;
    sdk::Tokens<Message> tokens;
    sdk::BatchPool<>::Owner pool;
  };

  struct Publisher : sdk::Publisher {
    Publisher(const sdk::Birth& birth, Broker& owner, Connection&, const rst_publisher_spec& spec)
        : sdk::Publisher(birth), broker(owner), destination(sdk::view(spec.destination)) {}

    std::int32_t publish(rst_publish& call, sdk::ErrorOut error) {
      std::set<Subscription*> woken;
      std::unique_lock lock{broker.mutex};
      const auto result =
          sdk::publish_each(call, *this, broker.refusals, error, [&](const rst_out_message& message, std::uint32_t) {
            const auto to = sdk::destination_of(message, destination);
            if (to.empty()) return -RST_E_INVALID;
            if (sdk::has_meta(message)) return -RST_E_UNSUPPORTED;  // rather than lose it
            const auto [begin, end] = broker.topics.equal_range(to);
            for (auto at = begin; at != end; ++at) {
              if (at->second->waiting.size() >= at->second->capacity) return -RST_E_BACKPRESSURE;
            }
            for (auto at = begin; at != end; ++at) {
              at->second->waiting.push_back({std::string{sdk::payload_of(message)}});
              if (!woken.contains(at->second) && at->second->try_pin()) woken.insert(at->second);
            }
            return RST_OK;
          });
      lock.unlock();
      for (Subscription* each : woken) {
        each->pump();
        each->unpin();
      }
      return result;
    }

    Broker& broker;
    std::string destination;
  };

  std::mutex mutex;
  std::multimap<std::string, Subscription*, std::less<>> topics;
  sdk::Refusals refusals;
};

}  // namespace

RUSTSTREAM_PLUGIN(Broker, "org.example.minimal", "0.1.0", "minimal");
