// The quickstart service and one message for it: prints the monotonic clock, in ns, at the entry of its handler.
// With IDLE=1 in the environment it goes on running afterwards, for whoever counts what it does when nothing happens.
#include <ruststream/ruststream.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace rs = ruststream;

struct Order {
  std::uint64_t id;
  std::uint32_t quantity;
};

void bill(const Order& order, rs::Context& ctx) {
  std::printf("%lld\n", static_cast<long long>(std::chrono::steady_clock::now().time_since_epoch().count()));
  std::fflush(stdout);
  if (order.quantity > 0 && std::getenv("IDLE") == nullptr) ctx.stop();
}

rs::Task<rs::Result<void>> publish_one(rs::App& app) {
  auto out = app.publisher();
  if (!out) co_return std::unexpected(out.error());
  auto sent = out->message(Order{.id = 1, .quantity = 1}).to("orders").publish();
  co_return co_await sent;
}

rs::App orders() {
  rs::App app{{.title = "orders", .version = "0.1.0"}};
  app.broker("memory:", [](rs::Scope& b) { b.subscribe("orders", bill); });
  app.after_startup(publish_one);
  return app;
}
RUSTSTREAM_MAIN(orders)
