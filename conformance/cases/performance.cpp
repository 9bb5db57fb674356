// How fast the plugin is: measured and reported, held against the testkit's floor where it names one. The host looks at
// nothing here: it takes, settles, releases and gives credit.
#include "cases/case.hpp"
#include "cases/messages.hpp"
#include "host/meter.hpp"

#include <charconv>
#include <cmath>
#include <condition_variable>

namespace conformance {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kMeasured = 300ms;
constexpr std::size_t kPayload = 512;
constexpr std::uint32_t kArray = 64;

/// Messages from a publisher to a subscription, in arrays, as fast as both go.
class Stream {
 public:
  explicit Stream(Test& t)
      : t_(t), payload_(kPayload, 'x'), window_(std::max(1U, t.unsettled(16 * kArray))), outgoing_(kArray) {
    for (rst_out_message& each : outgoing_) {
      each.payload = reinterpret_cast<const std::uint8_t*>(payload_.data());
      each.payload_len = payload_.size();
    }
    t.use_real_time();
    t.instance();
    if (t.simulated())
      Test::skip("the plugin's time is simulated: the testkit says `real_time` where it keeps its own");
    t.instance().host.takes_all = [this](rst_batch* batch) {
      const std::scoped_lock lock(mutex_);
      came_.push_back(batch);
      latest_ = Clock::now();
      changed_.notify_one();
      return RST_DONE;
    };
    sub_ = t.subscribe({.credit = window_, .window = window_});
    out_ = t.publisher();
  }

  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
  [[nodiscard]] Clock::time_point latest() const noexcept { return latest_; }

  /// Publishes up to `most` of what the window has room for; nothing is confirmed.
  void publish(std::uint32_t most) {
    rst_publish call{};
    call.struct_size = sizeof call;
    call.publisher = out_.handle;
    call.messages = outgoing_.data();
    call.count = static_cast<std::uint32_t>(std::min<std::uint64_t>({most, kArray, window_ - (sent_ - taken_)}));
    call.stride = sizeof(rst_out_message);
    call.timeout_ns = 5'000'000'000;
    if (call.count == 0) return;
    const std::int32_t returned =
        t_.inside("publish", [&] { return out_.instance->table().publish(out_.instance->raw(), &call, nullptr); });
    if (returned < 0 && returned != -RST_E_BACKPRESSURE) t_.fail("P1", "publish succeeds", code_name(-returned));
    sent_ += call.accepted;
  }

  /// Waits for what comes next, then settles, releases and gives credit for all that came.
  void take() {
    std::unique_lock lock(mutex_);
    const bool some = changed_.wait_for(lock, t_.testkit.arrival, [this] { return !came_.empty(); });
    t_.expect(some, "P1", std::to_string(sent_) + " messages are delivered", std::to_string(taken_) + " came");
    batches_.swap(came_);
    lock.unlock();
    settlements_.clear();
    std::uint32_t count = 0;
    for (rst_batch* const batch : batches_) {
      for (std::uint32_t i = 0; i < batch->count; ++i) {
        const rst_message& message = at_stride(batch->messages, batch->stride, i);
        if (message.token == 0) continue;
        rst_settlement& made = settlements_.emplace_back();
        made.token = message.token;
        made.verdict = RST_VERDICT_ACK;
      }
      count += batch->count;
    }
    settle();
    for (rst_batch* const batch : batches_) batch->ops->release(batch);
    batches_.clear();
    taken_ += count;
    t_.expect(taken_ <= sent_, "S1", "an acknowledged message does not come again",
              std::to_string(taken_) + " came of " + std::to_string(sent_));
    rst_credit credit{};
    credit.struct_size = sizeof credit;
    credit.flags = RST_CREDIT_ADD;
    credit.subscription = sub_.handle;
    credit.messages = count;
    credit.bytes = std::uint64_t{count} * kPayload;
    const std::int32_t returned =
        t_.inside("credit", [&] { return sub_.instance->table().credit(sub_.instance->raw(), &credit, nullptr); });
    if (returned < 0) t_.fail("F1", "credit succeeds", code_name(-returned));
  }

  void take_all() {
    while (taken_ < sent_) take();
  }

