// The broker `source` (README.md) in C++, on abi/cpp.
#include <ruststream/sdk.hpp>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <vector>

namespace {

namespace sdk = ruststream::sdk;

constexpr std::uint64_t kPayload = 100;
constexpr std::uint8_t kBytes[kPayload + sdk::Slab::kPadding] = {};
struct Nothing {};

constexpr auto kCaps = sdk::caps(RST_CAP_SETTLE, RST_CAP_RETRY, RST_CAP_RELEASE, RST_CAP_REJECT,
                                 sdk::cap(RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, RST_OVERFLOW_BLOCK));

struct Broker {
  static constexpr rst_kind kKinds[] = {sdk::kind("endless", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kCaps,
                                                  "messages without end; what is published is gone")};

  struct Connection : sdk::Connection {
    Connection(const sdk::Birth& birth, Broker&, const rst_connection_spec&) : sdk::Connection(birth) {}
  };

  struct Subscription : sdk::Subscription {
    Subscription(const sdk::Birth& birth, Broker& owner, Connection&, const rst_subscription_spec& spec)
        : sdk::Subscription(birth), broker(owner), pool(sdk::BatchPool<>::make(spec.max_batch)) {}

    void on_open() {
      broker.start([this] { serve(); });
    }
    void on_credit() { wake(); }
    void on_close(bool, std::uint64_t) override {
      {
        const std::lock_guard lock{mutex};
        stop = true;
      }
      awake.notify_one();
    }

    std::int32_t settle(const rst_settle& call, sdk::ErrorOut) {
      sdk::settle_each(call, verdicts(), tokens, [](const rst_settlement&, Nothing&) { return RST_OK; });
      wake();
      return RST_DONE;
    }

    void wake() {
      {
        const std::lock_guard lock{mutex};
        wanted = true;
      }
      awake.notify_one();
    }

    void serve() {
      for (;;) {
        {
          std::unique_lock lock{mutex};
          awake.wait(lock, [this] { return wanted || stop; });
          if (stop) break;
          wanted = false;
        }
        if (!try_pin()) continue;
        sdk::pump(
            *this, *pool, tokens,
            [this](sdk::Batch<>& batch, std::uint32_t most) {
              while (batch.size() != most && !tokens.full()) {
                rst_message& out = batch.add(kBytes, kPayload);
                out.flags = RST_MESSAGE_PADDED;
                out.attempt = 1;
                out.token = tokens.issue({});
              }
            },
            [](Nothing&&) {});
        unpin();
      }
      closed(tokens.unsettled());  // and so perhaps gone
    }

    Broker& broker;
    sdk::Tokens<Nothing> tokens;
    sdk::BatchPool<>::Owner pool;
    std::mutex mutex;
    std::condition_variable awake;
    bool wanted = true, stop = false;
  };

  struct Publisher : sdk::Publisher {
    Publisher(const sdk::Birth& birth, Broker& owner, Connection&, const rst_publisher_spec&)
        : sdk::Publisher(birth), broker(owner) {}
    std::int32_t publish(rst_publish& call, sdk::ErrorOut error) {
      return sdk::publish_each(call, *this, broker.refusals, error,
                               [](const rst_out_message&, std::uint32_t) { return RST_OK; });
    }
    Broker& broker;
  };

  template <class F>
  void start(F&& run) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    {
      const std::lock_guard lock{mutex};
      threads.emplace_back(std::forward<F>(run));
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Broker() {
    for (std::thread& each : threads) each.join();
  }

  std::mutex mutex;
  std::vector<std::thread> threads;
  sdk::Refusals refusals;
};

}  // namespace

RUSTSTREAM_PLUGIN(Broker, "org.example.source", "1", "source");
