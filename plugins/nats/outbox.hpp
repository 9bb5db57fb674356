// The way out of a connection: straight into the session's buffer, or held until there is a session.
#pragma once

#include "message.hpp"
#include "session.hpp"

#include <ruststream/sdk.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::nats {

/// One call of publish whose messages wait for a session, until each has its status.
struct Publication {
  std::uint64_t op = 0;
  std::uint64_t publisher = 0;       // the host's id
  std::int32_t* statuses = nullptr;  // the host's, until the completion
  std::uint32_t left = 0, failed = 0;
  std::int32_t status = 0;  // of the last that failed
};

/// A message with its length on the wire, near enough.
struct Held {
  Message message;
  std::shared_ptr<Publication> of;  // nullptr: nobody wants to know
  std::uint32_t index = 0;
  std::size_t bytes = 0;
  Time deadline = kNever;
};

class Outbox {
 public:
  Outbox(Io& io, const Settings& settings);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  using Finished = std::vector<std::shared_ptr<Publication>>;

  enum class Sent : std::uint8_t { kHandedOver, kHeld, kNoRoom, kTooLarge, kFailed };
  /// As a message's status.
  [[nodiscard]] static std::int32_t status_of(Sent sent) noexcept;

  /// Several sends by one thread, in order: holds the lock. At its end it writes what has gathered, as far as the
  /// socket takes it, where that is much, or wakes the I/O thread. [any thread]
  class Batch {
   public:
    explicit Batch(Outbox& outbox);
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch();

    /// The session, when messages go straight into its buffer; else nullptr.
    [[nodiscard]] Session* session() const noexcept { return direct_; }
    [[nodiscard]] std::uint64_t max_payload() const noexcept { return outbox_.max_payload_; }
    /// Subject and reply end in NUL. Bound by write_buffer; needs session().
    Sent publish(const char* subject, const char* reply, std::string_view payload);
    Sent publish(natsMsg& message, std::size_t bytes);
    /// Without a session: waits for one. Bound by reconnect_buffer.
    Sent hold(Held held);
    /// What must not wait, for room or for more to be sent with it: settlements, pull requests. Bound by what the
    /// server delivered. False: no session.
    bool control(const char* subject, const char* reply, std::string_view payload);

   private:
    bool has_room(std::size_t bytes);
    void hurry();
    void write();

    Outbox& outbox_;
    std::unique_lock<std::mutex> lock_;
    Session* direct_;
    bool hurries_ = false;
  };

  // [I/O thread]
  void up(Session& session, std::uint64_t max_payload);
  void down();
  /// After a write, and where the session is not plain: sends what is held, tells publishers of room.
  void pump(Finished& finished);
  /// Takes out what has waited past its deadline, or all of one publisher, or all.
  std::uint64_t expire(Time now, std::int32_t status, Finished& finished);
  std::uint64_t drop(std::uint64_t publisher, std::int32_t status, Finished& finished);
  /// There will be no session any more.
  void fail(std::int32_t status, Finished& finished);
  [[nodiscard]] bool holds(std::uint64_t publisher);
  [[nodiscard]] bool holds_any() const noexcept { return holds_.load(); }
  /// Something in the session's buffer must not wait. [I/O thread]
  [[nodiscard]] bool hurries() const noexcept { return hurries_.load(); }
  /// From now on what must not wait wakes the I/O thread. False: it is there already. [I/O thread]
  [[nodiscard]] bool gathers() noexcept;
  /// All that is in the session's buffer is about to be sent; whether it hurries. Waits for the end of a batch.
  /// [I/O thread]
  bool writes();

  sdk::Refusals refusals;

 private:
  template <typename Pick>
  std::uint64_t take_out(Pick&& pick, std::int32_t status, Finished& finished);

  Io& io_;
  const std::uint64_t write_buffer_, reconnect_buffer_;
  std::mutex mutex_;
  Session* session_ = nullptr;
  std::uint64_t max_payload_ = 0;
  std::uint64_t buffered_ = 0;  // in cnats' buffer at most, what must not wait apart
  std::uint64_t gathered_ = 0;  // of buffered_, what came since the last write began
  std::deque<Held> held_;
  std::uint64_t held_bytes_ = 0;
  std::atomic<bool> holds_{false};  // held_ is not empty
  std::atomic<bool> hurries_{false}, gathers_{false};
  std::atomic<bool> refuses_{false};  // somebody may be about to wait for room
  bool failed_ = false;
};

}  // namespace ruststream::nats
