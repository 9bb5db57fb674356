#include "client/environment.hpp"

#include "client/embedded.hpp"

#include <random>

namespace ruststream {
inline namespace v0 {
namespace detail {

std::shared_ptr<Environment> Environment::shared() {
  static std::mutex mutex;
  static std::weak_ptr<Environment> current;
  const std::scoped_lock lock(mutex);
  std::shared_ptr<Environment> environment = current.lock();
  if (environment == nullptr) {
    environment = std::make_shared<Environment>();
    current = environment;
  }
  return environment;
}

Environment::Environment() : seed_(std::uint64_t{std::random_device()()} << 32U | std::random_device()()) {
  loader::prepare_process();
  for (const rst_plugin* plugin : embedded_plugins()) {
    if (const auto linked = loader_.link(plugin); !linked)
      logger_.write(log::Level::error, "loader", linked.error().text);
  }
}

Environment::~Environment() {
  instances_.clear();
  if (service_thread_.joinable()) {
    service_->stop();
    // A publisher that was tried again there may have been the last holder of all this.
    service_->on_thread() ? service_thread_.detach() : service_thread_.join();
  }
}

Result<const rst_plugin*> Environment::plugin(const options::Url& url, const std::string& path) {
  const auto found = path.empty() ? loader_.for_scheme(url.scheme, url.name) : loader_.load_path(path);
  if (!found) return std::unexpected(found.error());
  return &(*found)->table();
}

Result<Instance*> Environment::instance(const rst_plugin& plugin) {
  const std::scoped_lock lock(mutex_);
  for (const auto& instance : instances_) {
    if (&instance->plugin() == &plugin) return instance.get();
  }
  auto made = Instance::create(plugin, logger_, simulated_);
  if (!made) return std::unexpected(std::move(made.error()));
  instances_.push_back(std::move(*made));
  return instances_.back().get();
}

void Environment::simulate(Loop& loop, std::uint64_t seed) noexcept {
  simulated_ = &loop;
  seed_ = seed;
}

Loop& Environment::service_loop() {
  if (simulated_ != nullptr) return *simulated_;
  const std::scoped_lock lock(mutex_);
  if (service_ == nullptr) {
    service_ = std::make_shared<Loop>();
    service_thread_ = std::thread([loop = service_] { loop->run(); });
  }
  return *service_;
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
