// The plugin loops: what nats_raw.cpp does, through the plugin's own verbs, without a framework.
//   bench_nats_plugin WORD… as bench_nats_raw, and plugin=FILE
#include "nats.hpp"
#include "nats_host.hpp"
#include "nats_reader.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace bench {
namespace {

constexpr std::uint32_t kCredit = 8192;

/// Takes what is delivered until all came; room is given again when half of it is used up.
template <class Each, class Settle>
void consume(Host& host, Loop& loop, std::uint64_t subscription, std::uint32_t window, Each&& each, Settle&& settle) {
  std::uint32_t taken = 0;
  while (!loop.complete()) {
    rst_batch* const batch = host.next();
    for (std::uint32_t i = 0; i < batch->count; ++i) each(batch->messages[i]);
    settle(*batch);
    taken += batch->count;
    batch->ops->release(batch);
    if (taken < (window + 1) / 2) continue;
    host.credit(subscription, taken);
    taken = 0;
  }
}

std::string_view payload_of(const rst_message& message) {
  return {reinterpret_cast<const char*>(message.payload), message.payload_len};
}

rst_out_message to_send(std::string_view payload) {
  rst_out_message out{};
  out.payload = reinterpret_cast<const std::uint8_t*>(payload.data());
  out.payload_len = payload.size();
  return out;
}

void core(const Task& task) {
  Loop loop(task);
  Reader reader(task);
  Host host(task.text("plugin"), task.text("url"));
  const std::uint64_t subscription =
      host.subscribe("core", task.text("subject"), "", kCredit, {{"pending_messages", std::uint64_t{1} << 16U}});
  loop.attached();
  consume(
      host, loop, subscription, kCredit,
      [&](const rst_message& message) { loop.take(reader.sequence(payload_of(message))); }, [](const rst_batch&) {});
  loop.print();
}

void respond(const Task& task) {
  Loop loop(task);
  Reader reader(task);
  Host host(task.text("plugin"), task.text("url"));
  const std::uint64_t publisher = host.open_publisher("core", "", {}, 0);
  const std::uint64_t subscription = host.subscribe("core", task.text("subject"), "", kCredit, {});
  loop.attached();
  const auto answer = [&](const rst_message& message) {
    const std::uint64_t sequence = reader.sequence(payload_of(message));
    std::array<char, 64> reply;  // NOLINT(cppcoreguidelines-pro-type-member-init): written next
    const int length =
        std::snprintf(reply.data(), reply.size(), R"({"id":%)" PRIu64 R"(,"qty":37})", sequence + Message::kFirst);
    rst_out_message out = to_send({reply.data(), static_cast<std::size_t>(length)});
    out.destination = reinterpret_cast<const char*>(message.meta->reply_to);
    out.destination_len = message.meta->reply_to_len;
    host.publish(publisher, {&out, 1}, 0);
    loop.take(sequence);
  };
  consume(host, loop, subscription, kCredit, answer, [](const rst_batch&) {});
  loop.print();
}

void pull(const Task& task) {
  Loop loop(task);
  Reader reader(task);
  Host host(task.text("plugin"), task.text("url"));
  const std::uint64_t depth = task.number("depth");
  const std::uint32_t window = depth == 0 ? kCredit : static_cast<std::uint32_t>(depth);
  const NumberOptions options = depth == 0 ? NumberOptions{} : NumberOptions{{"max_in_flight", depth}};
  const std::uint64_t subscription = host.subscribe("jetstream", task.text("subject"), "worker", window, options);
  consume(
      host, loop, subscription, window,
      [&](const rst_message& message) { loop.take(reader.sequence(payload_of(message))); },
      [&](const rst_batch& batch) { host.acknowledge(subscription, batch); });
  host.flush();
  loop.print();
}

void publish(const Task& task) {
  Loop loop(task);
  Message message(task.text("payload"));
  Host host(task.text("plugin"), task.text("url"));
  const std::uint64_t publisher = host.open_publisher("core", task.text("subject"), {}, 0);
  const rst_out_message out = to_send(message.text());
  loop.begin();
  for (std::uint64_t i = 0; i < loop.target(); ++i, message.next()) {
    host.publish(publisher, {&out, 1}, 0);
    loop.take(i);
  }
  host.flush();
  loop.print();
}

/// What is published is lent until it is confirmed, so each place of the window has a message of its own.
void publish_confirmed(const Task& task) {
  struct Place {
    std::string payload;
    rst_out_message message{};
    std::uint64_t operation = 0;
  };
  Loop loop(task);
  Message message(task.text("payload"));
  Host host(task.text("plugin"), task.text("url"));
  const std::uint64_t depth = task.number("depth");
  const std::uint64_t publisher =
      host.open_publisher("jetstream", task.text("subject"), {{"max_pending", depth}}, RST_PUBLISHER_CONFIRM);
  std::vector<Place> window(depth);
  loop.begin();
  for (std::uint64_t i = 0; i < loop.target(); ++i, message.next()) {
    Place& at = window[i % depth];
    if (at.operation != 0) host.await(at.operation);
    at.payload = message.text();
    at.message = to_send(at.payload);
    at.operation = host.begin();
    host.publish(publisher, {&at.message, 1}, at.operation);
    loop.take(i);
  }
  for (const Place& each : window) host.await(each.operation);
  loop.print();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::run_scenario({bench::core, bench::publish, bench::publish_confirmed, bench::pull, bench::respond}, argc, argv);
}
