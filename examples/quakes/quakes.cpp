// A week of real earthquakes through one service: publish a file, raise alerts, keep counts per network, report.
//   quakes [--broker URL] [--config quakes.toml] [--set app.file=FILE | --set app.events=N]
// With app.events another process publishes so many events, and this one none.
#include <ruststream/ruststream.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>

namespace rs = ruststream;

// Only what is used: unknown members of the JSON are stepped over.
struct Properties {
  std::optional<double> mag;
  std::string place;
  std::int64_t time;  // milliseconds since the epoch
  std::string net;
};
struct Geometry {
  std::array<double, 3> coordinates;  // longitude, latitude, depth in km
};
struct Quake {
  std::string id;
  Properties properties;
  Geometry geometry;
};
struct Alert {
  std::string id, place;
  double magnitude, depth_km;
};

struct Network {
  int events = 0;
  double largest = -10;
  std::int64_t last_time = 0;
  bool in_order = true;
};

// What the handlers share: all of them run on the service's one loop thread, so nothing here needs a lock.
struct Board {
  std::map<std::string, Network> networks;
  std::size_t published = 0, screened = 0, counted = 0, raised = 0, received = 0, batches = 0;
  double deepest_km = 0;
  bool all_published = false;

  void stop_when_done(rs::Context& ctx) const {
    if (all_published && screened >= published && counted >= published && received >= raised) ctx.stop();
  }
};

rs::Task<rs::Result<void>> expect_feed(rs::App& app, Board& board) {
  const auto events = app.setting("events");
  if (!events) co_return rs::Result<void>();
  const auto [end, failed] = std::from_chars(events->data(), events->data() + events->size(), board.published);
  if (failed != std::errc() || end != events->data() + events->size() || board.published == 0) {
    co_return rs::fail(rs::Code::option,
                       "app.events: `" + *events + "` is not how many events another process publishes");
  }
  board.all_published = true;
  co_return rs::Result<void>();
}

rs::Task<rs::Result<void>> publish_file(rs::App& app, Board& board) {
  if (board.all_published) co_return rs::Result<void>();
  const std::string name = app.setting("file").value_or(QUAKES_FILE);
  std::ifstream file(name);
  if (!file) co_return rs::fail(rs::Code::not_found, name + ": cannot be read; name another with --set app.file=FILE");
  auto out = app.publisher();
  if (!out) co_return std::unexpected(out.error());
  for (std::string line; std::getline(file, line); ++board.published) {
    const std::size_t at = line.find("\"net\":\"") + 7;
    const std::string net = line.substr(at, line.find('"', at) - at);
    auto sent = out->message(rs::Payload(line)).to("quakes.event." + net).key(net).publish();
    if (auto done = co_await sent; !done) co_return done;
  }
  board.all_published = true;
  co_return rs::Result<void>();
}

void report(const Board& board) {
  std::printf("%-8s %7s %8s  %s\n", "network", "events", "largest", "in time order");
  for (const auto& [name, network] : board.networks) {
    std::printf("%-8s %7d %8.2f  %s\n", name.c_str(), network.events, network.largest, network.in_order ? "yes" : "NO");
  }
  std::printf("%zu events, %zu alerts (magnitude 4.5 and more, %zu received in %zu batches), deepest alert %.1f km\n",
              board.counted, board.raised, board.received, board.batches, board.deepest_km);
}

rs::App quakes() {
  rs::App app{{.title = "quakes", .version = "0.1.0"}};
  auto board = std::make_shared<Board>();

  app.broker("memory:", [&](rs::Scope& b) {
    b.subscribe("quakes.event.*", [board](const Quake& quake, rs::Context& ctx) {
       if (const double magnitude = quake.properties.mag.value_or(0); magnitude >= 4.5) {
         ++board->raised;
         const Alert alert{quake.id, quake.properties.place, magnitude, quake.geometry.coordinates[2]};
         (void)ctx.publish("quakes.alert", alert);  // the event is settled once the alert is published
       }
       ++board->screened;
       board->stop_when_done(ctx);
     }).name("screen");

    b.subscribe("quakes.event.*",
                [board](const Quake& quake, rs::Context& ctx) {
                  Network& network = board->networks[std::string(ctx.message().key().value_or(quake.properties.net))];
                  ++network.events;
                  network.largest = std::max(network.largest, quake.properties.mag.value_or(network.largest));
                  network.in_order = network.in_order && quake.properties.time >= network.last_time;
                  network.last_time = quake.properties.time;
                  ++board->counted;
                  board->stop_when_done(ctx);
                })
        .name("count")
        .workers(4, rs::by_key);

    b.subscribe("quakes.alert",
                [board](std::span<const Alert> alerts, rs::Context& ctx) {
                  for (const Alert& alert : alerts) board->deepest_km = std::max(board->deepest_km, alert.depth_km);
                  board->received += alerts.size();
                  ++board->batches;
                  board->stop_when_done(ctx);
                })
        .name("alerts")
        .batch(32, std::chrono::milliseconds(20));
  });

  app.on_startup([board](rs::App& starting) { return expect_feed(starting, *board); });
  app.after_startup([board](rs::App& running) { return publish_file(running, *board); });
  app.after_shutdown([board](rs::App&) { report(*board); });
  return app;
}
RUSTSTREAM_MAIN(quakes)
