// A service inside somebody else's program: hooks, start, publish, stop, wait. Page: docs/service.md.
#include <ruststream/ruststream.hpp>

#include <iostream>
#include <latch>
#include <memory>

namespace rs = ruststream;

struct Reading {
  std::string sensor;
  double celsius;
};

struct Totals {
  double limit = 0;
  int above = 0;
  std::latch handled{3};
};

// --8<-- [start:hooks]
rs::Task<rs::Result<void>> read_limit(rs::App& app, Totals& totals) {
  const auto limit = app.setting("limit");
  if (!limit) co_return rs::fail(rs::Code::option, "app.limit is missing: set it in [app] of the settings file");
  totals.limit = std::stod(*limit);
  co_return rs::Result<void>();
}

rs::App sensors(std::shared_ptr<Totals> totals) {
  rs::App app{{.title = "sensors", .version = "1.0.0"}};
  app.broker("memory:", [&](rs::Scope& b) {
    b.subscribe("readings", [totals](const Reading& reading) {
      if (reading.celsius > totals->limit) ++totals->above;
      totals->handled.count_down();
    });
  });
  app.on_startup([totals](rs::App& a) { return read_limit(a, *totals); });
  app.after_shutdown([totals](rs::App&) { std::cout << totals->above << " readings above the limit\n"; });
  return app;
}
// --8<-- [end:hooks]

// --8<-- [start:main]
int main() {
  auto totals = std::make_shared<Totals>();
  rs::App app = sensors(totals);
  app.set("app.limit", "30").set("log.level", "error");
  if (auto started = app.start(); !started) {
    std::cerr << started.error().text << '\n';
    return 1;
  }
  auto out = app.publisher();
  for (const double celsius : {21.5, 30.5, 34.0}) {
    const Reading reading{"roof", celsius};
    if (auto sent = out->message(reading).to("readings").publish().get(); !sent) std::cerr << sent.error().text << '\n';
  }
  totals->handled.wait();
  app.stop();
  return app.wait();
}
// --8<-- [end:main]
