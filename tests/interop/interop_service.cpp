// A service on NATS for clients that nobody here wrote: what it takes and gives is looked at by nats_py.py and
// nats_go/.
#include <ruststream/ruststream.hpp>

#include <cstdlib>
#include <string>

namespace rs = ruststream;

namespace {

struct Number {
  std::int64_t n;
};

rs::PublishBuilder with_headers(rs::PublishBuilder to, rs::Headers headers) {
  for (const rs::Header header : headers) to = std::move(to).header(header.name, header.value);
  return to;
}

/// Payload and headers as they came, to the subject in the header `To`.
void echo(rs::Message message, rs::Context& context) {
  auto out = with_headers(context.outgoing(message.payload()), message.headers());
  (void)std::move(out).to(message.headers().find("To").value_or("echoed")).publish();
}

Number twice(const Number& number) { return {2 * number.n}; }

/// Fails until the attempt in the header `Fail-Until`; then the payload goes to the stream of what is done, under an
/// id.
struct Work {
  rs::Publisher done;

  rs::Outcome operator()(rs::Message message, rs::Context& context) {
    const int until = std::atoi(std::string(message.headers().find("Fail-Until").value_or("1")).c_str());
    if (message.attempt() < until) return rs::retry();
    (void)with_headers(done.message(message.payload()), message.headers())
        .header("Attempt", std::to_string(message.attempt()))
        .message_id(message.payload().text())
        .publish();
    if (context.stopping()) return rs::release();
    return rs::ack();
  }
};

rs::App service() {
  rs::App app{{.title = "interop", .version = "1"}};
  app.broker("nats://127.0.0.1", [](rs::Scope& scope) {
    scope.subscribe("echo.>", echo).kind("core").at_most_once();
    scope.subscribe("twice", twice).kind("core").group("workers").at_most_once();
    rs::PublisherOptions options;
    options.kind = "jetstream";
    scope.subscribe("orders.*", Work{scope.publisher("done", "done", options)}).kind("jetstream").durable("workers");
  });
  return app;
}

}  // namespace

RUSTSTREAM_MAIN(service)