 private:
  void settle() {
    if (settlements_.empty()) return;
    rst_settle call{};
    call.struct_size = sizeof call;
    call.subscription = sub_.handle;
    call.items = settlements_.data();
    call.count = static_cast<std::uint32_t>(settlements_.size());
    call.stride = sizeof(rst_settlement);
    const std::int32_t returned =
        t_.inside("settle", [&] { return sub_.instance->table().settle(sub_.instance->raw(), &call, nullptr); });
    if (returned < 0) t_.fail("S2", "settle succeeds", code_name(-returned));
    for (const rst_settlement& each : settlements_)
      if (each.status < 0) t_.fail("S2", "an ack succeeds", code_name(rst_status_code(each.status)));
  }

  Test& t_;
  const std::string payload_;
  const std::uint32_t window_;
  std::vector<rst_out_message> outgoing_;
  Subscription sub_;
  Publisher out_;
  std::uint64_t sent_ = 0, taken_ = 0;
  std::vector<rst_batch*> batches_;
  std::vector<rst_settlement> settlements_;
  std::mutex mutex_;  // of the next three
  std::condition_variable changed_;
  std::vector<rst_batch*> came_;
  Clock::time_point latest_;
};

/// Exchanges so many messages.
void exchange_messages(Test& t, std::uint64_t count) {
  Stream stream(t);
  while (stream.taken() < count) {
    stream.publish(kArray);
    stream.take();
  }
}

/// Instructions of a process that exchanges `messages`, its start and end included; nothing where they cannot be
/// counted.
std::optional<double> instructions_of(Test& t, int messages) {
  const Apart counted =
      t.run_apart(std::to_string(messages), {"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"});
  constexpr std::string_view kBefore = "Collected : ";
  const std::size_t at = counted.output.find(kBefore);
  if (counted.status != 0 || at == std::string::npos) return std::nullopt;
  std::uint64_t found = 0;
  const char* const end = counted.output.data() + counted.output.size();
  const bool read = std::from_chars(counted.output.data() + at + kBefore.size(), end, found).ec == std::errc();
  return read ? std::optional(static_cast<double>(found)) : std::nullopt;
}

constexpr Case kCases[] = {
    {.name = "performance.throughput",
     .rule = "P1",
     .says = "Messages go through as fast as both sides can, all of them, and no slower than the testkit's floor.",
     .run =
         [](Test& t) {
           Stream stream(t);
           const auto begin = Clock::now();
           while (Clock::now() < begin + kMeasured) {
             stream.publish(kArray);
             stream.take();
           }
           stream.take_all();
           const double rate =
               static_cast<double>(stream.taken()) / std::chrono::duration<double>(Clock::now() - begin).count();
           t.measure("throughput", rate, "messages/s");
           const double floor = t.testkit.kind(t.kind.name).messages_per_second;
           t.expect(rate >= floor, "cap",
                    "at least " + std::to_string(std::lround(floor)) + " messages/s, says the testkit",
                    std::to_string(std::lround(rate)));
         }},
    {.name = "performance.latency",
     .rule = "P1",
     .says = "A message on its own is delivered at once; how long that takes is reported.",
     .run =
         [](Test& t) {
           Stream stream(t);
           std::vector<double> all;
           for (const auto begin = Clock::now(); Clock::now() < begin + kMeasured;) {
             const auto sent = Clock::now();
             stream.publish(1);
             stream.take_all();
             all.push_back(std::chrono::duration<double, std::micro>(stream.latest() - sent).count());
           }
           std::ranges::sort(all);
           t.measure("latency p50", all[all.size() / 2], "us");
           t.measure("latency p99", all[all.size() * 99 / 100], "us");
         }},
    {.name = "performance.instructions",
     .rule = "P1",
     .says =
         "What one message costs in instructions is reported where valgrind is present, the plugin has no runtime, and "
         "counting twice gives the same: batches that come as they like cost what they like.",
     .run =
         [](Test& t) {
           constexpr int kFew = 500, kMany = 1'500;
           constexpr double kSame = 0.1;                                            // of what is reported
           if (kSanitized || t.plugin.table().runtime != RST_RUNTIME_NONE) return;  // valgrind can run neither
           const auto few = instructions_of(t, kFew), again = few ? instructions_of(t, kFew) : std::nullopt;
           const auto many = again ? instructions_of(t, kMany) : std::nullopt;
           if (!many || std::abs(*again - *few) > kSame * (*many - *few)) return;
           t.measure("instructions", (*many - *few) / (kMany - kFew), "per message, host included");
         },
     .apart =
         [](Test& t) {
           std::uint64_t count = 0;
           (void)std::from_chars(t.apart.data(), t.apart.data() + t.apart.size(), count);
           exchange_messages(t, count);
         }},
};

}  // namespace

std::span<const Case> performance_cases() { return kCases; }

}  // namespace conformance
