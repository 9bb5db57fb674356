// The service loops: what nats_raw.cpp does, as a service of libruststream.
//   bench_nats_service WORD… as bench_nats_raw, and plugin=FILE
#include "bench.hpp"
#include "nats.hpp"

#include <algorithm>
#include <vector>

namespace bench {
namespace {

rs::App service(const Task& task, const std::function<void(rs::Scope&)>& declare) {
  rs::App app{{.title = "bench", .version = "1"}};
  app.set("plugin.path", task.text("plugin")).set("log.level", "warn");
  app.broker(task.text("url"), declare);
  return app;
}

/// One registration by what the task says, whose handler gives each message to the loop.
rs::Registration subscribe(const Task& task, rs::Scope& scope, Loop& loop) {
  const std::string& subject = task.text("subject");
  if (task.is("decode", "json")) {
    return scope.subscribe(subject, [&](const Trade& trade) { loop.take(trade.id - Message::kFirst); });
  }
  return scope.subscribe(subject, [&](rs::Payload bytes) {
    loop.take(Message::sequence({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  });
}

void end(rs::App& app) {
  app.stop();
  if (app.wait() != rs::kExitOk) fail("service", "ended badly");
}

void core(const Task& task) {
  Loop loop(task);
  rs::App app = service(task, [&](rs::Scope& scope) {
    subscribe(task, scope, loop).kind("core").at_most_once().option("pending_messages", "65536").in_flight(8192);
  });
  need(app.start(), "start");
  loop.attached();
  loop.wait();
  loop.print();
  end(app);
}

void respond(const Task& task) {
  Loop loop(task);
  rs::App app = service(task, [&](rs::Scope& scope) {
    const auto answer = [&](const Trade& trade) {
      loop.take(trade.id - Message::kFirst);
      return trade;
    };
    scope.subscribe(task.text("subject"), answer).kind("core").at_most_once();
  });
  need(app.start(), "start");
  loop.attached();
  loop.wait();
  loop.print();
  end(app);
}

void pull(const Task& task) {
  Loop loop(task);
  rs::App app = service(task, [&](rs::Scope& scope) {
    rs::Registration made = subscribe(task, scope, loop).kind("jetstream").durable("worker");
    if (const std::uint64_t depth = task.number("depth"); depth != 0) {
      made.in_flight(static_cast<std::uint32_t>(depth)).option("max_in_flight", std::to_string(depth));
    }
  });
  need(app.start(), "start");
  loop.wait();
  end(app);  // what was settled has left: the window ends with the settlement of the last
  loop.print();
}

rs::Publisher publisher(const Task& task, rs::Broker& broker, const char* kind, bool confirm) {
  rs::PublisherOptions options;
  options.kind = kind;
  options.confirm = confirm;
  if (confirm) options.options.emplace_back("max_pending", task.text("depth"));
  return need(broker.publisher(task.text("subject"), options).get(), "open publisher");
}

rs::Broker connect(const Task& task) {
  rs::ConnectOptions options;
  options.plugin_path = task.text("plugin");
  return need(rs::connect(task.text("url"), options).get(), "connect");
}

void publish(const Task& task) {
  Loop loop(task);
  Message message(task.text("payload"));
  rs::Broker broker = connect(task);
  rs::Publisher out = publisher(task, broker, "core", false);
  loop.begin();
  for (std::uint64_t i = 0; i < loop.target(); ++i, message.next()) {
    need(out.publish(rs::Payload(message.text())).get(), "publish");
    loop.take(i);
  }
  need(out.flush(std::chrono::seconds(60)).get(), "flush");
  loop.print();
}

/// As many unconfirmed at once as `depth` says.
void publish_confirmed(const Task& task) {
  Loop loop(task);
  Message message(task.text("payload"));
  rs::Broker broker = connect(task);
  rs::Publisher out = publisher(task, broker, "jetstream", true);
  std::vector<rs::Publishing> window;
  const auto depth = std::max<std::uint64_t>(task.number("depth"), 1);
  window.reserve(depth);
  loop.begin();
  for (std::uint64_t i = 0; i < loop.target(); ++i, message.next()) {
    if (i < depth) {
      window.push_back(out.publish(rs::Payload(message.text())));
    } else {
      rs::Publishing& oldest = window[i % depth];
      need(oldest.get(), "publish");
      std::destroy_at(&oldest);
      std::construct_at(&oldest, out.publish(rs::Payload(message.text())));
    }
    loop.take(i);
  }
  for (rs::Publishing& each : window) need(each.get(), "publish");
  loop.print();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::run_scenario({bench::core, bench::publish, bench::publish_confirmed, bench::pull, bench::respond}, argc, argv);
}
