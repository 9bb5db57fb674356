#pragma once
#include "client/instance.hpp"
#include "loader/loader.hpp"
#include "log/log.hpp"
#include "options/url.hpp"

#include <ruststream/error.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// What all connections of a process share while there is one: the loaded plugins, one instance of each, the log. Two
/// connections to `memory:` meet in the same broker because of it. Plugins are pinned in the process anyway, so this is
/// no more global than they are; it ends with its last holder, which ends the instances. [any thread]
class Environment {
 public:
  static std::shared_ptr<Environment> shared();
  Environment();
  ~Environment();

  [[nodiscard]] loader::Loader& loader() noexcept { return loader_; }
  [[nodiscard]] log::Logger& logger() noexcept { return logger_; }

  /// The plugin for a URL, or the file when a path is given.
  [[nodiscard]] Result<const rst_plugin*> plugin(const options::Url& url, const std::string& path);
  /// The instance of a plugin, made on first use.
  [[nodiscard]] Result<Instance*> instance(const rst_plugin& plugin);
  /// A loop on a thread of its own, started on first use: for what must happen when no loop of the user's runs.
  [[nodiscard]] Loop& service_loop();

  /// Before the first instance: everything takes its time from that loop, no thread is started, and what is random
  /// follows from the seed.
  void simulate(Loop& loop, std::uint64_t seed) noexcept;
  /// Unlike that of any other process.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

 private:
  log::Logger logger_;
  loader::Loader loader_;
  std::mutex mutex_;
  std::uint64_t seed_;
  Loop* simulated_ = nullptr;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::shared_ptr<Loop> service_;  // its thread holds it too
  std::thread service_thread_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
