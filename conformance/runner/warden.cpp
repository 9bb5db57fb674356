#include "runner/warden.hpp"

#include "host/doing.hpp"
#include "runner/backtrace.hpp"
#include "runner/environment.hpp"
#include "runner/process.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace conformance {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::chrono::milliseconds kLook{25};            // how often memory and time are looked at
constexpr std::chrono::milliseconds kLeaveTogether{300};  // a helper process may end a little after its parent
constexpr std::size_t kReportLimit = 1 << 20U;
constexpr unsigned kLastSeconds = 5;  // of a warden that is told to end

/// Where the child finds its descriptors: out of reach of a plugin that closes the first few.
int high_descriptor() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return static_cast<int>(std::min<rlim_t>(files.rlim_cur, 1000)) - 2;
}

class Watch {
 public:
  explicit Watch(const Errand& errand) : deadline_(begin_ + errand.timeout) {
    Errand own = errand;
    own.report = high_descriptor();
    own.doing = own.report + 1;
    const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
    child_ = spawn({.arguments = {"--child", own.to_json()},
                    .environment = plugin_environment(),
                    .output = output_.write.get(),
                    .errors = output_.write.get(),
                    .descriptors = {{report_.write.get(), own.report}, {board_.descriptor(), own.doing}},
                    .on_parent_death = SIGKILL,
                    .cpu_seconds = (errand.timeout.count() / 1000 + 1) * cores + 1});
    output_.write.close();
    report_.write.close();
    pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
  }

  Ended until_end() {
    using How = Ended::How;
    while (!over_) {
      std::array<pollfd, 3> wait{
          {{pidfd_.get(), POLLIN, 0}, {output_.read.get(), POLLIN, 0}, {report_.read.get(), POLLIN, 0}}};
      (void)::poll(wait.data(), wait.size(), static_cast<int>(kLook.count()));
      read();
      if (crash_thread() != 0) {
        end(How::crashed);
      } else if (wait[0].revents != 0) {
        exited();
      } else if (Clock::now() >= deadline_) {
        end(How::timed_out);
      } else if (stuck()) {
        end(How::stuck);
      } else if (too_big()) {
        end(How::grew);
      }
    }
    return ended_;
  }

  /// After a crash or a hang.
  [[nodiscard]] std::string trace() const {
    if (ended_.how == Ended::How::crashed) return backtrace(child_, crash_thread());
    if (ended_.how != Ended::How::timed_out && ended_.how != Ended::How::stuck) return {};
    const auto doing = board_.read();
    return backtrace(child_, doing.empty() ? child_ : static_cast<pid_t>(doing.front().thread));
  }

 private:
  void read() {
    if (!drain(output_.read.get(), ended_.output, kOutputLimit)) output_.read = {};
    if (!drain(report_.read.get(), ended_.report, kReportLimit)) report_.read = {};
  }

  /// The thread that the crash handler names; 0: nobody has crashed.
  [[nodiscard]] pid_t crash_thread() const {
    constexpr std::string_view kKey = "{\"crash\":{\"signal\":";
    constexpr std::string_view kThread = ",\"thread\":";
    const std::size_t at = ended_.report.find(kKey);
    if (at == std::string::npos || ended_.report.find('\n', at) == std::string::npos) return 0;
    const std::size_t thread = ended_.report.find(kThread, at);
    return thread == std::string::npos ? child_ : std::atoi(ended_.report.c_str() + thread + kThread.size());
  }

  /// Whether a verb has not returned for too long, less the time that its thread stood in line for a processor: a busy
  /// machine does not make a verb hang.
  [[nodiscard]] bool stuck() {
    const auto doing = board_.read();
    if (doing.empty()) return false;
    const auto& longest = doing.front();
    const double in_line = seconds_in_line(child_, static_cast<pid_t>(longest.thread));
    if (longest.since_s != watched_since_s_) {
      watched_since_s_ = longest.since_s;
      watched_in_line_s_ = in_line;
    }
    const double now = std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
    return now - longest.since_s - (in_line - watched_in_line_s_) > std::chrono::duration<double>(kVerbLimit).count();
  }

  [[nodiscard]] static bool too_big() {
    std::size_t bytes = 0;
    for (const pid_t each : descendants_of(::getpid())) bytes += resident_bytes(each);
    return bytes > kMemoryLimit;
  }

  void exited() {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG);
    read();
    end(info.si_code == CLD_EXITED ? Ended::How::exited : Ended::How::signalled);
    ended_.code = info.si_status;
    if (ended_.how == Ended::How::signalled && ended_.code == SIGXCPU) ended_.how = Ended::How::timed_out;
    const auto give_up = Clock::now() + kLeaveTogether;
    std::vector<pid_t> left;
    while (!(left = descendants_of(::getpid())).empty() && Clock::now() < give_up) {
      while (::waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      ::usleep(1000);
    }
    const auto own = std::filesystem::read_symlink("/proc/self/exe");
    for (const pid_t each : left) {
      std::error_code gone;
      const auto program = std::filesystem::read_symlink("/proc/" + std::to_string(each) + "/exe", gone);
      if (!gone) ended_.leftover.push_back(program == own ? "" : program.filename().string());
    }
  }

  void end(Ended::How how) {
    over_ = true;
    ended_.how = how;
    ended_.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin_);
    for (const auto& each : board_.read()) ended_.doing.push_back(each.what);
  }

  DoingBoard board_;
  Pipe output_, report_;
  Clock::time_point begin_ = Clock::now(), deadline_;
  pid_t child_ = 0;
  Descriptor pidfd_;
  double watched_since_s_ = 0, watched_in_line_s_ = 0;  // of the verb that has not returned for longest
  bool over_ = false;
  Ended ended_;
};

void say(const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t now = ::write(1, text.data() + sent, text.size() - sent);
    if (now <= 0) return;
    sent += static_cast<std::size_t>(now);
  }
}

}  // namespace

void run_warden(const Errand& errand) {
  become_subreaper();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {  // whoever started this is gone, or wants to be
    ::signal(signal, [](int) {
      ::alarm(kLastSeconds);  // what this may have interrupted holds a lock, perhaps one that is needed here
      end_descendants();
      ::_exit(1);
    });
  }
  Watch watch(errand);
  say(watch.until_end().to_json());  // first, because what follows reads files that may be broken
  if (const std::string trace = watch.trace(); !trace.empty()) {
    say(json{{"backtrace", trace}}.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  }
  end_descendants();
  ::_exit(0);
}

}  // namespace conformance
