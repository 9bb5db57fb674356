#include "nats.hpp"

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace bench {
namespace {

constexpr std::chrono::minutes kLongestRun{5};

// glibc gives memory back to the kernel as a backlog shrinks, and faults it in as the next one grows: with 512 bytes
// that cost 0.4 µs of CPU per message, of 1.0.
constexpr int kKeptBytes = 1 << 28;

}  // namespace

void fail(const std::string& what, const std::string& why) {
  std::fprintf(stderr, "bench: %s: %s\n", what.c_str(), why.c_str());
  std::exit(EXIT_FAILURE);
}

Task::Task(std::span<char* const> words) {
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
  mallopt(M_TOP_PAD, kKeptBytes / 16);
  for (const std::string_view word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) fail(std::string(word), "a word is NAME=VALUE");
    words_.emplace(word.substr(0, equals), word.substr(equals + 1));
  }
}

const std::string& Task::text(const std::string& name) const {
  const auto found = words_.find(name);
  if (found == words_.end()) fail(name, "this word is missing");
  return found->second;
}

std::uint64_t Task::number(const std::string& name) const { return std::strtoull(text(name).c_str(), nullptr, 10); }

Board& Board::map(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(Board)) != 0) fail(path, "cannot be opened");
  void* at = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) fail(path, "cannot be mapped");
  close(file);
  return *static_cast<Board*>(at);  // zeroes are its initial state
}

Message::Message(const std::string& path) {
  std::ifstream file(path);
  text_.assign(std::istreambuf_iterator<char>(file), {});
  if (!text_.starts_with(R"({"id":10000000,)")) fail(path, "is no message whose id is 10000000");
}

void Message::next() noexcept {
  for (std::size_t at = kAt + kDigits; at-- > kAt;) {
    if (text_[at]++ != '9') return;
    text_[at] = '0';
  }
}

Loop::Loop(const Task& task) : target_(task.number("messages")), counted_(task.number("counted") != 0) {
  if (!task.text("board").empty()) board_ = &Board::map(task.text("board"));
  if (target_ > Board::kSamples * kSampleEvery) fail("messages", "too many for the board");
}

void Loop::begin() {
  if (counted_) Measure::begin();
  window_.emplace();
}

void Loop::wait() {
  if (!all_.try_acquire_for(kLongestRun)) fail("messages", "only " + std::to_string(tally_.received) + " came");
}

void Loop::print() {
  if (counted_) {
    Measure::end();
    std::printf("%llu\n", static_cast<unsigned long long>(Measure::allocations()));
    return;
  }
  tally_.print(*window_, target_);
}

void run_scenario(const Scenarios& all, int argc, char** argv) {
  const Task task({argv + 1, static_cast<std::size_t>(argc - 1)});
  for (const auto& [name, run] : {std::pair{"nats_core", all.core}, std::pair{"nats_publish", all.publish},
                                  std::pair{"nats_publish_confirmed", all.publish_confirmed},
                                  std::pair{"jetstream_pull", all.pull}, std::pair{"nats_request", all.request}}) {
    if (task.is("scenario", name)) return run(task);
  }
  fail("scenario", "is none of this program's");
}

}  // namespace bench
