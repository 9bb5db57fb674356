#include "host/doing.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <ctime>
#include <new>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace conformance {

constexpr std::size_t kSlots = 64;  // threads that are inside a verb at once; more are not noted
constexpr std::size_t kText = 48;

struct Slot {
  std::atomic<std::int64_t> since_ns;  // 0: free; 1: being written
  std::int64_t thread;
  std::array<char, kText> what;
};
struct Board {
  std::array<Slot, kSlots> slots;
};

namespace {

Board g_private{};
Board* g_board = &g_private;

std::int64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Board* map(int descriptor) noexcept {
  void* memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<Board*>(memory);
}

}  // namespace

Doing::Doing(std::string_view what) noexcept : slot_(nullptr) {
  for (Slot& each : g_board->slots) {
    std::int64_t free = 0;
    if (!each.since_ns.compare_exchange_strong(free, 1)) continue;
    each.thread = ::syscall(SYS_gettid);
    each.what = {};
    std::memcpy(each.what.data(), what.data(), std::min(what.size(), kText - 1));
    each.since_ns = now_ns();
    slot_ = &each;
    return;
  }
}

Doing::~Doing() {
  if (slot_ != nullptr) slot_->since_ns = 0;
}

DoingBoard::DoingBoard() : descriptor_(::memfd_create("doing", MFD_CLOEXEC)), board_(nullptr) {
  if (descriptor_ >= 0 && ::ftruncate(descriptor_, sizeof(Board)) == 0) board_ = map(descriptor_);
  if (board_ == nullptr) throw std::bad_alloc();
}

DoingBoard::~DoingBoard() {
  ::munmap(const_cast<Board*>(board_), sizeof(Board));
  ::close(descriptor_);
}

void DoingBoard::adopt(int descriptor) noexcept {
  if (Board* const shared = map(descriptor); shared != nullptr) g_board = shared;
  ::close(descriptor);
}

std::vector<DoingBoard::Entry> DoingBoard::read() const {
  std::vector<Entry> all;
  for (const Slot& each : board_->slots) {
    const std::int64_t since = each.since_ns;
    if (since <= 1) continue;
    const char* const text = each.what.data();
    all.push_back({{text, ::strnlen(text, kText)}, each.thread, static_cast<double>(since) * 1e-9});
  }
  std::ranges::sort(all, {}, &Entry::since_s);
  return all;
}

}  // namespace conformance
