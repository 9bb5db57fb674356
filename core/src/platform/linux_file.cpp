#include "platform/platform.hpp"

#include <climits>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace ruststream::inline v0::platform {
namespace {

std::unexpected<Error> system_error(int number) {
  const Code code = number == ENOENT || number == ENOTDIR ? Code::not_found
                    : number == EACCES || number == EPERM ? Code::denied
                                                          : Code::unavailable;
  return fail(code, std::generic_category().message(number));
}

FileStatus convert(const struct stat& raw) {
  FileStatus status;
  status.identity = {.device = raw.st_dev, .inode = raw.st_ino};
  status.kind = S_ISREG(raw.st_mode) ? FileKind::file : S_ISDIR(raw.st_mode) ? FileKind::directory : FileKind::other;
  status.size = static_cast<std::uint64_t>(raw.st_size);
  status.owner = raw.st_uid;
  status.group = raw.st_gid;
  status.group_writes = (raw.st_mode & S_IWGRP) != 0;
  status.others_write = (raw.st_mode & S_IWOTH) != 0;
  return status;
}

}  // namespace

Result<FileStatus> status_of(const std::string& path) {
  struct stat raw{};
  if (::stat(path.c_str(), &raw) != 0) return system_error(errno);
  return convert(raw);
}

std::string why_untrusted(const FileStatus& status) {
  if (status.owner != 0 && status.owner != ::geteuid()) {
    return "it belongs to user " + std::to_string(status.owner) + ", neither root nor you";
  }
  if (status.others_write) return "others can write it";
  if (status.group_writes && status.group != ::getegid()) {
    return "group " + std::to_string(status.group) + ", which is not your own, can write it";
  }
  return {};
}

// O_NONBLOCK: a named pipe put where a library belongs must not hold the caller.
Result<File> File::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return system_error(errno);
  return File(descriptor);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FileStatus> File::status() const {
  struct stat raw{};
  if (::fstat(descriptor_, &raw) != 0) return system_error(errno);
  return convert(raw);
}

bool File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    if (offset > static_cast<std::uint64_t>(LLONG_MAX)) return false;
    const ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  if (resolved == nullptr) return system_error(errno);
  return std::string(resolved.get());
}

Result<std::vector<std::string>> names_in(const std::string& directory, std::size_t limit) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (names.size() == limit) {
      return fail(Code::exhausted, "it holds more than " + std::to_string(limit) + " files");
    }
    names.push_back(it->path().filename().string());
  }
  if (error) return system_error(error.value());
  std::ranges::sort(names);
  return names;
}

}  // namespace ruststream::inline v0::platform
