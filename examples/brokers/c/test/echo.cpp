// A service on the directory broker for exchange.py: what comes to `in` goes to `out` with its headers, published
// before it is acknowledged.
#include <ruststream/ruststream.hpp>

#include <chrono>

namespace rs = ruststream;
using namespace std::chrono_literals;

namespace {

void echo(rs::Message message, rs::Context& context) {
  auto out = context.outgoing(message.payload());
  for (const rs::Header header : message.headers()) out = std::move(out).header(header.name, header.value);
  (void)std::move(out).to("out").publish();
}

rs::App service() {
  rs::App app{{.title = "echo", .version = "1"}};
  app.broker("dir:spool", [](rs::Scope& scope) {
    // A publish fails where `lock` is not to be had. What has been through kills would wait for half a minute then.
    scope.subscribe("in", echo).group("workers").on_failure(rs::retry_with_backoff(10ms, 100ms));
  });
  return app;
}

}  // namespace

RUSTSTREAM_MAIN(service)
