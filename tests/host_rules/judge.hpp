#pragma once
#include <ruststream/abi.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// The adversarial plugin as the test sees it: what it is told to do to its host, and what it has to say of that host
/// afterwards. Plugin and test come from one build, so this crosses as C++; the host sees the contract's table alone.
namespace host_rules {

enum Verb : std::uint32_t {
  kConnect = 1,
  kSubscribe = 2,
  kPublisher = 4,
  kClose = 8,
  kCredit = 16,
  kSettle = 32,
  kPublish = 64,
  kFlush = 128,
  kAnswer = 256,
};
inline constexpr std::uint32_t kAllVerbs = 511;

/// How the plugin behaves; each a mask of Verb where it speaks of verbs. Without any, every verb is DONE at once.
struct Manners {
  std::atomic<std::uint32_t> hold{0};    // stays pending until complete()
  std::atomic<std::uint32_t> early{0};   // completes inside the verb
  std::atomic<std::uint32_t> aside{0};   // another thread completes it, and the verb returns only then
  std::atomic<std::uint32_t> noisy{0};   // makes every host call inside the verb, on its stack and on another thread
  std::atomic<std::uint32_t> budget{0};  // what of it makes the host call verbs again: so many times
  std::atomic<bool> full{false};         // publish meets BACKPRESSURE
  std::atomic<std::int32_t> message_status{RST_OK};  // of each published message
  std::atomic<std::uint64_t> ack_deadline_ns{0};     // in every plan, as the next
  std::atomic<std::uint32_t> default_window{0};
};

/// One batch to deliver.
struct Shot {
  std::uint32_t count = 1;
  std::uint32_t partition = 0;
  bool larger = true;       // records and batch of a later draft
  std::uint64_t bytes = 0;  // beyond the payloads' own: debited, never read
};

struct Settled {
  std::uint64_t token = 0;
  std::uint16_t verdict = 0;
  std::int32_t status = 0;
  std::uint32_t partition = 0;
  std::chrono::steady_clock::time_point at;
};

struct Answer {
  std::uint64_t id = 0;
  std::int32_t status = 0;
  std::chrono::steady_clock::time_point at;
};

class Judge {
 public:
  /// Good manners, nothing noted. While no instance is there.
  virtual void reset() = 0;
  Manners manners;

  // What it does to its host. [any thread]
  /// The host's id of the newest subscription, publisher or connection; 0 when there is none.
  virtual std::uint64_t newest(Verb opened) = 0;
  /// What the host said. Anything but what the contract demands is noted.
  virtual std::int32_t deliver(std::uint64_t subscription, const Shot& shot) = 0;
  /// An event; its answer id when `waits` is not zero, and the host must answer then. With a partition, everything
  /// delivered of it so far is stale at once (SUB_LOST) or when it is answered (SUB_REVOKING).
  virtual std::uint64_t event(std::uint32_t kind, std::uint64_t subject, std::uint32_t partition,
                              std::chrono::nanoseconds waits) = 0;
  /// Ends what is held of a verb, so many times; `status` with or without a text. How many operations there were.
  virtual std::size_t complete(Verb held, std::int32_t status, int times, bool text) = 0;
  virtual void log(std::uint32_t level, std::uint32_t lines) = 0;
  /// Threads that do all of this at once, to whatever is open, until calm().
  virtual void storm(std::uint32_t threads) = 0;
  virtual void calm() = 0;

  /// The test's handlers call this: noted when they run on the stack of a host call (rule H2).
  virtual void in_handler() = 0;

  // What it saw.
  virtual std::vector<std::string> breaches() = 0;
  virtual int instances() = 0;
  virtual std::size_t accepted() = 0;
  virtual std::size_t released() = 0;
  virtual std::size_t held(Verb verb) = 0;
  virtual std::vector<Settled> settled() = 0;
  virtual std::vector<Answer> answers() = 0;
  virtual std::vector<std::pair<std::uint64_t, std::uint32_t>> closes() = 0;  // handle, flags
  virtual std::uint64_t handle_of(std::uint64_t id) = 0;

 protected:
  ~Judge() = default;
};

}  // namespace host_rules

/// The second symbol of the plugin's library.
#define HOST_RULES_JUDGE "host_rules_judge"
