// What the loops against a real nats-server share: their task, the board between two processes, payloads and the tally.
#pragma once

#include "measure.hpp"
#include "window.hpp"

#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <string_view>

namespace bench {

/// The two fields that the loops decode, when they do.
struct Trade {
  std::uint64_t id;
  std::uint32_t qty;
};

/// What run.py asks for, in words NAME=VALUE.
class Task {
 public:
  explicit Task(std::span<char* const> words);

  /// Ends the process when the word is missing.
  [[nodiscard]] const std::string& text(const std::string& name) const;
  [[nodiscard]] std::uint64_t number(const std::string& name) const;
  [[nodiscard]] bool is(const std::string& name, std::string_view value) const { return text(name) == value; }

 private:
  std::map<std::string, std::string> words_;
};

/// Memory that the measured process shares with the one that sends to it: neither asks the server how far the other is.
struct Board {
  static constexpr std::uint64_t kSamples = 1 << 14;
  static constexpr std::uint64_t kReceivedEvery = 256;  // how exact `received` is

  std::atomic<std::uint32_t> attached;           // 1: what is sent now reaches the measured process
  std::atomic<std::uint64_t> received;           // or lost
  std::atomic<std::uint64_t> sent_ns[kSamples];  // of each message kSampleEvery

  /// The file, mapped until the process ends.
  static Board& map(const std::string& path);
};

/// A file's JSON, in which eight digits carry the sequence number.
class Message {
 public:
  static constexpr std::uint64_t kFirst = 10'000'000;
  static constexpr std::size_t kAt = 6, kDigits = 8;  // {"id":10000000

  explicit Message(const std::string& path);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// The next in turn.
  void next() noexcept;

  static std::uint64_t sequence(std::string_view payload) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kDigits; ++i) value = value * 10 + static_cast<std::uint64_t>(payload[kAt + i] - '0');
    return value - kFirst;
  }

 private:
  std::string text_;
};

/// What a loop does with each message, on one thread at a time, and the window of the measurement.
class Loop {
 public:
  explicit Loop(const Task& task);

  /// From here on the other process may send.
  void attached() { board_->attached.store(1); }
  /// The window begins; with the first message at the latest.
  void begin();
  void take(std::uint64_t sequence) {
    if (!window_) begin();
    tally_.take(sequence);
    if (board_ != nullptr) note(sequence);
    if (sequence + 1 == target_) all_.release();
  }
  /// The time of one message that the loop itself sent, and that has been answered.
  void took(std::uint64_t sent_ns) { tally_.took(sent_ns); }
  [[nodiscard]] std::uint64_t target() const noexcept { return target_; }
  [[nodiscard]] bool complete() const noexcept { return tally_.expected >= target_; }
  /// Waits for the last message; on any other thread.
  void wait();
  /// Ends the window and prints.
  void print();

 private:
  void note(std::uint64_t sequence) {
    if (sequence % kSampleEvery == 0) tally_.took(board_->sent_ns[sequence / kSampleEvery].load());
    if (tally_.received % Board::kReceivedEvery == 0)
      board_->received.store(tally_.received, std::memory_order_relaxed);
  }

  Tally tally_;
  std::uint64_t target_;
  Board* board_ = nullptr;
  bool counted_;  // instructions and allocations are what is measured, not time
  std::optional<Window> window_;
  std::binary_semaphore all_{0};
};

[[noreturn]] void fail(const std::string& what, const std::string& why);

/// What each program of the comparison has: the same five.
struct Scenarios {
  void (*core)(const Task&);
  void (*publish)(const Task&);
  void (*publish_confirmed)(const Task&);
  void (*pull)(const Task&);
  void (*request)(const Task&);
};
/// The one that a program's words name; ends the process when there is none of that name.
void run_scenario(const Scenarios& all, int argc, char** argv);

}  // namespace bench
