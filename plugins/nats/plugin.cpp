#include "plugin.hpp"

namespace ruststream::nats {

Broker::Connection::Connection(const sdk::Birth& birth, Broker& given, const rst_connection_spec& spec)
    : sdk::Connection(birth),
      broker(given),
      link(*this, given.io, settings_of(spec), (spec.flags & RST_CONNECT_RETRY_INITIAL) != 0, spec.timeout_ns) {}

std::int32_t Broker::Connection::open(sdk::ErrorOut /*error*/) {
  link.open();
  return RST_PENDING;
}

std::int32_t Broker::Connection::flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut /*error*/) {
  link.io.post(id(),
               [deadline = after(timeout_ns, link.settings.op_timeout), op](Link& self) { self.flush(deadline, op); });
  return RST_PENDING;
}

void Broker::Connection::on_close(bool abort, std::uint64_t timeout_ns) {
  link.io.post(id(), [abort, deadline = after(timeout_ns, link.settings.op_timeout)](Link& self) {
    self.close(abort, deadline);
  });
}

Broker::Subscription::Subscription(const sdk::Birth& birth, Broker& /*broker*/, Connection& parent,
                                   const rst_subscription_spec& spec)
    : sdk::Subscription(birth),
      link(parent.link),
      timeout_ns(spec.timeout_ns),
      consumer(make_consumer(*this, parent.link, spec)) {}

std::int32_t Broker::Subscription::open(sdk::ErrorOut /*error*/) {
  const auto deadline = after(timeout_ns, link.settings.op_timeout);
  link.io.post(connection_id(),
               [this, deadline](Link& self) { self.add(*consumer, deadline); });  // it cannot end before
  return RST_PENDING;
}

void Broker::Subscription::on_credit() {
  if (!consumer->starves()) return;
  link.io.post(connection_id(), [id = id()](Link& self) {
    if (auto* const found = self.consumer(id)) found->credit_added();
  });
}

void Broker::Subscription::on_close(bool abort, std::uint64_t close_timeout_ns) {
  const auto deadline = after(close_timeout_ns, link.settings.op_timeout);
  const bool first = !close_told.exchange(true);  // told a second time it may have ended before this is run
  link.io.post(connection_id(), [this, id = id(), first, abort, deadline](Link& self) {
    if (auto* const found = self.consumer(id)) {
      found->close(abort, deadline);
    } else if (first) {
      closed();  // its open had failed
    }
  });
}

Broker::Publisher::Publisher(const sdk::Birth& birth, Broker& /*broker*/, Connection& parent,
                             const rst_publisher_spec& spec)
    : sdk::Publisher(birth), link(parent.link), producer(make_producer(*this, parent.link, spec)) {}

/// Open once its inbox is there: an acknowledgement must not come before that.
std::int32_t Broker::Publisher::open(sdk::ErrorOut /*error*/) {
  link.io.post(connection_id(), [this](Link& self) {
    self.add(*producer);  // it cannot end before
    opened();
  });
  return RST_PENDING;
}

void Broker::Publisher::on_close(bool abort, std::uint64_t timeout_ns) {
  const auto deadline = after(timeout_ns, link.settings.op_timeout);
  link.io.post(connection_id(), [id = id(), abort, deadline](Link& self) {
    if (auto* const found = self.producer(id)) found->close(abort, deadline);
  });
}

/// Numbers that are here already: nobody is asked (B1).
std::int32_t Broker::snapshot(sdk::Object& object, const rst_stats_query& query, std::vector<rst_stat>& stats,
                              std::uint64_t& /*age_ns*/, sdk::ErrorOut error) {
  if (query.name.len != 0) {
    return error(RST_E_UNSUPPORTED, "numbers of a stream are the server's; rst.admin describes it");
  }
  switch (object.type()) {
    case sdk::ObjectType::kSubscription: static_cast<Subscription&>(object).consumer->snapshot(stats); break;
    case sdk::ObjectType::kPublisher: static_cast<Publisher&>(object).producer->snapshot(stats); break;
    case sdk::ObjectType::kConnection: break;
  }
  return RST_DONE;
}

}  // namespace ruststream::nats

using NatsBroker = ruststream::nats::Broker;
RUSTSTREAM_PLUGIN(NatsBroker, "org.ruststream.nats", "0.1.0", "nats,tls");
