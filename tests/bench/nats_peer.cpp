// The process on the other side of a loop, the same for all loops.
//   bench_nats_peer role=flood url=URL subject=SUBJECT messages=N payload=FILE board=FILE ahead=N  sends what a loop
//   consumes bench_nats_peer role=request …                                              sends requests, prints how
//   long replies took bench_nats_peer role=stream url=URL subject=SUBJECT messages=N payload=FILE              makes a
//   stream of that name, full bench_nats_peer role=judge url=URL subject=SUBJECT counts in it, then deletes it
#include "nats_raw.hpp"

#include <ctime>

namespace bench {
namespace {

constexpr timespec kPoll{.tv_sec = 0, .tv_nsec = 100'000};

void flood(const Task& task) {
  Board& board = Board::map(task.text("board"));
  Message message(task.text("payload"));
  const Connection connection = connect(task, false);
  const auto length = static_cast<int>(message.text().size());
  const std::uint64_t target = task.number("messages");
  const std::uint64_t ahead = task.number("ahead");  // messages sent and not yet received, at most
  const char* subject = task.text("subject").c_str();
  while (board.attached.load() == 0) nanosleep(&kPoll, nullptr);
  for (std::uint64_t i = 0; i < target; ++i, message.next()) {
    while (i >= board.received.load(std::memory_order_relaxed) + ahead) nanosleep(&kPoll, nullptr);
    if (i % kSampleEvery == 0) board.sent_ns[i / kSampleEvery].store(now_ns());
    need(natsConnection_Publish(connection.get(), subject, message.text().data(), length), "publish");
  }
  flush(connection);
}

/// One request at a time; prints how long the replies took.
void request(const Task& task) {
  constexpr std::int64_t kReplyMs = 5'000;
  Board& board = Board::map(task.text("board"));
  Message message(task.text("payload"));
  const Connection connection = connect(task, true);
  const auto length = static_cast<int>(message.text().size());
  const std::uint64_t target = task.number("messages");
  const char* subject = task.text("subject").c_str();
  Tally tally;
  while (board.attached.load() == 0) nanosleep(&kPoll, nullptr);
  const Window window;
  for (std::uint64_t i = 0; i < target; ++i, message.next()) {
    natsMsg* reply = nullptr;
    const std::uint64_t sent = now_ns();
    need(natsConnection_Request(&reply, connection.get(), subject, message.text().data(), length, kReplyMs), "request");
    tally.took(sent);
    tally.take(Message::sequence({natsMsg_GetData(reply), Message::kAt + Message::kDigits}));
    natsMsg_Destroy(reply);
  }
  tally.print(window, target);
}

void make_stream(const Task& task) {
  constexpr std::int64_t kWindow = 4096;
  const Connection connection = connect(task, false);
  const JetStream stream = jetstream(connection, kWindow);
  const char* subject = task.text("subject").c_str();
  jsStreamConfig config;
  need(jsStreamConfig_Init(&config), "stream");
  config.Name = subject;  // one token
  config.Subjects = &subject;
  config.SubjectsLen = 1;
  config.Storage = js_MemoryStorage;
  need(js_AddStream(nullptr, stream.get(), &config, nullptr, nullptr), "stream");
  Message message(task.text("payload"));
  const auto length = static_cast<int>(message.text().size());
  for (std::uint64_t i = task.number("messages"); i > 0; --i, message.next()) {
    need(js_PublishAsync(stream.get(), subject, message.text().data(), length, nullptr), "publish");
  }
  need(js_PublishAsyncComplete(stream.get(), nullptr), "confirmations");
}

/// What the server says of the stream, and of its consumers all together.
void judge(const Task& task) {
  const Connection connection = connect(task, false);
  const JetStream stream = jetstream(connection, 0);
  const char* subject = task.text("subject").c_str();
  jsStreamInfo* info = nullptr;
  need(js_GetStreamInfo(&info, stream.get(), subject, nullptr, nullptr), "stream");
  jsConsumerInfoList* consumers = nullptr;
  if (info->State.Consumers > 0) {  // of none, cnats 3.4.1 crashes when it makes the list
    need(js_Consumers(&consumers, stream.get(), subject, nullptr, nullptr), "consumers");
  }
  std::uint64_t pending = 0;
  std::int64_t unsettled = 0;
  for (int i = 0; consumers != nullptr && i < consumers->Count; ++i) {
    pending += consumers->List[i]->NumPending;
    unsettled += consumers->List[i]->NumAckPending;
  }
  std::printf(R"({"stored": %llu, "pending": %llu, "unsettled": %lld})",
              static_cast<unsigned long long>(info->State.Msgs), static_cast<unsigned long long>(pending),
              static_cast<long long>(unsettled));
  jsConsumerInfoList_Destroy(consumers);
  jsStreamInfo_Destroy(info);
  need(js_DeleteStream(stream.get(), subject, nullptr, nullptr), "delete stream");
}

int main_of(std::span<char* const> words) {
  const Task task(words);
  if (task.is("role", "flood")) {
    flood(task);
  } else if (task.is("role", "request")) {
    request(task);
  } else if (task.is("role", "stream")) {
    make_stream(task);
  } else if (task.is("role", "judge")) {
    judge(task);
  } else {
    fail("role", "is none of this program's");
  }
  nats_Close();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main_of({argv + 1, static_cast<std::size_t>(argc - 1)}); }
