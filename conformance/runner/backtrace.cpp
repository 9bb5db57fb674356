#include "runner/backtrace.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

namespace conformance {
namespace {

constexpr std::size_t kMostFrames = 32;  // of one thread
constexpr std::size_t kMostThreads = 16;
constexpr std::size_t kMostName = 100;  // of one function: templates have long ones
constexpr std::size_t kMostText = 24 * 1024;

struct End {
  void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

std::string readable(const char* symbol) {
  int failed = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(symbol, nullptr, nullptr, &failed),
                                                          &std::free);
  std::string name = failed == 0 ? plain.get() : symbol;
  if (name.size() > kMostName) name.replace(kMostName, std::string::npos, "...");
  return name;
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// "file.c:12", or nothing. clang writes no .debug_aranges, from which dwfl_module_getsrc finds the unit of an address:
/// then the units are looked through.
std::string place_of(Dwfl_Module* module, Dwarf_Addr pc) {
  int line = 0;
  const char* file = nullptr;
  if (Dwfl_Line* const at = dwfl_module_getsrc(module, pc); at != nullptr) {
    file = dwfl_lineinfo(at, nullptr, &line, nullptr, nullptr, nullptr);
  }
  Dwarf_Addr bias = 0;
  for (Dwarf_Die* unit = nullptr; file == nullptr && (unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr;) {
    if (dwarf_haspc(unit, pc - bias) <= 0) continue;
    Dwarf_Line* const at = dwarf_getsrc_die(unit, pc - bias);
    if (at == nullptr || dwarf_lineno(at, &line) != 0) break;
    file = dwarf_linesrc(at, nullptr, nullptr);
    break;
  }
  return file == nullptr ? std::string() : std::string(file_name(file)) + ":" + std::to_string(line);
}

std::string describe(Dwfl* dwfl, Dwarf_Addr pc) {
  Dwfl_Module* const module = dwfl_addrmodule(dwfl, pc);
  if (module == nullptr) return "?";
  const char* const symbol = dwfl_module_addrname(module, pc);
  std::string text = symbol != nullptr ? readable(symbol) : "?";
  if (const std::string place = place_of(module, pc); !place.empty()) return text + " (" + place + ")";
  const char* const name = dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  return text + " [" + std::string(file_name(name != nullptr ? name : "?")) + "]";
}

struct Walk {
  Dwfl* dwfl;
  std::string text;
  std::size_t frames = 0;
};

int add_frame(Dwfl_Frame* frame, void* argument) {
  auto& walk = *static_cast<Walk*>(argument);
  Dwarf_Addr pc = 0;
  bool exact = false;
  if (!dwfl_frame_pc(frame, &pc, &exact)) return DWARF_CB_ABORT;
  walk.text += "  #" + std::to_string(walk.frames) + " " + describe(walk.dwfl, exact ? pc : pc - 1) + "\n";
  return ++walk.frames < kMostFrames && walk.text.size() < kMostText ? DWARF_CB_OK : DWARF_CB_ABORT;
}

int collect(Dwfl_Thread* thread, void* argument) {
  static_cast<std::vector<pid_t>*>(argument)->push_back(dwfl_thread_tid(thread));
  return DWARF_CB_OK;
}

std::string name_of(pid_t process, pid_t thread) {
  std::ifstream comm("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/comm");
  std::string name;
  std::getline(comm, name);
  return name;
}

}  // namespace

std::string backtrace(pid_t process, pid_t first) {
  static char* no_debuginfo_path = nullptr;
  Dwfl_Callbacks callbacks{};
  callbacks.find_elf = dwfl_linux_proc_find_elf;
  callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
  callbacks.debuginfo_path = &no_debuginfo_path;
  const std::unique_ptr<Dwfl, End> dwfl(dwfl_begin(&callbacks));
  if (!dwfl || dwfl_linux_proc_report(dwfl.get(), process) != 0) return {};
  if (dwfl_report_end(dwfl.get(), nullptr, nullptr) != 0) return {};
  if (dwfl_linux_proc_attach(dwfl.get(), process, false) != 0) return {};
  std::vector<pid_t> threads{first};
  (void)dwfl_getthreads(dwfl.get(), collect, &threads);
  Walk walk{dwfl.get(), {}};
  std::size_t shown = 0;
  for (std::size_t i = 0; i < threads.size() && shown < kMostThreads && walk.text.size() < kMostText; ++i) {
    if (i != 0 && threads[i] == first) continue;
    walk.frames = 0;
    walk.text += "thread " + std::to_string(threads[i]) + " \"" + name_of(process, threads[i]) + "\"\n";
    (void)dwfl_getthread_frames(dwfl.get(), threads[i], add_frame, &walk);
    ++shown;
  }
  if (shown < threads.size() - 1) walk.text += "  (more threads are not shown)\n";
  return walk.text;
}

}  // namespace conformance
