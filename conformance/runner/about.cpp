#include "runner/about.hpp"

#include "runner/judge.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace conformance {
namespace {

using nlohmann::json;

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
constexpr const char* kMachineName = "x86-64";
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
constexpr const char* kMachineName = "AArch64";
#endif

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "32-bit x86";
    case EM_AARCH64: return "AArch64";
    case EM_ARM: return "32-bit ARM";
    case EM_RISCV: return "RISC-V";
    case EM_S390: return "s390x";
    case EM_PPC64: return "PowerPC 64";
    default: return "machine " + std::to_string(machine);
  }
}

/// The few bytes at a file's beginning that say whether it can be loaded at all; the rest is read in a child.
std::string against_file(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) {
    const std::string why = errno == ENOENT ? "there is no such file" : std::strerror(errno);
    return path + ": " + why + "; give the path of a plugin's shared library";
  }
  if (S_ISDIR(about.st_mode)) return path + ": it is a directory; give the path of the plugin's .so file in it";
  if (!S_ISREG(about.st_mode)) return path + ": it is not a regular file; give the path of a plugin's shared library";
  std::ifstream file(path, std::ios::binary);
  std::array<unsigned char, 20> head{};
  if (!file.read(reinterpret_cast<char*>(head.data()), head.size()) && file.gcount() == 0) {
    return path + (about.st_size == 0 ? ": it is empty" : ": it cannot be read") +
           "; give the path of a plugin's shared library";
  }
  if (std::memcmp(head.data(), ELFMAG, SELFMAG) != 0) {
    return path + ": it is not an ELF file; give the path of the shared library that the plugin is built to";
  }
  const auto type = static_cast<std::uint16_t>(head[16] | head[17] << 8U);
  const auto machine = static_cast<std::uint16_t>(head[18] | head[19] << 8U);
  if (head[EI_DATA] != ELFDATA2LSB || machine != kMachine || head[EI_CLASS] != ELFCLASS64) {
    return path + ": it is built for " +
           (head[EI_DATA] == ELFDATA2LSB ? machine_name(machine) : "a big-endian machine") + ", and this runner for " +
           kMachineName + "; build one of them for the other's architecture";
  }
  if (type != ET_DYN) return path + ": it is an ELF file but no shared library; link it with -shared";
  return {};
}

std::string where_of(const std::string& backtrace) {
  // The first frame that is not the signal's: "#0 pause", "#1 on_signal", "#2 <signal trampoline>".
  std::string_view rest = backtrace;
  bool after_signal = false;
  for (; !rest.empty(); rest.remove_prefix(std::min(rest.size(), rest.find('\n') + 1))) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::size_t at = line.find(' ', line.find('#'));
    if (line.find('#') == std::string_view::npos || at == std::string_view::npos) continue;
    if (after_signal && line.find("raise") == std::string_view::npos && line.find("abort") == std::string_view::npos &&
        line.find("pthread_kill") == std::string_view::npos)
      return " in " + std::string(line.substr(at + 1));
    if (line.find("__restore_rt") != std::string_view::npos) after_signal = true;
  }
  return {};
}

std::string against_end(const std::string& path, const Ended& ended) {
  using How = Ended::How;
  const std::string during = ended.doing.empty() ? "it was loaded" : "the runner was in " + ended.doing.front();
  const std::string remedy =
      "; a constructor and " RST_ENTRY_SYMBOL "() only give what is static, so move the rest to init";
  switch (ended.how) {
    case How::crashed:
    case How::signalled: {
      Ended plain = ended;
      plain.doing.clear();
      return path + ": " + end_of(plain) + where_of(ended.backtrace) + " while " + during + remedy;
    }
    case How::timed_out:
    case How::stuck: return path + ": nothing happened any more while " + during + remedy;
    case How::grew: return path + ": " + end_of(ended) + remedy;
    case How::exited:
      return path + ": it ended the process with exit code " + std::to_string(ended.code) + " while " + during + remedy;
    case How::lost: break;
  }
  return path + ": " + end_of(ended) + "; try again";
}

About read(const json& from) {
  About about;
  about.name = from.at("name");
  about.version = from.at("version");
  about.vendor = from.at("vendor");
  about.schemes = from.at("schemes");
  about.secrets = from.value("secrets", std::vector<std::string>{});
  for (const json& each : from.at("kinds")) {
    Kind kind;
    kind.index = static_cast<std::uint32_t>(about.kinds.size());
    kind.name = each.at("name");
    kind.roles = each.at("roles");
    for (const json& capability : each.at("capabilities")) {
      kind.capabilities.push_back({.id = capability.at("id"),
                                   .level = capability.at("level"),
                                   .flags = capability.at("flags"),
                                   .limit = capability.at("limit")});
    }
    about.kinds.push_back(std::move(kind));
  }
  return about;
}

}  // namespace

std::expected<About, std::string> describe(Sandbox& sandbox, const Errand& errand) {
  if (std::string against = against_file(errand.plugin); !against.empty()) return std::unexpected(std::move(against));
  const Ended ended = sandbox.run(errand);
  if (const std::string error = report_line(ended, "unusable"); !error.empty()) return std::unexpected(error);
  if (const std::string error = report_line(ended, "error"); !error.empty()) {
    return std::unexpected(errand.plugin + ": " + error);
  }
  const std::string said = report_line(ended, "plugin");
  if (said.empty()) return std::unexpected(against_end(errand.plugin, ended));
  try {
    About about = read(json::parse(said));
    if (about.kinds.empty()) {
      return std::unexpected(errand.plugin +
                             ": its table declares no kinds, so there is nothing to test; fill rst_plugin.kinds");
    }
    return about;
  } catch (const json::exception&) {
    return std::unexpected(errand.plugin +
                           ": what it declares cannot be read; check the texts and arrays of its table");
  }
}

}  // namespace conformance
