// A service on Redis, over the plugin that is written in Rust, for a client that nobody here wrote: redis_py.py. What
// comes on channels goes through the minimal broker in C++ on its way back, whose topics nobody outside the process can
// reach.
#include <ruststream/ruststream.hpp>

#include <cstdlib>
#include <string>

namespace rs = ruststream;

namespace {

/// What comes goes on.
struct Echo {
  rs::Publisher to;
  rs::Outcome operator()(rs::Message message, rs::Context&) {
    (void)to.message(message.payload()).publish();
    return rs::ack();
  }
};

/// Fails until the attempt in the header `Fail-Until`; then the entry goes, whole, to the stream of what is done.
struct Work {
  rs::Publisher done;
  rs::Outcome operator()(rs::Message message, rs::Context&) {
    const int until = std::atoi(std::string(message.headers().find("Fail-Until").value_or("1")).c_str());
    if (message.attempt() < until) return rs::retry();
    auto out = done.message(message.payload());
    for (const rs::Header header : message.headers()) out = std::move(out).header(header.name, header.value);
    (void)std::move(out).header("Attempt", std::to_string(message.attempt())).publish();
    return rs::ack();
  }
};

rs::App service() {
  rs::App app{{.title = "redis-interop", .version = "1"}};
  rs::PublisherOptions channel, stream;
  channel.kind = "pubsub";
  stream.kind = "stream";
  rs::Publisher echoed, within;
  app.broker("out", "redis://127.0.0.1",
             [&](rs::Scope& scope) { echoed = scope.publisher("echoed", "echoed", channel); });
  app.broker("minimal", "minimal:", [&](rs::Scope& scope) {
    within = scope.publisher("within", "within");
    scope.subscribe("within", Echo{echoed});
  });
  app.broker("in", "redis://127.0.0.1", [&](rs::Scope& scope) {
    scope.subscribe("echo.*", Echo{within}).kind("pubsub").at_most_once();
    scope.subscribe("orders", Work{scope.publisher("done", "done", stream)}).kind("stream").group("workers");
  });
  return app;
}

}  // namespace

RUSTSTREAM_MAIN(service)
