// The process is the host's: rules T1 to T5. Each case has a process of its own, so whatever is changed is found.
#include "cases/case.hpp"
#include "cases/life.hpp"

#include <array>
#include <clocale>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fnmatch.h>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" char** environ;  // NOLINT(readability-redundant-declaration)

namespace conformance {
namespace {

bool has_runtime(const Test& t) { return t.plugin.table().runtime != RST_RUNTIME_NONE; }

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

std::string stream_of(int descriptor) {
  struct stat about{};
  if (::fstat(descriptor, &about) != 0) return "closed";
  return std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino) + " flags " +
         std::to_string(::fcntl(descriptor, F_GETFL));
}

/// What belongs to the host, by name, as text to compare.
std::map<std::string, std::string> state(bool with_signals) {
  std::map<std::string, std::string> all;
  for (int number = 1; with_signals && number < NSIG; ++number) {
    struct sigaction action{};
    if (::sigaction(number, nullptr, &action) != 0) continue;
    constexpr int kRestorer = 0x0400'0000;  // the C library's own
    all["the disposition of signal " + std::to_string(number)] =
        std::to_string(reinterpret_cast<std::uintptr_t>(action.sa_handler)) + " flags " +
        std::to_string(action.sa_flags & ~kRestorer);
  }
  sigset_t mask{};
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  std::string blocked;
  for (int number = 1; number < NSIG; ++number) blocked += ::sigismember(&mask, number) == 1 ? '1' : '0';
  all["the signal mask of the host's thread"] = blocked;
  all["the locale"] = std::setlocale(LC_ALL, nullptr);
  const mode_t mode = ::umask(0);
  ::umask(mode);
  all["the umask"] = std::to_string(mode);
  all["the working directory"] = std::filesystem::current_path();
  for (char** each = environ; each != nullptr && *each != nullptr; ++each)
    all["the environment"] += *each + std::string("\n");
  for (int descriptor = 0; descriptor < 3; ++descriptor)
    all["standard stream " + std::to_string(descriptor)] = stream_of(descriptor);
  for (int what = 0; what < RLIMIT_NLIMITS; ++what) {
    rlimit limit{};
    ::getrlimit(static_cast<__rlimit_resource>(what), &limit);
    all["limit " + std::to_string(what)] = std::to_string(limit.rlim_cur) + " of " + std::to_string(limit.rlim_max);
  }
  return all;
}

struct Thread {
  std::string id, name, blocked;
};

std::vector<Thread> threads() {
  std::vector<Thread> all;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string folder = each.path();
    std::string name = read_file(folder + "/comm"), status = read_file(folder + "/status");
    if (name.ends_with('\n')) name.pop_back();
    const std::size_t at = status.find("SigBlk:\t");
    all.push_back({each.path().filename(), name, at == std::string::npos ? "" : status.substr(at + 8, 16)});
  }
  return all;
}

/// Signals that no thread can block, and two that the C library keeps for itself.
constexpr std::uint64_t kMayBeOpen = 1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1) | 1ULL << 31U | 1ULL << 32U |
                                     // A thread's own faults are the host's crash handler's.
                                     1ULL << (SIGSEGV - 1) | 1ULL << (SIGBUS - 1) | 1ULL << (SIGFPE - 1) |
                                     1ULL << (SIGILL - 1) | 1ULL << (SIGABRT - 1) | 1ULL << (SIGTRAP - 1) |
                                     1ULL << (SIGSYS - 1) | 1ULL << (SIGPIPE - 1);

/// A subscription with a message unsettled and something due later, so that what needs a thread has it.
std::vector<Message> be_busy(Test& t, Instance& instance) {
  const Connection on = instance.connect();
  if (!t.kind.consumes() || !t.publish_kind.publishes()) return {};
  Subscribe wanted{.connection = on};
  for (const auto& each : t.testkit.kind(t.kind.name).ack_deadline_options) wanted.options.push_back(each);
  const Subscription sub = instance.subscribe(wanted);
  instance.publisher({.connection = on}).send(numbered(3));
  std::vector<Message> taken = sub.next(3);
  if (t.kind.can(RST_CAP_RETRY_AFTER)) sub.retry(taken[0], 60s);
  return taken;
}

