#include "loader/listing.hpp"

#include <ruststream/abi.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace ruststream::inline v0::loader {
namespace {

constexpr std::string_view kSuffix = ".so";

// Why what lies at `real_path`, or what could be put there instead, is not to be trusted.
std::string why_unsafe(const std::string& real_path, const platform::FileStatus& status) {
  constexpr const char* kRemedy = "; take that right away (chmod, chown), or name the plugin by its path";
  if (const std::string why = platform::why_untrusted(status); !why.empty()) return why + kRemedy;
  const std::string parent = std::filesystem::path(real_path).parent_path().string();
  const auto directory = platform::status_of(parent);
  if (!directory) return "its directory " + parent + " cannot be checked: " + directory.error().text;
  const std::string why = platform::why_untrusted(*directory);
  return why.empty() ? std::string() : "its directory " + parent + " is not safe: " + why + kRemedy;
}

void refuse(Candidate& candidate, Code code, std::string why) {
  if (!candidate.refusal.empty()) return;
  candidate.code = code;
  candidate.refusal = std::move(why);
}

void look_inside(Candidate& candidate, const platform::FileStatus& expected) {
  const auto file = platform::File::open(candidate.real_path);
  if (!file) return refuse(candidate, file.error().code, "it cannot be opened: " + file.error().text);
  const auto status = file->status();
  if (!status || status->identity != expected.identity) {
    return refuse(candidate, Code::unavailable, "it was replaced while it was looked at; try again");
  }
  auto note = read_note(*file);
  if (!note) return refuse(candidate, note.error().code, std::move(note.error().text));
  candidate.note = std::move(*note);
  std::string why = why_incompatible(candidate.note.abi_major, candidate.note.abi_minor);
  if (!why.empty()) refuse(candidate, Code::unsupported, std::move(why));
}

}  // namespace

bool Candidate::claims(std::string_view scheme) const {
  return std::ranges::find(note.schemes, scheme) != note.schemes.end();
}

std::string contract_name(unsigned major, unsigned minor) {
  return std::to_string(major) + "." + std::to_string(minor) + (major == 0 ? " (draft)" : "");
}

std::string why_incompatible(std::uint16_t abi_major, std::uint16_t abi_minor) {
  const bool fits = abi_major == RST_ABI_MAJOR && (RST_ABI_MAJOR != 0 || abi_minor == RST_ABI_MINOR);
  if (fits) return {};
  return "it is built for contract " + contract_name(abi_major, abi_minor) + ", this host has " +
         contract_name(RST_ABI_MAJOR, RST_ABI_MINOR) + "; use a build of the plugin for that contract";
}

Candidate examine(const std::string& path, Origin origin) {
  Candidate candidate;
  candidate.path = path;
  auto real = platform::real_path(path);
  if (!real) {
    refuse(candidate, real.error().code, "it cannot be found: " + real.error().text);
    return candidate;
  }
  candidate.real_path = std::move(*real);
  const auto status = platform::status_of(candidate.real_path);
  if (!status) {
    refuse(candidate, status.error().code, "it cannot be read: " + status.error().text);
    return candidate;
  }
  candidate.identity = status->identity;
  if (status->kind != platform::FileKind::file) {
    const bool directory = status->kind == platform::FileKind::directory;
    refuse(candidate, Code::invalid, directory ? "it is a directory, not a library" : "it is no regular file");
    return candidate;
  }
  if (origin == Origin::found) {
    if (!candidate.path.ends_with(kSuffix)) {
      refuse(candidate, Code::invalid, "it is passed over: its name does not end in .so");
      return candidate;
    }
    if (std::string why = why_unsafe(candidate.real_path, *status); !why.empty()) {
      refuse(candidate, Code::denied, std::move(why));
    }
  }
  look_inside(candidate, *status);
  return candidate;
}

Directory list_directory(const std::string& level, const std::string& path) {
  Directory directory{.level = level, .path = path, .absent = false, .refusal = {}, .files = {}};
  if (!path.starts_with('/')) {
    directory.refusal = "it is not absolute; write the whole path";
    return directory;
  }
  const auto status = platform::status_of(path);
  if (!status) {
    directory.absent = status.error().code == Code::not_found;
    directory.refusal = status.error().text;
    return directory;
  }
  if (status->kind != platform::FileKind::directory) {
    directory.refusal = "it is no directory";
    return directory;
  }
  if (const std::string why = platform::why_untrusted(*status); !why.empty()) {
    directory.refusal = why + "; take that right away (chmod, chown), or name the plugin by its path";
    return directory;
  }
  const auto names = platform::names_in(path, kMaxFilesInDirectory);
  if (!names) {
    directory.refusal = names.error().text;
    return directory;
  }
  for (const std::string& name : *names) {
    if (name.ends_with("testkit.toml")) continue;  // what the conformance runner reads of the plugin beside it
    directory.files.push_back(examine((std::filesystem::path(path) / name).string(), Origin::found));
  }
  return directory;
}

std::vector<Directory> list_level(const Level& level) {
  std::vector<Directory> directories;
  if (!level.ignored.empty()) {
    directories.push_back(
        {.level = level.label, .path = level.label, .absent = false, .refusal = level.ignored, .files = {}});
    return directories;
  }
  for (const std::string& path : level.directories) directories.push_back(list_directory(level.label, path));
  return directories;
}

}  // namespace ruststream::inline v0::loader
