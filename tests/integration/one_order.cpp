// A broker of one message: whoever subscribes gets the order number 7, once.
#include <ruststream/sdk.hpp>

#include <atomic>
#include <string_view>

namespace {

namespace sdk = ruststream::sdk;

constexpr auto kCaps = sdk::caps(sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_BYTES));
constexpr std::string_view kOrder = R"({"id":7,"quantity":3})";

struct Broker {
  static constexpr rst_kind kKinds[] = {
      sdk::kind("once", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kCaps, "one order for each subscription")};

  struct Connection : sdk::Connection {
    Connection(const sdk::Birth& birth, Broker&, const rst_connection_spec&) : sdk::Connection(birth) {}
  };
  struct Subscription : sdk::Subscription {
    Subscription(const sdk::Birth& birth, Broker&, Connection&, const rst_subscription_spec&)
        : sdk::Subscription(birth), pool(sdk::BatchPool<>::make(1)) {}
    void on_open() noexcept { pump(); }
    void on_credit() { pump(); }
    void pump() {
      sdk::pump(
          *this, *pool,
          [this](sdk::Batch<>& batch, std::uint32_t) {
            if (!given.exchange(true)) batch.add(batch.slab().copy(kOrder.data(), kOrder.size()), kOrder.size());
          },
          [](sdk::Batch<>&) {});
    }
    std::atomic<bool> given{false};
    sdk::BatchPool<>::Owner pool;
  };
  struct Publisher : sdk::Publisher {
    Publisher(const sdk::Birth& birth, Broker&, Connection&, const rst_publisher_spec&) : sdk::Publisher(birth) {}
    std::int32_t publish(rst_publish& call, sdk::ErrorOut) { return call.accepted = call.count, RST_DONE; }
  };
};

}  // namespace

RUSTSTREAM_PLUGIN(Broker, "org.example.one_order", "1", "one");
