#pragma once
#include "client/client_testing.hpp"
#include "client/environment.hpp"

#include <ruststream/app.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>

/// The runtime's tests run whole apps by start(), stop() and wait(), beside a client that publishes and looks.
namespace ruststream::testing {

/// What handlers saw, for the thread that waits for it.
template <class T>
class Seen {
 public:
  /// How many there are now, this one included.
  std::size_t add(T value) {
    const std::scoped_lock lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
    return values_.size();
  }
  /// All, as soon as there are `count`, or what is there after `timeout`.
  std::vector<T> wait(std::size_t count, std::chrono::milliseconds timeout = kSoon) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [&] { return values_.size() >= count; });
    return values_;
  }
  /// All, a while after `count` of them: none may follow.
  std::vector<T> exactly(std::size_t count) {
    (void)wait(count);
    return wait(count + 1, kNot);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

class OnApp : public OnMemory {
 protected:
  OnApp() {
    if (GetParam() == Form::loaded) app.set("plugin.path", MEMORY_PLUGIN);
    environment_->logger().set_sink([this](const log::Record& record) { logs.add(std::string(record.text)); });
  }
  ~OnApp() override {
    app.stop();
    app.wait();
    environment_->logger().set_sink({});
  }

  void start(const std::function<void(Scope&)>& declare, const std::string& url = "memory:") {
    app.broker(url, declare);
    good(app.start(), "start");
  }
  int stop() {
    app.stop();
    return app.wait();
  }
  void publish(const std::string& to, const std::string& payload, const std::string& key = {}) {
    auto message = outside.message(Payload(payload)).to(to);
    if (!key.empty()) message = std::move(message).key(key);
    good(std::move(message).publish().get(), "publish");
  }
  bool logged(std::string_view text) {
    const auto lines = logs.wait(0);
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

 private:
  std::shared_ptr<detail::Environment> environment_ = detail::Environment::shared();

 protected:
  // NOLINTBEGIN(readability-identifier-naming): the words that tests read
  Seen<std::string> logs;
  Publisher outside = good(broker.publisher().get());
  App app{{.title = "tested", .version = "1"}};
  // NOLINTEND(readability-identifier-naming)
};

struct Order {
  std::uint64_t id;
  std::string text;
};

/// How many run at the same time, and the most that ever did.
struct Overlap {
  int now = 0, most = 0;
  void enter() { most = std::max(most, ++now); }
  void leave() { --now; }
};

}  // namespace ruststream::testing
