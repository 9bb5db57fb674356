// The plugin's objects, as the author SDK wants them: verbs go to the link of the connection, and to what its kind
// makes of a subscription or publisher.
#pragma once

#include "declarations.hpp"
#include "io.hpp"
#include "jetstream_admin.hpp"
#include "library.hpp"
#include "link.hpp"

namespace ruststream::nats {

/// One instance.
struct Broker {
  static constexpr auto& kKinds = kKindTable;
  static constexpr auto& kOptions = kOptionTable;
  static constexpr auto& kFields = kFieldTable;
  static constexpr auto& kStats = kStatTable;
  static constexpr const char* kVendor = "libruststream";

  struct Connection : sdk::Connection {
    Connection(const sdk::Birth& birth, Broker& broker, const rst_connection_spec& spec);
    std::int32_t open(sdk::ErrorOut error);
    std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error);
    std::int32_t apply(const rst_admin_request& request, sdk::ErrorOut error) {
      return administer(link, request, error);
    }
    void on_close(bool abort, std::uint64_t timeout_ns) override;

    Broker& broker;
    Link link;
  };

  struct Subscription : sdk::Subscription {
    Subscription(const sdk::Birth& birth, Broker& broker, Connection& parent, const rst_subscription_spec& spec);
    std::int32_t open(sdk::ErrorOut error);
    void on_credit();
    std::int32_t settle(const rst_settle& call, sdk::ErrorOut error) { return consumer->settle(call, error); }
    std::int32_t seek(std::span<const rst_position> positions, std::uint64_t op, sdk::ErrorOut error) {
      return consumer->seek(positions, op, error);
    }
    void on_close(bool abort, std::uint64_t timeout_ns) override;

    Link& link;
    const std::uint64_t timeout_ns;
    std::unique_ptr<Consumer> consumer;
    std::atomic<bool> close_told{false};
  };

  struct Publisher : sdk::Publisher {
    Publisher(const sdk::Birth& birth, Broker& broker, Connection& parent, const rst_publisher_spec& spec);
    std::int32_t open(sdk::ErrorOut error);
    std::int32_t publish(rst_publish& call, sdk::ErrorOut error) { return producer->publish(call, error); }
    std::int32_t request(rst_publish& call, sdk::ErrorOut error) { return producer->request(call, error); }
    std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error) {
      return producer->flush(timeout_ns, op, error);
    }
    void on_close(bool abort, std::uint64_t timeout_ns) override;

    Link& link;
    std::unique_ptr<Producer> producer;
  };

  explicit Broker(sdk::Host) {}

  static void validate(const rst_connection_spec& spec, sdk::Plan& plan, sdk::Report& report);
  static void validate(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report);
  static void validate(const rst_publisher_spec& spec, sdk::Plan& plan, sdk::Report& report);
  static std::int32_t match(const rst_subscription_spec& to, const rst_publisher_spec& from,
                            const rst_out_message* message, sdk::ErrorOut error);

  std::int32_t snapshot(sdk::Object& object, const rst_stats_query& query, std::vector<rst_stat>& stats,
                        std::uint64_t& age_ns, sdk::ErrorOut error);

  Library library;  // first: closed when nothing of it is left
  Io io;
};

}  // namespace ruststream::nats
