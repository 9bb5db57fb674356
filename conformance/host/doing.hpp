#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// What each thread of a child process is in just now ("publish", "its constructors"), kept where its parent can read
/// it when the process hangs, crashes or is gone. [any thread; two plain writes]
class Doing {
 public:
  explicit Doing(std::string_view what) noexcept;
  ~Doing();
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

 private:
  struct Slot* slot_;
};

/// The memory behind it, shared by parent and child through a descriptor.
class DoingBoard {
 public:
  /// The parent's side; `descriptor` is for the child. Throws when the system has no memory for it.
  DoingBoard();
  ~DoingBoard();
  DoingBoard(const DoingBoard&) = delete;
  DoingBoard& operator=(const DoingBoard&) = delete;
  /// The child's side: takes the descriptor over. Without it Doing writes to memory that nobody reads.
  static void adopt(int descriptor) noexcept;

  struct Entry {
    std::string what;
    long thread;
    double since_s;  // CLOCK_MONOTONIC
  };
  /// What is being done, the longest first.
  [[nodiscard]] std::vector<Entry> read() const;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
  const struct Board* board_;
};

}  // namespace conformance
