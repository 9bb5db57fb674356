#include <ruststream/task.hpp>

#include <array>
#include <cstdint>
#include <new>

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

/// Frames that this thread freed, by size. A thread's list dies with it.
struct FramePool {
  std::array<Free*, kClasses> first{};
  std::array<std::uint32_t, kClasses> count{};
  ~FramePool() {
    for (Free*& head : first) {
      while (head != nullptr) {
        Free* const frame = head;
        head = frame->next;
        ::operator delete(frame);
      }
    }
    count.fill(kKeepPerClass);  // what is freed after this goes to the allocator
  }
};

constinit thread_local FramePool t_frames;

}  // namespace

void* frame_allocate(std::size_t bytes) {
  const std::size_t size_class = (bytes - 1) / kStep;
  if (size_class >= kClasses) return ::operator new(bytes);
  FramePool& pool = t_frames;
  if (Free* const frame = pool.first[size_class]; frame != nullptr) {
    pool.first[size_class] = frame->next;
    --pool.count[size_class];
    return frame;
  }
  return ::operator new((size_class + 1) * kStep);
}

void frame_free(void* frame, std::size_t bytes) noexcept {
  const std::size_t size_class = (bytes - 1) / kStep;
  FramePool& pool = t_frames;
  if (size_class >= kClasses || pool.count[size_class] >= kKeepPerClass) {
    ::operator delete(frame);
    return;
  }
  pool.first[size_class] = new (frame) Free{pool.first[size_class]};
  ++pool.count[size_class];
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
