// Every form of handler, and how many of them run at a time. Page: docs/service.md.
#include <ruststream/ruststream.hpp>

#include <array>
#include <iostream>

namespace rs = ruststream;
using namespace std::chrono_literals;

// --8<-- [start:plain]
struct Order {
  std::uint64_t id;
  std::string customer;
  std::uint32_t quantity;
};

rs::Outcome accept(const Order& order) {
  if (order.quantity == 0) return rs::reject("nothing was ordered");
  std::cout << "accepted order " << order.id << " of " << order.customer << '\n';
  return rs::ack();
}
// --8<-- [end:plain]

// --8<-- [start:coroutine]
struct Parcel {
  std::uint64_t order;
  std::string to;
};

rs::Task<rs::Outcome> pack(const Order& order, rs::Context& ctx) {
  if (order.quantity == 0) co_return rs::ack();
  co_await rs::sleep_for(1ms);  // other handlers run meanwhile
  const Parcel parcel{order.id, order.customer};
  auto sent = co_await ctx.publish("parcels", parcel);
  if (!sent) co_return rs::retry_after(5s);
  co_return rs::ack();
}
// --8<-- [end:coroutine]

// --8<-- [start:batch]
void ship(std::span<const Parcel> parcels, rs::Context& ctx) {
  std::cout << "one truck for " << parcels.size() << " parcels\n";
  ctx.stop();  // this example has seen enough
}
// --8<-- [end:batch]

// --8<-- [start:raw]
struct Audit {
  std::size_t bytes = 0;

  void operator()(rs::Message message) {
    if (message.headers().find("x-test")) return;
    bytes += message.payload().size();
  }
};
// --8<-- [end:raw]

rs::Task<rs::Result<void>> place_orders(rs::App& app) {
  auto out = app.publisher();
  if (!out) co_return std::unexpected(out.error());
  const std::array<Order, 3> orders{{{1, "ada", 2}, {2, "bob", 0}, {3, "eve", 1}}};
  for (const Order& order : orders) {
    auto placed = co_await out->message(order).to("orders.placed").key(order.customer).publish();
    if (!placed) co_return placed;
  }
  co_return rs::Result<void>();
}

// --8<-- [start:app]
rs::App orders() {
  rs::App app{{.title = "orders", .version = "1.0.0"}};
  app.broker("memory:", [](rs::Scope& b) {
    b.subscribe("orders.placed", accept);
    b.subscribe("orders.placed", pack).name("packing").workers(4, rs::by_key);
    b.subscribe("parcels", ship).name("shipping").batch(2, 1s);
    b.subscribe("orders.>", Audit{}).name("audit");
  });
  app.after_startup(place_orders);
  return app;
}
RUSTSTREAM_MAIN(orders)
// --8<-- [end:app]
