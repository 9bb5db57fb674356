// The examples, as processes. What quakes prints is compared with figures taken from the file by another JSON reader.
#include "process.hpp"

#include <simdjson.h>

#include <map>
#include <sstream>

namespace ruststream::testing {
namespace {

TEST(Quickstart, HandlesAnOrderOfWhateverBrokerAndStops) {
  Process service({QUICKSTART, "--plugin", ONE_ORDER_PLUGIN, "--broker", "one:"});
  ASSERT_TRUE(service.says("started")) << service.output();
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait(), 0);
  EXPECT_NE(service.output().find("order 7: 3 pieces\n"), std::string::npos) << service.output();
}

TEST(Quickstart, ChecksWhereItWouldRun) {
  expect_run({QUICKSTART, "check"}, 0, {"subscription orders: orders, kind topic", "ok\n"});
  expect_run({QUICKSTART, "check", "--broker", "one:"}, 78, {"one", "memory"});
}

TEST(Streaming, PrintsItsThreeOrders) {
  expect_run({STREAMING}, 0, {"order 1: 10 pieces\norder 2: 20 pieces\norder 3: 30 pieces\n"});
  expect_run({STREAMING, "memory:other"}, 0, {"order 3: 30 pieces\n"});
  expect_run({STREAMING, "nowhere:"}, 1, {"error: ", "nowhere"});
}

struct Figures {
  struct Network {
    int events = 0;
    double largest = -10;
    std::int64_t last = 0;
    bool in_order = true;
    bool operator==(const Network&) const = default;
  };
  std::map<std::string, Network> networks;
  int events = 0, alerts = 0;
  double deepest = 0;
};

Figures expected() {
  Figures out;
  simdjson::dom::parser parser;
  for (const simdjson::dom::element quake : parser.load_many(std::string(QUAKES_FOLDER) + "/data/earthquakes.ndjson")) {
    const simdjson::dom::element properties = quake["properties"];
    Figures::Network& network = out.networks[std::string(std::string_view(properties["net"]))];
    const std::int64_t time = properties["time"];
    network.in_order = network.in_order && time >= network.last;
    network.last = time;
    ++network.events;
    ++out.events;
    double magnitude = 0;
    if (properties["mag"].get(magnitude) != simdjson::SUCCESS) continue;
    network.largest = std::max(network.largest, magnitude);
    if (magnitude < 4.5) continue;
    ++out.alerts;
    out.deepest = std::max(out.deepest, double(quake["geometry"]["coordinates"].at(2)));
  }
  return out;
}

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

TEST(Quakes, PrintsTheFiguresOfTheFileOnEveryFormOfTheBroker) {
  const Figures figures = expected();
  ASSERT_EQ(figures.events, 1707);
  ASSERT_GT(figures.alerts, 0);
  const std::vector<std::vector<std::string>> forms{
      {},
      {"run", "--plugin", MEMORY_PLUGIN},
      {"--config", std::string(QUAKES_FOLDER) + "/quakes.toml"},
      {"--broker", "memory:other?partitions=8&capacity=64"},
      {"--set", "subscription.screen.workers=1", "--set", "subscription.count.workers=1", "--log-level", "error"},
  };
  for (auto arguments : forms) {
    arguments.insert(arguments.begin(), QUAKES);
    const std::string output = expect_run(arguments, 0);
    std::map<std::string, std::string> rows;
    ASSERT_NE(output.find("network "), std::string::npos) << output;
    std::istringstream lines(output.substr(output.find("network ")));
    for (std::string line, name; std::getline(lines, line);) {
      std::istringstream words(line);
      words >> name;
      std::string rest, word;
      while (words >> word) rest += word + " ";
      rows[name] = rest;
    }
    for (const auto& [name, network] : figures.networks) {
      EXPECT_EQ(rows[name], std::to_string(network.events) + number(" %.2f ", network.largest) +
                                (network.in_order ? "yes " : "NO "))
          << name;
    }
    const std::string alerts = std::to_string(figures.alerts);
    const std::string& last = rows[std::to_string(figures.events)];
    EXPECT_TRUE(last.starts_with("events, " + alerts + " alerts (magnitude 4.5 and more, " + alerts + " received in "))
        << output;
    EXPECT_TRUE(last.ends_with("deepest alert " + number("%.1f km ", figures.deepest))) << output;
  }
}

TEST(Quakes, WrongFlagsUrlsAndFilesAreRefusedByName) {
  expect_run({QUAKES, "--brokers", "memory:"}, 64, {"--brokers", "--broker"});
  expect_run({QUAKES, "--broker", "nowhere://localhost"}, 78, {"nowhere", "memory"});
  expect_run({QUAKES, "--broker", "nats://127.0.0.1:1"}, 69, {"127.0.0.1:1"});
  expect_run({QUAKES, "--set", "subscription.screen.kind=log"}, 78, {"screen", "quakes.event.*", "log"});
  expect_run({QUAKES, "--set", "subscription.scren.workers=2"}, 78, {"scren", "screen"});
  expect_run({QUAKES, "--broker", "memory:?topics=existing"}, 69, {"quakes.alert"});
  expect_run({QUAKES, "--set", "app.file=/nowhere.ndjson"}, 70, {"/nowhere.ndjson", "app.file"});
  expect_run({QUAKES, "--set", "app.events=many"}, 70, {"app.events", "`many`"});
}

}  // namespace
}  // namespace ruststream::testing
