// sim: the runtime on the memory plugin, single-threaded and in virtual time, one run for each seed. See README.md.
#include "simulation.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>
#include <unistd.h>

namespace ruststream::sim {
namespace {

constexpr unsigned kSecondsPerSeed = 60;  // of real time, however slow the machine
constexpr std::uint64_t kMostFailures = 10;

struct Wanted {
  std::uint64_t first = 1, last = 500;
  bool verbose = false;
  bool twice = false;
  bool digests = false;
};

constexpr const char* kUsage =
    "sim [--seed N | --seeds A..B] [--verbose] [--digests] [--twice]\n"
    "  --verbose  print everything that happens\n"
    "  --digests  print the digest of each seed\n"
    "  --twice    run each seed twice and compare\n";

bool number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse(int argc, char** argv, Wanted& wanted) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--verbose") {
      wanted.verbose = true;
    } else if (word == "--twice") {
      wanted.twice = true;
    } else if (word == "--digests") {
      wanted.digests = true;
    } else if (word == "--seed" && i + 1 < argc) {
      if (!number(argv[++i], wanted.first)) return false;
      wanted.last = wanted.first;
    } else if (word == "--seeds" && i + 1 < argc) {
      const std::string_view range = argv[++i];
      const std::size_t dots = range.find("..");
      if (dots == std::string_view::npos || !number(range.substr(0, dots), wanted.first) ||
          !number(range.substr(dots + 2), wanted.last)) {
        return false;
      }
    } else {
      return false;
    }
  }
  return wanted.first <= wanted.last;
}

const char* g_program = "sim";
char g_last_words[512];  // of the seed that is running, for a handler of signals

void crashed(int) {
  [[maybe_unused]] const auto written = write(STDOUT_FILENO, g_last_words, std::strlen(g_last_words));
  _exit(3);
}

void watch(std::uint64_t seed) {
  std::snprintf(g_last_words, sizeof(g_last_words),
                "seed %llu: crashed, or never ends; replay: %s --seed %llu --verbose\n",
                static_cast<unsigned long long>(seed), g_program, static_cast<unsigned long long>(seed));
  alarm(kSecondsPerSeed);
}

unsigned threads() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return static_cast<unsigned>(std::atoi(line.c_str() + 8));
  }
  return 1;
}

Result run_one(std::uint64_t seed, bool verbose) {
  watch(seed);
  Simulation simulation(seed, verbose);
  Result result = simulation.run();
  if (threads() != 1) result.violations.emplace_back("a thread was started");
  if (result.stuck) {
    for (const std::string& violation : result.violations) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
    }
    std::printf("replay: %s --seed %llu --verbose\n", g_program, static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    std::_Exit(1);  // what is under way cannot be taken down
  }
  return result;
}

int run_all(const Wanted& wanted) {
  std::uint64_t failures = 0, lines = 0;
  for (std::uint64_t seed = wanted.first; seed <= wanted.last && failures < kMostFailures; ++seed) {
    Result result = run_one(seed, wanted.verbose);
    if (wanted.twice && run_one(seed, false).digest != result.digest) {
      result.violations.emplace_back("a second run of the seed is another one");
    }
    lines += result.lines;
    const auto shown = static_cast<unsigned long long>(seed);
    if (wanted.digests || wanted.verbose || wanted.first == wanted.last) {
      std::printf("seed %llu: digest %016llx of %llu events\n", shown, static_cast<unsigned long long>(result.digest),
                  static_cast<unsigned long long>(result.lines));
    }
    if (result.violations.empty()) continue;
    ++failures;
    for (const std::string& violation : result.violations) std::printf("seed %llu: %s\n", shown, violation.c_str());
    std::printf("replay: %s --seed %llu --verbose\n", g_program, shown);
  }
  std::printf("%llu seeds, %llu events, %llu failed\n", static_cast<unsigned long long>(wanted.last) - wanted.first + 1,
              static_cast<unsigned long long>(lines), static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ruststream::sim

int main(int argc, char** argv) {
  ruststream::sim::g_program = argv[0];
  ruststream::sim::Wanted wanted;
  if (!ruststream::sim::parse(argc, argv, wanted)) {
    std::fputs(ruststream::sim::kUsage, stderr);
    return 64;
  }
  if (wanted.verbose) std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // a crash shows how far it came
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGALRM}) std::signal(signal, ruststream::sim::crashed);
  return ruststream::sim::run_all(wanted);
}
