#pragma once
#include "judge.hpp"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

namespace host_rules {

using Clock = std::chrono::steady_clock;

/// A batch, perhaps with the fields of a later draft behind those of this one. Kept to the end of the test, so that a
/// second release or a read after the first is seen.
struct Cargo {
  enum class State : std::uint8_t { offered, accepted, refused, released };
  struct Larger {
    rst_batch batch{};
    std::uint8_t later[64]{};
  } head;
  std::vector<std::uint8_t> records;
  std::string payload;
  State state = State::offered;
};

struct Token {
  std::uint32_t partition = 0;
  bool stale = false;
  bool over = false;
};

struct Subscription {
  std::uint64_t handle = 0;
  std::uint64_t connection = 0;  // handle
  std::int64_t messages = 0;     // balances
  std::int64_t bytes = 0;
  std::uint32_t kind = 0;
  std::uint32_t generation = 1;
  bool closing = false;
  std::map<std::uint64_t, Token> tokens;
};

struct Asked {
  std::uint32_t kind = 0;
  std::uint64_t subject = 0;
  std::uint32_t partition = 0;
  int answers = 0;
};

struct Held {
  Verb verb;
  std::uint64_t op = 0;
  std::uint64_t value = 0;
  rst_publish lent{};                 // of a publish
  std::vector<std::string> payloads;  // as they were lent
};

/// A thread that runs what it is given, one thing after the other.
class Helper {
 public:
  Helper();
  ~Helper();
  /// Runs it there and waits for its end; false when it has not ended within kPatience: it goes on, and holds a copy.
  bool run(std::function<void()> what);
  static constexpr std::chrono::seconds kPatience{10};

 private:
  struct Errand {
    std::function<void()> what;
    std::shared_ptr<std::atomic<bool>> done;
  };
  void serve();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Errand> errands_;
  bool ending_ = false;
  std::thread thread_;
};

class Adversary final : public Judge {
 public:
  static Adversary& get();

  void reset() override;
  std::uint64_t newest(Verb opened) override;
  std::int32_t deliver(std::uint64_t subscription, const Shot& shot) override;
  std::uint64_t event(std::uint32_t kind, std::uint64_t subject, std::uint32_t partition,
                      std::chrono::nanoseconds waits) override;
  std::size_t complete(Verb held, std::int32_t status, int times, bool text) override;
  void log(std::uint32_t level, std::uint32_t lines) override;
  void storm(std::uint32_t threads) override;
  void calm() override;
  void in_handler() override;
  std::vector<std::string> breaches() override;
  int instances() override;
  std::size_t accepted() override;
  std::size_t released() override;
  std::size_t held(Verb verb) override;
  std::vector<Settled> settled() override;
  std::vector<Answer> answers() override;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> closes() override;
  std::uint64_t handle_of(std::uint64_t id) override;

  /// Around every verb. No lock of the plugin's is held.
  class InVerb {
   public:
    InVerb(Verb verb, std::uint64_t subject) noexcept;
  };
  void breach(std::string what);

  // The verbs' parts.
  void begin(const rst_host* host);
  void end();
  /// How the verb ends: DONE with the value in `out`, or PENDING with a completion now, aside or later.
  std::int32_t conclude(Held ended, std::uint64_t* out);
  std::uint64_t open(Verb verb, std::uint64_t id);
  void open_subscription(const rst_subscription_spec& spec, std::uint64_t handle, std::uint64_t connection);
  std::int32_t close(std::uint64_t handle, std::uint32_t flags);
  std::int32_t credit(const rst_credit& credit);
  std::int32_t settle(const rst_settle& call);
  void answer(std::uint64_t id, std::int32_t status);
  void released(rst_batch& batch);

 private:
  /// Around every host call: how long it took, and that nothing of the host comes back on this stack (rule H2).
  template <class F>
  auto calling(const char* what, F&& call);
  void noise(std::uint64_t subject);
  void complete_now(std::span<const Held> all, std::int32_t status, int times, bool text);
  void check_loan(const Held& held);
  void offer(Cargo& cargo, std::uint64_t subscription, const Shot& shot);
  std::uint64_t some_subscription(std::uint32_t seed);
  Subscription* find(std::uint64_t handle);
  void make_stale(std::uint64_t subject, std::uint32_t partition);

  std::mutex mutex_;  // all below; held across no host call
  const rst_host* host_ = nullptr;
  int instances_ = 0;
  std::uint64_t last_ = 0;                          // of handles, tokens and answers
  std::map<std::uint64_t, std::uint64_t> handles_;  // by the host's id
  std::map<std::uint64_t, Verb> opened_;            // by the host's id
  std::map<std::uint32_t, std::uint64_t> newest_;   // by verb
  std::map<std::uint64_t, Subscription> subscriptions_;
  std::map<rst_batch*, std::unique_ptr<Cargo>> cargos_;
  std::map<std::uint64_t, Asked> asked_;
  std::vector<Held> held_;
  std::vector<std::string> breaches_;
  std::vector<Settled> settled_;
  std::vector<Answer> answers_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> closes_;
  std::size_t accepted_ = 0;
  std::size_t released_ = 0;
  std::unique_ptr<Helper> helper_;
  std::atomic<bool> storming_{false};
  std::vector<std::thread> threads_;
};

}  // namespace host_rules
