// A service that goes from the memory broker to NATS by its URL. Page: docs/nats.md.
#include <ruststream/nats.hpp>
#include <ruststream/ruststream.hpp>

#include <iostream>

namespace rs = ruststream;

// --8<-- [start:service]
struct Order {
  std::uint64_t id;
  std::uint32_t quantity;
};

void bill(const Order& order) { std::cout << "order " << order.id << ": " << order.quantity << " pieces\n"; }

rs::App orders() {
  rs::App app{{.title = "orders", .version = "1.0"}};
  app.broker("memory:", [](rs::Scope& b) { b.subscribe("orders.*", bill).name("billing").group("billing"); });
  return app;
}
// --8<-- [end:service]

// --8<-- [start:sources]
namespace nats = ruststream::nats;

void declare_on_nats(rs::Scope& b) {
  b.subscribe(nats::Core("orders.>").group("billing"), bill);
  b.subscribe(nats::JetStream("orders.*").durable("billing").max_in_flight(512), bill);
}
// --8<-- [end:sources]

// --8<-- [start:stream]
rs::Result<void> make_stream(rs::Broker broker) {
  return broker.admin("create", "jetstream", "ORDERS", {}, {{"subjects", "orders.*"}}).get();
}
// --8<-- [end:stream]

RUSTSTREAM_MAIN(orders)
