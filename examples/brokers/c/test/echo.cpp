// A service on the directory broker for exchange.py: what comes to `in` goes to `out` with its headers, published
// before it is acknowledged.
#include <ruststream/ruststream.hpp>

namespace rs = ruststream;

namespace {

void echo(rs::Message message, rs::Context& context) {
  auto out = context.outgoing(message.payload());
  for (const rs::Header header : message.headers()) out = std::move(out).header(header.name, header.value);
  (void)std::move(out).to("out").publish();
}

rs::App service() {
  rs::App app{{.title = "echo", .version = "1"}};
  app.broker("dir:spool", [](rs::Scope& scope) { scope.subscribe("in", echo).group("workers"); });
  return app;
}

}  // namespace

RUSTSTREAM_MAIN(service)
