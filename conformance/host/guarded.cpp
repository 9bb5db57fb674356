#include "host/guarded.hpp"

#include <cstring>
#include <mutex>
#include <new>
#include <sys/mman.h>

namespace conformance {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPages = std::size_t{1} << 20U;  // 4 GiB of addresses; memory only where something is lent
constexpr std::uint32_t kFree = 0, kLent = 1, kTakenBack = 2;

struct Piece {
  const char* what;
  std::uint32_t pages;  // its own and the guard behind them; 0 on all but its first page
  std::uint32_t state;
};

/// Both are fixed mappings, so that a signal handler can look things up without a lock.
struct Region {
  char* base = nullptr;
  Piece* pieces = nullptr;  // one per page
  std::size_t cursor = 0;
  std::mutex mutex;

  Region() {
    void* memory = ::mmap(nullptr, kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void* table = ::mmap(nullptr, kPages * sizeof(Piece), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || table == MAP_FAILED) throw std::bad_alloc();
    base = static_cast<char*>(memory);
    pieces = static_cast<Piece*>(table);
  }
};

Region& region() {
  static auto& only = *new Region;  // never destroyed: a plugin's thread may fault while the process ends
  return only;
}

/// The next run of pages with nothing lent in it; what was taken back longest ago is used again.
std::size_t find_room(Region& r, std::size_t pages) {
  std::size_t start = r.cursor;
  for (std::size_t seen = 0; seen < 2 * kPages;) {
    if (start + pages > kPages) start = 0;
    std::size_t end = start;
    while (end < start + pages && r.pieces[end].state != kLent) ++end;
    if (end == start + pages) return start;
    const std::size_t next = end + r.pieces[end].pages;
    seen += next - start;
    start = next;
  }
  throw std::bad_alloc();
}

}  // namespace

void* Guarded::lend(std::size_t size, const char* what) {
  Region& r = region();
  const std::size_t own = size == 0 ? 1 : (size + kPage - 1) / kPage;
  const std::scoped_lock lock(r.mutex);
  const std::size_t first = find_room(r, own + 1);
  for (std::size_t page = first; page <= first + own; ++page) r.pieces[page] = {what, 0, kFree};
  r.pieces[first] = {what, static_cast<std::uint32_t>(own + 1), kLent};
  r.cursor = first + own + 1;
  char* const start = r.base + first * kPage;
  if (::mprotect(start, own * kPage, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  return start + own * kPage - size;
}

void Guarded::take_back(const void* piece) noexcept {
  Region& r = region();
  const std::scoped_lock lock(r.mutex);
  auto page = static_cast<std::size_t>(static_cast<const char*>(piece) - r.base) / kPage;
  while (page > 0 && r.pieces[page].state != kLent) --page;  // an empty piece points at its guard page
  char* const start = r.base + page * kPage;
  const std::size_t bytes = (r.pieces[page].pages - 1) * kPage;
  ::madvise(start, bytes, MADV_DONTNEED);  // zeroed when it is lent again
  ::mprotect(start, bytes, PROT_NONE);
  r.pieces[page].state = kTakenBack;
}

std::optional<Guarded::Fault> Guarded::explain(const void* address) noexcept {
  const Region& r = region();
  const auto* at = static_cast<const char*>(address);
  if (at < r.base || at >= r.base + kPages * kPage) return std::nullopt;
  auto page = static_cast<std::size_t>(at - r.base) / kPage;
  while (page > 0 && r.pieces[page].pages == 0) --page;
  return Fault{r.pieces[page].what, r.pieces[page].state == kTakenBack};
}

Lent<char> lend_bytes(std::string_view bytes, const char* what) {
  Lent<char> lent(what, bytes.size());
  if (!bytes.empty()) std::memcpy(lent.get(), bytes.data(), bytes.size());
  return lent;
}

}  // namespace conformance
