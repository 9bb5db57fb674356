#include <ruststream/ruststream.hpp>

#include <cstdio>

namespace rs = ruststream;

struct Order {
  std::uint64_t id;
  std::uint32_t quantity;
};

rs::Outcome bill(const Order& order) {
  std::printf("order %lu: %u pieces\n", order.id, order.quantity);
  return order.quantity > 0 ? rs::ack() : rs::reject();
}

rs::App orders() {
  rs::App app{{.title = "orders", .version = "0.1.0"}};
  app.broker("memory:", [](rs::Scope& b) { b.subscribe("orders", bill); });
  return app;
}
RUSTSTREAM_MAIN(orders)
