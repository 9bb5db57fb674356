#pragma once

#include <ruststream/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the loader needs of the operating system. This header knows none; each system is its own set of files in this
/// folder. Everything here may be called from any thread; the signal functions act on the whole process.
namespace ruststream::inline v0::platform {

/// Which file this is, whatever it is called.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

enum class FileKind { file, directory, other };

struct FileStatus {
  FileIdentity identity;
  FileKind kind = FileKind::other;
  std::uint64_t size = 0;
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
  bool group_writes = false;
  bool others_write = false;
};

/// The file behind `path`, symbolic links followed. The text of the error is the system's reason without the path.
[[nodiscard]] Result<FileStatus> status_of(const std::string& path);

/// Who besides root and the user of this process can change the thing, as "others can write it"; empty when nobody can.
[[nodiscard]] std::string why_untrusted(const FileStatus& status);

/// A file open for reading; closed with the object and not inherited by child processes.
class File {
 public:
  [[nodiscard]] static Result<File> open(const std::string& path);
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  ~File();

  [[nodiscard]] Result<FileStatus> status() const;
  /// Fills `out` from `offset`; false when the file ends before or cannot be read.
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// The absolute path without symbolic links, `.` and `..`.
[[nodiscard]] Result<std::string> real_path(const std::string& path);

/// Names in a directory, sorted, without `.` and `..`; an error when there are more than `limit`.
[[nodiscard]] Result<std::vector<std::string>> names_in(const std::string& directory, std::size_t limit);

/// Where the running program and libruststream (or the program it is linked into) lie; empty when unknown.
[[nodiscard]] std::string executable_directory();
[[nodiscard]] std::string library_directory();

/// True when the process has more rights than the user who started it; its environment is then not to be trusted.
[[nodiscard]] bool elevated();

/// Maps a library, resolves every symbol now, keeps its symbols to itself, and never unmaps it (rule H1). Runs the
/// library's constructors.
[[nodiscard]] Result<void*> load_library(const std::string& path);
/// The address of a symbol that the library itself defines, or null.
[[nodiscard]] void* symbol_of(void* library, const char* name);

/// The dispositions of all signals at one moment.
class SignalTable {
 public:
  static SignalTable now();
  /// Numbers of the signals that had another handler then than they have now. Ignoring a broken pipe is no change.
  [[nodiscard]] std::vector<int> changed() const;
  /// Those of `signals` that are not reports of a fault in the program, and whose handler was somebody's then.
  [[nodiscard]] std::vector<int> handled(std::span<const int> signals) const;
  /// Puts the dispositions of `signals` back to what they were then.
  void restore(std::span<const int> signals) const;

 private:
  struct Dispositions;
  std::shared_ptr<const Dispositions> then_;
};

/// `SIGTERM`, `SIGSEGV` …
[[nodiscard]] std::string signal_name(int signal);

/// Writing to a closed connection returns an error instead of ending the process (rule H7). A handler that the program
/// installed stays.
void ignore_broken_pipe();

/// Makes every installed handler run on the alternate stack where a thread has one. A handler without that flag runs on
/// a goroutine's 2 KB stack and corrupts memory, so call it after each load and after installing a handler.
void move_handlers_to_alternate_stack();

}  // namespace ruststream::inline v0::platform
