// The streaming client, from a coroutine and from plain threads. Page: docs/streaming.md.
#include <ruststream/client.hpp>

#include <iostream>

namespace rs = ruststream;
using namespace std::chrono_literals;

struct Job {
  std::uint64_t id;
  std::string what;
};

// --8<-- [start:coroutine]
rs::Task<rs::Result<void>> work(rs::Broker broker) {
  rs::SubscribeOptions options;
  options.group = "workers";
  options.max_attempts = 3;
  auto jobs = co_await broker.subscribe("jobs.*", options);
  if (!jobs) co_return std::unexpected(jobs.error());
  auto out = co_await broker.publisher("jobs.new");
  if (!out) co_return std::unexpected(out.error());

  const Job job{1, "sweep"};
  if (auto sent = co_await out->publish(job); !sent) co_return sent;

  auto delivery = co_await jobs->next();
  if (!delivery) co_return std::unexpected(delivery.error());
  if (auto todo = delivery->decode<Job>()) {
    std::cout << "job " << todo->id << ": " << todo->what << '\n';
    co_return std::move(*delivery).ack();
  }
  co_return std::move(*delivery).reject();
}
// --8<-- [end:coroutine]

// --8<-- [start:thread]
rs::Result<void> work_on_this_thread(rs::Broker broker) {
  auto jobs = broker.subscribe("jobs.*").get();
  if (!jobs) return std::unexpected(jobs.error());
  auto out = broker.publisher("jobs.new").get();
  if (!out) return std::unexpected(out.error());
  for (std::uint64_t id = 2; id <= 4; ++id) {
    if (auto sent = out->publish(Job{id, "dust"}).get(); !sent) return sent;
  }

  auto batch = jobs->receive_batch(2, 1s);  // from 1 to 2 of them
  if (!batch) return std::unexpected(batch.error());
  std::size_t taken = batch->size();
  if (auto settled = std::move(*batch).ack(); !settled) return settled;

  while (true) {
    auto delivery = jobs->receive(50ms);
    if (!delivery && delivery.error().code == rs::Code::timeout) break;  // nothing left
    if (!delivery) return std::unexpected(delivery.error());
    if (auto settled = std::move(*delivery).ack(); !settled) return settled;
    ++taken;
  }
  std::cout << taken << " more jobs\n";
  return {};
}
// --8<-- [end:thread]

// --8<-- [start:admin]
rs::Result<void> make_archive(rs::Broker broker) { return broker.admin("create", "topic", "archive", "jobs.*").get(); }
// --8<-- [end:admin]

// --8<-- [start:main]
int main(int argc, char** argv) {
  auto broker = rs::connect(argc > 1 ? argv[1] : "memory:").get();
  rs::Result<void> done;
  if (!broker) done = std::unexpected(broker.error());
  if (done) done = rs::run(work(*broker));
  if (done) done = work_on_this_thread(*broker);
  if (done) done = make_archive(*broker);
  if (done) done = broker->close().get();
  if (!done) std::cerr << rs::to_string(done.error().code) << ": " << done.error().text << '\n';
  return done ? 0 : 1;
}
// --8<-- [end:main]