constexpr Case kCases[] = {
    {.name = "process.nothing-is-changed",
     .rule = "T1",
     .says = "A whole life changes no signal's disposition or mask, no locale, umask, directory, environment, stream "
             "or limit.",
     .run =
         [](Test& t) {
           const auto before = state(!has_runtime(t));
           const auto same = [&](const char* when) {
             const auto now = state(!has_runtime(t));
             for (const auto& [what, was] : before) {
               const auto found = now.find(what);
               t.expect(found != now.end() && found->second == was, "T1", what + " stays as it was",
                        std::string("it is another ") + when);
             }
           };
           t.use_real_time();
           {
             Instance instance(t);
             same("after init");
             live(instance);
             same("after a connection's life");
           }
           same("after deinit");
         }},
    {.name = "process.threads",
     .rule = "T2",
     .says = "Threads that the plugin starts are named rst-*, and block every signal that the host may handle.",
     .run =
         [](Test& t) {
           if (has_runtime(t)) Test::skip("its runtime's threads are exempt");
           t.elsewhere([] {});  // a sanitizer starts a thread of its own beside the first one
           std::vector<std::string> ours;
           for (const Thread& each : threads()) ours.push_back(each.id);
           t.use_real_time();
           Instance instance(t);
           const std::vector<Message> held = be_busy(t, instance);
           for (const Thread& each : threads()) {
             if (std::ranges::find(ours, each.id) != ours.end()) continue;
             const std::uint64_t open = ~std::stoull("0" + each.blocked, nullptr, 16) & ~kMayBeOpen;
             t.expect(open == 0, "T2", "the thread " + conformance::quoted(each.name) + " blocks signals",
                      "signals are open: SigBlk " + each.blocked);
             const bool client = std::ranges::any_of(t.testkit.client_threads, [&](const std::string& pattern) {
               return ::fnmatch(pattern.c_str(), each.name.c_str(), 0) == 0;
             });
             t.expect(client || each.name.starts_with("rst-"), "T2",
                      "a thread is named rst-*, or is one of the client library's that the testkit names",
                      conformance::quoted(each.name));
           }
         }},
    {.name = "process.descriptors",
     .rule = "T3",
     .says = "Every descriptor that the plugin opens is close-on-exec.",
     .run =
         [](Test& t) {
           const auto open = [] {
             std::map<int, std::string> all;
             std::error_code none;
             for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd", none)) {
               const int number = std::stoi(each.path().filename());
               const int flags = ::fcntl(number, F_GETFD);
               if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
                 all[number] = std::filesystem::read_symlink(each.path(), none).string();
             }
             return all;
           };
           const auto before = open();
           t.use_real_time();
           Instance instance(t);
           const std::vector<Message> held = be_busy(t, instance);
           for (const auto& [number, what] : open()) {
             t.expect(before.contains(number), "T3", "descriptors are close-on-exec",
                      std::to_string(number) + " is not: " + what);
           }
         }},
    {.name = "process.children",
     .rule = "T4",
     .says = "A plugin that forks only execs in the child: no copy of the host goes on.",
     .run =
         [](Test& t) {
           t.use_real_time();
           Instance instance(t);
           const std::vector<Message> held = be_busy(t, instance);
           const std::string self = std::filesystem::read_symlink("/proc/self/exe");
           const std::string children = read_file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
           std::istringstream all(children);
           for (std::string child; all >> child;) {
             std::error_code none;
             const auto program = std::filesystem::read_symlink("/proc/" + child + "/exe", none);
             t.expect(none || program != self, "T4", "a child of the plugin is another program", "it is the host's");
           }
         }},
    {.name = "process.exit-without-deinit",
     .rule = "T5",
     .says = "The process may exit with connections open and batches held, without deinit.",
     .run =
         [](Test& t) {
           t.use_real_time();
           // The process exits over them; found by a sanitizer that looks for leaks.
           static auto* const left_open = new Instance(t);
           [[maybe_unused]] static auto* const held = new std::vector<Message>(be_busy(t, *left_open));
         }},
};

}  // namespace

std::span<const Case> process_cases() { return kCases; }

}  // namespace conformance
