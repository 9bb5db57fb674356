// What a plugin's language costs: one of the brokers in languages/, under the least host and in a service.
//   bench_languages call|publish|deliver|service PLUGIN COUNT BATCH       prints one line of JSON
// call: publish without messages, COUNT times. publish: COUNT messages, BATCH in a call, until the plugin has sent
// them. deliver: COUNT messages in batches of BATCH, each batch settled by one call. service: the same, handled one by
// one.
#include "bench.hpp"
#include "nats.hpp"
#include "nats_host.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace bench {
namespace {

constexpr std::uint32_t kCredit = 8192;
constexpr std::uint32_t kMostBatch = 64;

struct Wanted {
  std::string plugin;
  std::uint64_t count;
  std::uint32_t batch;
};

void print(const Window& window, std::uint64_t count) {
  const auto each = static_cast<double>(count);
  std::printf(R"({"ns": %.2f, "cpu_us": %.5f})"
              "\n",
              static_cast<double>(now_ns() - window.begin_ns) / each, (cpu_us() - window.begin_cpu_us) / each);
}

void call(const Wanted& wanted) {
  Host host(wanted.plugin, "source:");
  const std::uint64_t publisher = host.open_publisher("endless", "nowhere", {}, 0);
  const Window window;
  for (std::uint64_t i = 0; i < wanted.count; ++i) host.publish(publisher, {}, 0);
  print(window, wanted.count);
}

void publish(const Wanted& wanted) {
  Host host(wanted.plugin, "source:");
  const std::uint64_t publisher = host.open_publisher("endless", "nowhere", {}, 0);
  const std::array<std::uint8_t, kPayloadBytes> payload{};
  std::array<rst_out_message, kMostBatch> messages{};
  for (rst_out_message& each : messages) {
    each.payload = payload.data();
    each.payload_len = payload.size();
  }
  const Window window;
  for (std::uint64_t i = 0; i < wanted.count; i += wanted.batch)
    host.publish(publisher, std::span(messages).first(wanted.batch), 0);
  host.flush();
  print(window, wanted.count);
}

void deliver(const Wanted& wanted) {
  Host host(wanted.plugin, "source:");
  const Window window;
  const std::uint64_t subscription = host.subscribe("endless", "everything", {}, kCredit, {}, wanted.batch);
  std::uint32_t used = 0;
  for (std::uint64_t came = 0; came < wanted.count;) {
    rst_batch* const batch = host.next();
    host.acknowledge(subscription, *batch);
    came += batch->count;
    used += batch->count;
    batch->ops->release(batch);
    if (used < kCredit / 2) continue;
    host.credit(subscription, used);
    used = 0;
  }
  print(window, wanted.count);
}

void service(const Wanted& wanted) {
  rs::App app{{.title = "bench", .version = "1"}};
  app.set("plugin.path", wanted.plugin).set("log.level", "error");
  std::uint64_t left = wanted.count, bytes = 0;
  Window window;
  app.broker("source:", [&](rs::Scope& scope) {
    scope
        .subscribe("everything",
                   [&](rs::Payload payload) {
                     if (left == wanted.count) window = {};
                     bytes += payload.size();
                     if (left == 0) return;  // the last ones, while it stops
                     --left;
                     if (left != 0) return;
                     print(window, wanted.count);
                     app.stop();
                   })
        .in_flight(kCredit);
  });
  need(app.start(), "start");
  if (app.wait() != rs::kExitOk || bytes < wanted.count * kPayloadBytes) fail("service", "ended badly");
}

int main_of(std::span<char* const> words) {
  constexpr std::pair<std::string_view, void (*)(const Wanted&)> kModes[] = {
      {"call", call}, {"publish", publish}, {"deliver", deliver}, {"service", service}};
  const std::string_view mode = words.size() == 5 ? words[1] : "";
  const auto* const found = std::ranges::find(kModes, mode, [](const auto& each) { return each.first; });
  const auto batch = words.size() == 5 ? static_cast<std::uint32_t>(std::strtoul(words[4], nullptr, 10)) : 0;
  if (found == std::end(kModes) || batch == 0 || batch > kMostBatch) {
    std::fprintf(stderr,
                 "usage: bench_languages call|publish|deliver|service PLUGIN COUNT BATCH, a batch of at most %u\n",
                 kMostBatch);
    return EXIT_FAILURE;
  }
  found->second({words[2], std::strtoull(words[3], nullptr, 10) / batch * batch, batch});
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main_of({argv, static_cast<std::size_t>(argc)}); }
