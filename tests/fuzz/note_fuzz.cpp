// Any bytes as a file in a plugin directory: a note or a reason, never a read outside the file.
#include "loader/note.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int memory = memfd_create("note", MFD_CLOEXEC);
  if (memory < 0 || write(memory, data, size) != static_cast<ssize_t>(size)) std::abort();
  {
    const auto file = ruststream::platform::File::open("/proc/self/fd/" + std::to_string(memory));
    if (!file) std::abort();
    const auto note = ruststream::loader::read_note(*file);
    if (note ? note->name.empty() || note->schemes.empty() : note.error().text.empty()) std::abort();
  }
  close(memory);
  return 0;
}
