// The two ends of the process that loads a plugin: what it says is one JSON document on a descriptor of its own.
#include "describe.hpp"
#include "loader/loader.hpp"
#include "runner/process.hpp"

#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ruststream::cli {
namespace {

using json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr int kReport = 3;  // its descriptor
constexpr std::chrono::seconds kLimit{10};
constexpr std::size_t kMostSaid = 64U << 20U;
constexpr const char* kRemedy =
    "; a constructor and " RST_ENTRY_SYMBOL "() only give what is static: its author has to move the rest to init";

/// All that it says until it closes its end or its time is over.
std::string listen(int from, bool& in_time) {
  std::string said;
  const auto deadline = Clock::now() + kLimit;
  for (bool more = true; more;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) break;
    pollfd wait{from, POLLIN, 0};
    (void)::poll(&wait, 1, static_cast<int>(left.count()));
    more = conformance::drain(from, said, kMostSaid);
    in_time = !more;
  }
  return said;
}

std::string why_silent(bool in_time, int status) {
  if (!in_time) return "it was not loaded within " + std::to_string(kLimit.count()) + " s";
  if (WIFSIGNALED(status)) return std::string("loading it ended its process (") + ::strsignal(WTERMSIG(status)) + ")";
  return "loading it ended its process with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<json> describe_file(const std::string& path) {
  conformance::Pipe pipe;
  const pid_t child = conformance::spawn({.arguments = {kDescribeRole, path},
                                          .environment = conformance::own_environment(),
                                          .descriptors = {{pipe.write.get(), kReport}},
                                          .on_parent_death = SIGKILL});
  pipe.write.close();
  bool in_time = false;
  const std::string said = listen(pipe.read.get(), in_time);
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::kill(-child, SIGKILL);  // what it has left behind
  json document = json::parse(said, nullptr, false);
  if (document.is_discarded()) {
    return fail(Code::unavailable, "plugin " + path + " is refused: " + why_silent(in_time, status) + kRemedy);
  }
  if (document.contains("refusal")) return fail(static_cast<Code>(document.at("code")), document.at("refusal"));
  return document;
}

void run_describe(const char* path) {
  ::fcntl(kReport, F_SETFD, FD_CLOEXEC);
  loader::Loader loader(loader::Loader::Config{.search = {}, .allow_second_runtime = false, .warn = {}});
  const auto plugin = loader.load_path(path);
  const json document =
      plugin ? describe((*plugin)->table()) : json{{"refusal", plugin.error().text}, {"code", plugin.error().code}};
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t now = ::write(kReport, text.data() + sent, text.size() - sent);
    if (now <= 0) break;
    sent += static_cast<std::size_t>(now);
  }
  ::_exit(0);  // what it has said is all that is wanted of it
}

}  // namespace ruststream::cli
