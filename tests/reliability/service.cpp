// Both sides of a stream for driver.py, which breaks everything around them:
//   reliability_service publish URL PLUGIN COUNT RATE [OPTION=VALUE…]   makes the stream and fills it with COUNT
//   numbers reliability_service --set app.notes=FILE …                         notes each number on disk, then
//   acknowledges it
#include <ruststream/nats.hpp>
#include <ruststream/ruststream.hpp>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>

namespace rs = ruststream;
using namespace std::chrono_literals;

namespace {

constexpr const char* kStream = "NUMBERS";
constexpr const char* kSubject = "numbers";
constexpr std::size_t kUnderWay = 512;           // published and not confirmed
constexpr auto kConfirmedWithin = 2s;            // else it is published again, under the same id
constexpr auto kPause = 20ms;                    // after a failure
constexpr auto kAckWait = 5s;                    // driver.py: ACK_WAIT_S
constexpr std::uint32_t kBatch = 64;             // numbers for one write to the disk
constexpr std::uint32_t kInFlight = 2 * kBatch;  // driver.py: IN_FLIGHT

struct Numbered {
  std::uint64_t n;
};

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Lines `NUMBER ATTEMPT MICROSECONDS`.
class Notes {
 public:
  explicit Notes(const std::string& path) : file_(std::fopen(path.c_str(), "a")) {}

  void operator()(std::span<const Numbered> numbers, rs::Context& context) {
    const auto now = now_us();
    for (std::uint32_t i = 0; i != numbers.size(); ++i) {
      std::fprintf(file_.get(), "%" PRIu64 " %u %" PRId64 "\n", numbers[i].n, context.message(i).attempt(), now);
    }
    if (std::fflush(file_.get()) != 0 || fdatasync(fileno(file_.get())) != 0)
      throw rs::Fatal("the notes are not on disk");
  }
  [[nodiscard]] bool open() const { return file_ != nullptr; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

rs::App service() {
  rs::App app{{.title = "reliability", .version = "1"}};
  auto notes = std::make_shared<std::unique_ptr<Notes>>();
  app.broker("nats://127.0.0.1", [&](rs::Scope& scope) {
    scope
        .subscribe(rs::nats::JetStream(kSubject).durable("notes").ack_wait(kAckWait),
                   [notes](std::span<const Numbered> numbers, rs::Context& context) { (**notes)(numbers, context); })
        .batch(kBatch)
        .in_flight(kInFlight);
  });
  app.on_startup([notes](rs::App& running) -> rs::Task<rs::Result<void>> {
    *notes = std::make_unique<Notes>(running.setting("notes").value_or(""));
    if (!(*notes)->open()) co_return rs::fail(rs::Code::option, "app.notes is no file that can be written");
    co_return rs::Result<void>();
  });
  return app;
}

/// Keeps kUnderWay numbers under way and publishes again what failed; ends when all are confirmed.
rs::Result<void> publish(rs::Publisher out, std::uint64_t count, std::uint64_t rate) {
  const auto begin = std::chrono::steady_clock::now();
  std::deque<std::pair<std::uint64_t, rs::Publishing>> under_way;
  std::map<std::string, std::uint64_t> failures;
  const auto send = [&](std::uint64_t n) {
    under_way.emplace_back(n, out.message(Numbered{n}).message_id(std::to_string(n)).publish());
  };
  for (std::uint64_t next = 0; next != count || !under_way.empty();) {
    if (next != count && under_way.size() < kUnderWay) {
      const auto due = begin + next * 1'000'000us / rate;
      if (under_way.empty()) std::this_thread::sleep_until(due);
      if (std::chrono::steady_clock::now() >= due) {
        send(next++);
        continue;
      }
    }
    auto [n, publishing] = std::move(under_way.front());
    under_way.pop_front();
    const auto done = publishing.get();
    if (done) continue;
    // A stream whose leader has died has no route until the next one leads.
    if (!done.error().retryable() && done.error().code != rs::Code::no_route) return done;
    ++failures[rs::to_string(done.error().code)];
    std::this_thread::sleep_for(kPause);
    send(n);
  }
  for (const auto& [code, times] : failures) std::printf("%s %" PRIu64 "\n", code.c_str(), times);
  return {};
}

rs::Result<void> publish(std::span<char*> words) {
  rs::ConnectOptions where;
  where.plugin_path = words[1];
  auto broker = rs::connect(words[0], where).get();
  if (!broker) return std::unexpected(broker.error());
  rs::PluginOptions stream = {{"subjects", kSubject}};
  for (const std::string word : words.subspan(4)) {
    const auto split = word.find('=');
    stream.emplace_back(word.substr(0, split), word.substr(split + 1));
  }
  if (auto made = broker->admin("create", "jetstream", kStream, {}, stream).get(); !made) return made;
  std::puts("ready");
  std::fflush(stdout);
  rs::PublisherOptions options;
  options.kind = "jetstream";
  options.timeout = kConfirmedWithin;
  auto out = broker->publisher(kSubject, options).get();
  if (!out) return std::unexpected(out.error());
  if (auto done = publish(*out, std::stoull(words[2]), std::stoull(words[3])); !done) return done;
  return broker->close().get();
}

}  // namespace

int main(int argc, char** argv) {
  const std::span words(argv, static_cast<std::size_t>(argc));
  if (argc < 6 || std::string_view(argv[1]) != "publish") return rs::run_main(service, argc, argv);
  const auto done = publish(words.subspan(2));
  if (!done) std::fprintf(stderr, "%s: %s\n", rs::to_string(done.error().code), done.error().text.c_str());
  return done ? 0 : 1;
}
