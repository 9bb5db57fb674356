// The plugin's objects, as the author SDK wants them: each verb goes to the broker of its connection.
#pragma once

#include "clock.hpp"
#include "declarations.hpp"
#include "stats.hpp"
#include "timer_thread.hpp"

#include <ruststream/sdk.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::memory {

/// One instance: its brokers by name, its clock, its timer.
struct Instance {
  static constexpr auto& kKinds = kKindTable;
  static constexpr auto& kOptions = kOptionTable;
  static constexpr auto& kFields = kFieldTable;
  static constexpr auto& kStats = kStatDecls;
  static constexpr const char* kVendor = "libruststream";

  struct Connection : sdk::Connection {
    Connection(const sdk::Birth& birth, Instance& instance, const rst_connection_spec& spec);
    void on_open() { broker.open(state); }
    void on_close(bool abort, std::uint64_t timeout_ns) override;
    std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error);
    std::int32_t apply(const rst_admin_request& request, sdk::ErrorOut error);

    memory::Broker& broker;
    memory::Connection state;
  };

  struct Subscription : sdk::Subscription {
    Subscription(const sdk::Birth& birth, Instance& instance, Connection& parent, const rst_subscription_spec& spec);
    std::int32_t open(sdk::ErrorOut error);
    void on_open();
    void on_close(bool abort, std::uint64_t timeout_ns) override;
    std::int32_t on_credit(const rst_credit& call, sdk::ErrorOut error);
    std::int32_t settle(const rst_settle& call, sdk::ErrorOut error);
    std::int32_t enlist(const rst_settle& call, sdk::ErrorOut error) { return broker.enlist(state, call, error); }
    std::int32_t seek(std::span<const rst_position> positions, std::uint64_t op, sdk::ErrorOut error);

    memory::Broker& broker;
    memory::Subscription state;

   private:
    friend struct Instance;
    struct Opening;  // what the spec asked for, until it is open
    struct Delete {
      void operator()(Opening* opening) const noexcept;
    };
    std::unique_ptr<Opening, Delete> opening_;
  };

  struct Publisher : sdk::Publisher {
    Publisher(const sdk::Birth& birth, Instance& instance, Connection& parent, const rst_publisher_spec& spec);
    std::int32_t open(sdk::ErrorOut error);
    void on_close(bool abort, std::uint64_t timeout_ns) override;
    std::int32_t publish(rst_publish& call, sdk::ErrorOut error) { return broker.publish(state, call, error); }
    std::int32_t enlist(rst_publish& call, sdk::ErrorOut error) { return broker.enlist(state, call, error); }
    std::int32_t request(rst_publish& call, sdk::ErrorOut error) { return broker.request(state, call, error); }
    std::int32_t begin(Subscription* only, std::uint64_t timeout_ns, std::uint64_t& tx, std::uint64_t op,
                       sdk::ErrorOut error);
    std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error);

    memory::Broker& broker;
    memory::Publisher state;

   private:
    std::string destination_;  // until it is open
  };

  explicit Instance(sdk::Host host);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() { timer.stop(); }

  static void validate(const rst_connection_spec& spec, sdk::Plan& plan, sdk::Report& report);
  static void validate(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report);
  static void validate(const rst_publisher_spec& spec, sdk::Plan& plan, sdk::Report& report);
  static std::int32_t match(const rst_subscription_spec& to, const rst_publisher_spec& from,
                            const rst_out_message* message, sdk::ErrorOut error);
  std::int32_t snapshot(sdk::Object& object, const rst_stats_query& query, std::vector<rst_stat>& stats,
                        std::uint64_t& age_ns, sdk::ErrorOut error);
  std::int32_t step(std::int64_t now_ns, std::int64_t& next_due_ns, std::uint64_t& pending, sdk::ErrorOut error);

  std::int32_t commit(std::uint64_t tx, std::uint64_t op, sdk::ErrorOut error);
  std::int32_t abort(std::uint64_t tx, std::uint64_t op, sdk::ErrorOut error);
  std::int32_t answer(std::uint64_t answer, std::int32_t status, std::span<const rst_position> positions,
                      sdk::ErrorOut error);

  static constexpr std::size_t kMaxBrokers = std::size_t{1} << Broker::kNumberBits;

  /// The broker of a URL: one per name, from the first connection to it until the instance ends. Any thread.
  Broker& broker_of(std::string_view url);
  /// The broker that gave this id of a transaction or an event; nullptr: none did. Any thread.
  Broker* giver_of(std::uint64_t id);
  /// Fires what is due in every broker; the next due moment. Any thread.
  std::int64_t run_due(std::int64_t now_ns, std::uint64_t& pending);

  Clock clock;
  TimerThread timer;
  std::mutex mutex;  // of `brokers`, never held across a call into one
  std::vector<std::unique_ptr<Broker>> brokers;
};

/// The name in "memory:name" or "memory://name"; empty for the nameless one.
[[nodiscard]] std::string_view broker_name(std::string_view url) noexcept;
/// Options of scope CONNECTION or ADMIN; those of ADMIN fall back to the connection's.
[[nodiscard]] TopicOptions topic_options(const sdk::Options& options, const TopicOptions* fallback = nullptr);

}  // namespace ruststream::memory
