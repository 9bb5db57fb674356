// A service under load for the lifecycle tests. `app.mode` says how its handler behaves; at the end it prints what
// became of everything that was published, which the process can know because the broker is inside it.
#include <ruststream/ruststream.hpp>

#include <atomic>
#include <cstdio>
#include <thread>

namespace rs = ruststream;
using namespace std::chrono_literals;

namespace {

std::atomic<int> g_handled{0};
std::string g_mode;

struct Work {
  rs::Task<rs::Outcome> operator()(rs::Payload, rs::Context&) const {
    if (g_mode == "fatal") throw rs::Fatal("the disk is gone");
    if (g_mode == "block") std::this_thread::sleep_for(60s);
    co_await rs::sleep_for(g_mode == "stuck" ? 60s : 2ms);
    ++g_handled;
    co_return rs::ack();
  }
};

rs::Task<rs::Result<void>> begin(rs::App& app) {
  g_mode = app.setting("mode").value_or("work");
  if (g_mode == "hook") co_return rs::fail(rs::Code::denied, "no licence");
  co_return rs::Result<void>();
}

rs::Task<rs::Result<void>> up(rs::App&) {
  std::puts("up");
  std::fflush(stdout);
  co_return rs::Result<void>();
}

rs::App service() {
  rs::App app{{.title = "service", .version = "3.2.1"}};
  app.broker("memory:", [](rs::Scope& b) {
    b.subscribe("work", Work{}).group("workers").workers(16).max_attempts(1).dead_letter("dead");
  });
  app.on_startup(begin).after_startup(up);
  return app;
}

/// How many messages a subscription has waiting.
int count(rs::Broker& broker, const char* address, const char* group) {
  rs::SubscribeOptions options;
  options.group = group;
  auto rest = broker.subscribe(address, options).get();
  int found = 0;
  while (rest && found < 1'000'000) {
    auto delivery = rest->receive(20ms);
    if (!delivery) break;
    (void)std::move(*delivery).ack();
    ++found;
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  rs::App app = service();
  std::atomic<int> published{0};
  std::atomic<bool> over{false};
  auto broker = rs::connect("memory:").get();
  if (!broker) return 1;
  for (const char* group : {"work workers", "dead kept"}) {  // made ahead, so that nothing is missed
    const std::string words(group);
    const auto space = words.find(' ');
    (void)broker->admin("create", "topic", words.substr(space + 1), words.substr(0, space)).get();
  }
  auto out = broker->publisher("work").get();
  std::thread load([&] {
    while (!over) {
      if (out->publish(rs::Payload("x")).get()) ++published;
      std::this_thread::sleep_for(100us);
    }
  });
  const int code = app.run(argc, argv);
  over = true;
  load.join();
  std::printf("published %d handled %d left %d dead %d\n", published.load(), g_handled.load(),
              count(*broker, "work", "workers"), count(*broker, "dead", "kept"));
  return code;
}
