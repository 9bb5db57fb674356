// patient URL PLUGIN SECONDS: waits at most that long for the directory, then takes back what it publishes there.
#include <ruststream/client.hpp>

#include <cstdio>
#include <cstdlib>

namespace rs = ruststream;

namespace {

rs::Task<rs::Result<void>> exchange(std::string url, rs::ConnectOptions options) {
  auto broker = co_await rs::connect(std::move(url), std::move(options));
  if (!broker) co_return std::unexpected(broker.error());
  auto sub = co_await broker->subscribe("own");
  if (!sub) co_return std::unexpected(sub.error());
  auto out = co_await broker->publisher("own");
  if (!out) co_return std::unexpected(out.error());
  if (auto done = co_await out->publish(std::string("hello")); !done) co_return done;
  auto delivery = co_await sub->next();
  if (!delivery) co_return std::unexpected(delivery.error());
  if (auto settled = std::move(*delivery).ack(); !settled) co_return settled;
  co_return co_await broker->close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  rs::ConnectOptions options;
  options.plugin_path = argv[2];
  options.timeout = std::chrono::seconds(std::atoi(argv[3]));
  options.retry_initial = true;
  auto result = rs::run(exchange(argv[1], std::move(options)));
  if (!result) std::fprintf(stderr, "error: %s\n", result.error().text.c_str());
  return result ? 0 : 1;
}
