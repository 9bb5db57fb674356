#pragma once
#include "runtime/runtime_testing.hpp"
#include "runtime/weak_broker.hpp"

#include <thread>

namespace ruststream::testing {

/// An app on the weak broker, whose script the test writes and reads.
struct OnWeak : ::testing::Test {
  OnWeak() {
    Weak::script.connect_code = Weak::script.subscribe_code = RST_DONE;
    Weak::script.holds_publishes = false;
    Weak::script.settled.clear();
    Weak::script.refused.clear();
    Weak::script.unsure.clear();
    Weak::script.published.clear();
    Weak::script.props.clear();
    Weak::script.answers.clear();
    Weak::script.held.clear();
    Weak::script.settled_before_answer = 0;
    good(environment->loader().link(&kWeakTable), "link");
    environment->logger().set_sink([this](const log::Record& record) { logs.add(std::string(record.text)); });
  }
  ~OnWeak() override {
    app.stop();
    app.wait();
    environment->logger().set_sink({});
  }
  void start(const std::function<void(Scope&)>& declare) {
    app.broker("weak:", declare);
    good(app.start());
  }
  Result<void> refused(const std::function<void(Scope&)>& declare) {
    app.broker("weak:", declare);
    return app.start();
  }
  void publish(const std::string& payload) {
    good(good(app.publisher()).message(Payload(payload)).to("in").publish().get());
  }
  bool logged(std::string_view text, std::chrono::milliseconds timeout = kSoon) {
    const auto until = std::chrono::steady_clock::now() + timeout;
    do {
      for (const std::string& line : logs.wait(0)) {
        if (line.find(text) != std::string::npos) return true;
      }
      std::this_thread::sleep_for(5ms);
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }
  template <class T>
  static std::vector<T> of(std::vector<T> Weak::Script::* list, std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + kSoon;
    for (;;) {
      {
        const std::scoped_lock lock(Weak::script.mutex);
        if ((Weak::script.*list).size() >= count || std::chrono::steady_clock::now() > until) return Weak::script.*list;
      }
      std::this_thread::sleep_for(1ms);
    }
  }

  std::shared_ptr<detail::Environment> environment = detail::Environment::shared();
  Seen<std::string> logs;
  Seen<std::string> seen;
  App app{{.title = "weak", .version = "1"}};
};

}  // namespace ruststream::testing
