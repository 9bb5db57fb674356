// The streaming client: no app, no macro. Publishes three orders and takes them back, from a coroutine.
#include <ruststream/client.hpp>

#include <cstdio>

namespace rs = ruststream;

struct Order {
  std::uint64_t id;
  std::uint32_t quantity;
};

rs::Task<rs::Result<void>> trade(std::string url) {
  auto broker = co_await rs::connect(std::move(url));
  if (!broker) co_return std::unexpected(broker.error());
  auto orders = co_await broker->subscribe("orders.*");
  if (!orders) co_return std::unexpected(orders.error());
  auto out = co_await broker->publisher("orders.placed");
  if (!out) co_return std::unexpected(out.error());

  for (std::uint32_t i = 1; i <= 3; ++i) {
    const Order order{i, i * 10};
    if (auto done = co_await out->publish(order); !done) co_return done;
  }
  for (int taken = 0; taken < 3; ++taken) {
    auto delivery = co_await orders->next();
    if (!delivery) co_return std::unexpected(delivery.error());
    auto order = delivery->decode<Order>();
    if (!order) co_return std::unexpected(order.error());
    std::printf("order %lu: %u pieces\n", order->id, order->quantity);
    if (auto settled = std::move(*delivery).ack(); !settled) co_return settled;
  }
  co_return co_await broker->close();
}

int main(int argc, char** argv) {
  auto result = rs::run(trade(argc > 1 ? argv[1] : "memory:"));
  if (!result) std::fprintf(stderr, "error: %s\n", result.error().text.c_str());
  return result ? 0 : 1;
}
