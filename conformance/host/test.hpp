#pragma once
#include "host/instance.hpp"
#include "host/ledger.hpp"
#include "host/plugin.hpp"
#include "host/specs.hpp"
#include "runner/testkit.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

class Proxy;

/// Ends a case from anywhere on its own stack; the ledger, or `skipped`, says why.
struct CaseEnded {
  std::string skipped;
};

/// A figure that a case reports.
struct Measure {
  std::string name;
  double value;
  std::string unit;
};

/// What became of another process of a case.
struct Apart {
  int status = 0;      // as waitpid gives it
  std::string output;  // both streams
};

/// What a case has at hand: the plugin, a host against it, and time. One case, one child process, one Test.
class Test {
 public:
  Test(const Plugin& plugin, const Kind& kind, const Testkit& testkit, std::string name, std::uint64_t seed);
  ~Test();
  Test(const Test&) = delete;
  Test& operator=(const Test&) = delete;

  const Plugin& plugin;
  const Kind& kind;          // under test
  const Kind& publish_kind;  // whose publishers reach it
  const Testkit& testkit;
  const std::uint64_t seed;
  std::mt19937_64 random;
  Ledger ledger;

  /// An address that this run of this case has for itself; several by name. Made through rst.admin when the testkit
  /// says that addresses are created.
  [[nodiscard]] std::string address(std::string_view name = "a");
  /// What rst.admin knows such an address by, or what it lies in; made likewise.
  [[nodiscard]] std::string object(std::string_view name = "a");
  /// Whether the testkit has such objects created.
  [[nodiscard]] bool creates() const { return testkit.create || !testkit.kind(kind.name).object.empty(); }
  [[nodiscard]] OptionTexts admin_options(std::string_view kind) const;
  [[nodiscard]] std::string pattern();  // covers all of them
  /// A name that only this run of this case uses: of a group, a client.
  [[nodiscard]] std::string unique(std::string_view name) const { return name_ + "-" + std::string(name); }

  /// The instance, connection, subscription and publisher that most cases need; made when first used.
  Instance& instance();
  Subscription subscribe(const Subscribe& wanted = {}) { return instance().subscribe(wanted); }
  Publisher publisher(const OpenPublisher& wanted = {}) { return instance().publisher(wanted); }

  /// From here on between the plugin and its server, for connections that name no URL. Skips the case where the testkit
  /// names no server.
  Proxy& proxy();
  // The testkit's, through the proxy when there is one.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] OptionTexts connection_options() const;

  /// What the plugin says of such a subscription before there is one.
  [[nodiscard]] Plan plan(const Subscribe& wanted);
  /// How many of a subscription may be unsettled at once when it asks for a window of `wanted`; at most that.
  [[nodiscard]] std::uint32_t unsettled(std::uint32_t wanted);
  /// Whether that message would reach that subscription, by rst.match: 1, 0 or minus a code.
  [[nodiscard]] std::int32_t match(const Subscribe& to, const OpenPublisher& from, const Out* message = nullptr);

  /// A call into the plugin, named where it hangs or crashes. Ends the case by L1 when something unwinds out of it.
  std::int32_t inside(std::string_view name, const std::function<std::int32_t()>& call);

  /// Runs all at the same moment, each on a thread of its own, until the last is over. Where one ends the case, this
  /// does. No verb is judged by B1 meanwhile: it may wait for another's short lock, on a busy machine for long.
  void together(const std::vector<std::function<void()>>& all);
  void elsewhere(const std::function<void()>& one) { together({one}); }

  /// Ends the case as failed when `holds` is false.
  void expect(bool holds, std::string_view rule, std::string expected, std::string seen);
  void expect_code(std::int32_t seen, std::int32_t expected, std::string_view rule, std::string_view what);
  [[noreturn]] void fail(std::string_view rule, std::string expected, std::string seen);
  /// Only for what follows from the plugin's own declarations, or from a testkit that has no means for it.
  [[noreturn]] static void skip(std::string reason);
  void measure(std::string name, double value, std::string unit) {
    measures.push_back({std::move(name), value, std::move(unit)});
  }
  /// Runs the case's `apart` in a process of its own, which loads the plugin anew and has the same addresses, until it
  /// ends, or is killed after a third of the case's time. `under`: the program that runs it, and its arguments.
  [[nodiscard]] Apart run_apart(const std::string& role, const std::vector<std::string>& under = {}) const {
    return start_apart(role, under);
  }
  void warn(std::string text) { warnings.push_back(std::move(text)); }
  /// Time is not simulated in this case, though the plugin could. Before its first instance.
  void use_real_time() noexcept {
    if (testkit.real_time) now_ns_ = 0;
  }
  /// Closes everything, as a host that keeps the rules does. The runner calls it when a case has not failed.
  void end() {
    if (instance_) (void)instance_->deinit();  // where it fails the instance is kept, with all that the plugin may use
    instance_.reset();
  }
  /// Ends the case when the host has seen something.
  void check() const;

  /// [any of the case's threads] Waits until `holds`; false when it does not within that time. Time is simulated where
  /// the plugin has rst.sim: it jumps to what is due next.
  bool wait(const std::function<bool()>& holds, std::chrono::nanoseconds at_most);
  /// Lets time pass.
  void pass(std::chrono::nanoseconds time);
  /// A time that is long against what a plugin needs by itself, and short enough to let it pass several times.
  [[nodiscard]] std::chrono::nanoseconds tick() const noexcept { return simulated() ? 2s : 300ms; }
  [[nodiscard]] bool simulated() const noexcept { return now_ns_.load() != 0; }
  [[nodiscard]] std::chrono::nanoseconds now() const;

  /// Whether the host answers events that wait for an answer (rule H4), with OK.
  bool answers = true;
  std::vector<std::string> warnings;
  std::vector<Measure> measures;
  std::string apart;  // in such a process: what it is to do
  std::function<Apart(const std::string&, const std::vector<std::string>&)> start_apart;  // the runner's

 private:
  friend class Instance;
  std::int64_t step();
  void answer();

  std::string name_;
  std::atomic<int> together_{0};         // rounds of several threads under way
  std::mutex stepping_;                  // one step at a time
  std::atomic<std::int64_t> now_ns_{0};  // simulated; 0: real
  std::vector<Instance*> instances_;
  std::vector<std::string> created_;
  std::unique_ptr<Proxy> proxy_;  // outlives the instance
  std::optional<Instance> instance_;
};

}  // namespace conformance
