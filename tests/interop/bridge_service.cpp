// A service on three brokers whose plugins are written in C, Go and Rust: what lies in a directory goes into the NATS
// server that natsd carries, and from there into a stream of Redis. Each message is acknowledged when the next broker
// has it. bridge.py counts at both ends.
#include <ruststream/ruststream.hpp>

#include <utility>

namespace rs = ruststream;

namespace {

struct Forward {
  rs::Publisher to;

  rs::Task<rs::Outcome> operator()(rs::Message message, rs::Context&) const {
    rs::Publisher next = to;
    auto out = next.message(message.payload());
    for (const rs::Header header : message.headers()) out = std::move(out).header(header.name, header.value);
    auto sending = std::move(out).publish();
    const rs::Result<void> sent = co_await sending;
    if (!sent) co_return rs::retry();
    co_return rs::ack();
  }
};

rs::App service() {
  constexpr std::uint32_t kAtOnce = 64;
  rs::App app{{.title = "bridge", .version = "1"}};
  rs::Publisher sink, bus;
  rs::PublisherOptions of_sink, of_bus;
  of_sink.kind = "stream";
  of_bus.kind = "stored";
  app.broker("sink", "redis://127.0.0.1", [&](rs::Scope& scope) { sink = scope.publisher("sink", "done", of_sink); });
  app.broker("bus", "natsd:", [&](rs::Scope& scope) {
    bus = scope.publisher("bus", "orders", of_bus);
    scope.subscribe("orders", Forward{sink}).name("bus").kind("stored").durable("bridge").workers(kAtOnce);
  });
  app.broker("spool", "dir:spool", [&](rs::Scope& scope) {
    scope.subscribe("in", Forward{bus}).name("spool").group("bridge").workers(kAtOnce);
  });
  return app;
}

}  // namespace

RUSTSTREAM_MAIN(service)
