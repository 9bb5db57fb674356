// The raw loops: cnats as well as a C program can use it, against which plugin and service are held.
//   bench_nats_raw scenario=NAME url=URL subject=SUBJECT messages=N payload=FILE decode=json|none depth=N board=FILE
//   counted=0|1
#include "nats_raw.hpp"

#include "nats_reader.hpp"

#include <simdjson.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <vector>

namespace bench {
namespace {

std::string_view payload_of(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

struct Taking {
  Loop& loop;
  Reader reader;
};

void core(const Task& task) {
  Loop loop(task);
  Taking taking{loop, Reader(task)};
  const Connection connection = connect(task, false);
  natsSubscription* made = nullptr;
  const auto take = [](natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    auto& to = *static_cast<Taking*>(closure);
    to.loop.take(to.reader.sequence(payload_of(message)));
    natsMsg_Destroy(message);
  };
  need(natsConnection_Subscribe(&made, connection.get(), task.text("subject").c_str(), take, &taking), "subscribe");
  const Subscription subscription(made);
  need(natsSubscription_SetPendingLimits(made, -1, -1), "pending limits");
  flush(connection);
  loop.attached();
  loop.wait();
  loop.print();
}

void publish(const Task& task) {
  Loop loop(task);
  Message message(task.text("payload"));
  const Connection connection = connect(task, false);
  const char* subject = task.text("subject").c_str();
  const auto length = static_cast<int>(message.text().size());
  loop.begin();
  for (std::uint64_t i = 0; i < loop.target(); ++i, message.next()) {
    need(natsConnection_Publish(connection.get(), subject, message.text().data(), length), "publish");
    loop.take(i);
  }
  flush(connection);
  loop.print();
}

/// JetStream's own window of unconfirmed messages is `depth`.
void publish_confirmed(const Task& task) {
  Loop loop(task);
  Message message(task.text("payload"));
  const Connection connection = connect(task, false);
  const JetStream stream = jetstream(connection, static_cast<std::int64_t>(task.number("depth")));
  const char* subject = task.text("subject").c_str();
  const auto length = static_cast<int>(message.text().size());
  loop.begin();
  for (std::uint64_t i = 0; i < loop.target(); ++i, message.next()) {
    need(js_PublishAsync(stream.get(), subject, message.text().data(), length, nullptr), "publish");
    loop.take(i);
  }
  need(js_PublishAsyncComplete(stream.get(), nullptr), "confirmations");
  loop.print();
}

/// A consumer that outlives its subscription; cnats would delete one that it made itself.
Subscription subscribe(const JetStream& stream, const std::string& subject, std::int64_t depth) {
  jsConsumerConfig config;
  need(jsConsumerConfig_Init(&config), "consumer");
  config.Durable = "worker";
  config.AckPolicy = js_AckExplicit;
  config.MaxAckPending = depth;
  need(js_AddConsumer(nullptr, stream.get(), subject.c_str(), &config, nullptr, nullptr), "consumer");
  jsSubOptions options;
  need(jsSubOptions_Init(&options), "options");
  options.Stream = subject.c_str();
  options.Consumer = config.Durable;
  natsSubscription* made = nullptr;
  need(js_PullSubscribe(&made, stream.get(), subject.c_str(), nullptr, nullptr, &options, nullptr), "subscribe");
  return Subscription(made);
}

/// Fetches `depth`, acknowledges each, fetches again.
void pull(const Task& task) {
  constexpr std::int64_t kFetchMs = 10'000;
  constexpr int kUsualFetch = 64;
  Loop loop(task);
  Reader reader(task);
  const Connection connection = connect(task, false);
  const JetStream stream = jetstream(connection, 0);
  const int depth = task.is("depth", "0") ? kUsualFetch : static_cast<int>(task.number("depth"));
  const Subscription subscription = subscribe(stream, task.text("subject"), depth);
  while (!loop.complete()) {
    natsMsgList list{};
    need(natsSubscription_Fetch(&list, subscription.get(), depth, kFetchMs, nullptr), "fetch");
    for (int i = 0; i < list.Count; ++i) {
      loop.take(reader.sequence(payload_of(list.Msgs[i])));
      need(natsMsg_Ack(list.Msgs[i], nullptr), "ack");
    }
    natsMsgList_Destroy(&list);
  }
  flush(connection);
  loop.print();
}

/// Decodes each request and answers with its JSON again.
void respond(const Task& task) {
  Loop loop(task);
  Taking taking{loop, Reader(task)};
  const Connection connection = connect(task, true);
  natsSubscription* made = nullptr;
  const auto answer = [](natsConnection* to, natsSubscription*, natsMsg* message, void* closure) {
    auto& with = *static_cast<Taking*>(closure);
    const std::uint64_t sequence = with.reader.sequence(payload_of(message));
    std::array<char, 64> reply;  // NOLINT(cppcoreguidelines-pro-type-member-init): written next
    const int length =
        std::snprintf(reply.data(), reply.size(), R"({"id":%)" PRIu64 R"(,"qty":37})", sequence + Message::kFirst);
    need(natsConnection_Publish(to, natsMsg_GetReply(message), reply.data(), length), "reply");
    natsMsg_Destroy(message);
    with.loop.take(sequence);
  };
  need(natsConnection_Subscribe(&made, connection.get(), task.text("subject").c_str(), answer, &taking), "subscribe");
  const Subscription subscription(made);
  flush(connection);
  loop.attached();
  loop.wait();
  loop.print();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::run_scenario({bench::core, bench::publish, bench::publish_confirmed, bench::pull, bench::respond}, argc, argv);
  nats_Close();
}
