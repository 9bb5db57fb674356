#include <ruststream/task.hpp>

#include <array>
#include <cstdint>
#include <new>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kStep = 64;     // frames are rounded up to this many bytes
constexpr std::size_t kClasses = 32;  // larger frames (over 2 KiB) go to the allocator
constexpr std::uint32_t kKeepPerClass = 1024;

struct Free {
  Free* next;
};

/// Frames that this thread freed, by size. A thread's list dies with it: FrameReaper sees to that, so that using the
/// list needs no look at whether its destructor is registered.
struct FramePool {
  std::array<Free*, kClasses> first{};
  std::array<std::uint32_t, kClasses> room{};  // how many more are kept; 0 until the reaper is there, and after it
  bool reaped = false;
};

constinit thread_local FramePool t_frames;

struct FrameReaper {
  FrameReaper() noexcept { t_frames.room.fill(kKeepPerClass); }
  ~FrameReaper() {
    FramePool& pool = t_frames;
    pool.room.fill(0);  // what is freed after this goes to the allocator
    pool.reaped = true;
    for (Free*& head : pool.first) {
      while (head != nullptr) ::operator delete(std::exchange(head, head->next));
    }
  }
};

/// Whether there is room after all: the first time that a thread frees a frame.
bool make_room(std::size_t size_class) noexcept {
  if (t_frames.reaped) return false;
  const thread_local FrameReaper reaper;
  return t_frames.room[size_class] != 0;
}

}  // namespace

void* frame_allocate(std::size_t bytes) {
  const std::size_t size_class = (bytes - 1) / kStep;
  if (size_class >= kClasses) return ::operator new(bytes);
  FramePool& pool = t_frames;
  if (Free* const frame = pool.first[size_class]; frame != nullptr) {
    pool.first[size_class] = frame->next;
    ++pool.room[size_class];
    return frame;
  }
  return ::operator new((size_class + 1) * kStep);
}

void frame_free(void* frame, std::size_t bytes) noexcept {
  const std::size_t size_class = (bytes - 1) / kStep;
  FramePool& pool = t_frames;
  if (size_class >= kClasses || (pool.room[size_class] == 0 && !make_room(size_class))) {
    ::operator delete(frame);
    return;
  }
  pool.first[size_class] = new (frame) Free{pool.first[size_class]};
  --pool.room[size_class];
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
