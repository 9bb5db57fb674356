#pragma once
#include "client/connection_core.hpp"

#include <ruststream/buffer.hpp>
#include <ruststream/publish.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

class PublisherCore;
struct PublishOp;

/// One publish from its builder to its final status, with everything that the plugin borrows meanwhile (rule M4).
/// Pooled per thread, buffers included.
struct PublishOp {
  /// A range of `text`, which may move while it grows.
  struct Piece {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    bool set = false;
  };
  struct HeaderPiece {
    Piece name;
    Piece value;
  };

  PublishOp* next = nullptr;    // of the pool, or of a backlog
  PublishOp* beside = nullptr;  // of a call's list: it may wait in a backlog too
  std::shared_ptr<PublisherCore> publisher;
  Call* call = nullptr;   // the handler's invocation that it belongs to
  void* owner = nullptr;  // of one that the runtime waits for
  Op* op = nullptr;       // while somebody may have to wait
  Error error;
  bool failed = false;
  bool confirm = true;
  bool waited = false;  // for room: its waiter has a deadline of its own then
  std::chrono::nanoseconds timeout{};

  Buffer text;
  Piece payload, destination, key, reply_to, correlation, message_id, content_type;
  bool null_payload = false;
  bool borrows = false;  // the payloads of `messages` are the caller's
  std::vector<HeaderPiece> header_pieces;
  std::vector<std::pair<std::string, std::string>> options;

  std::uint32_t first = 0;                    // the next of `messages` to send
  std::atomic<std::uint32_t> outstanding{0};  // of several: parts that the plugin has, plus one while not all are sent
  std::vector<rst_out_message> messages;
  std::vector<std::int32_t> statuses;
  std::vector<rst_header> headers;
  rst_out_props props{};
  std::shared_ptr<const void> option_storage;

  static PublishOp& acquire(std::shared_ptr<PublisherCore> publisher, Call* call);
  void recycle() noexcept;
  void fail(Error because) noexcept;
  Piece add(std::string_view bytes);
  /// Copies the payloads that are the caller's, before the call that lent them ends.
  void own();
  /// Points `messages` into `text`; after this nothing is added.
  void seal();
  /// Takes the error of the first message that failed, if any.
  void read_statuses() noexcept;
  /// A flush that waits behind publishes: it has no message, and its operation is the waiter's.
  [[nodiscard]] bool is_flush() const noexcept { return messages.empty(); }
  [[nodiscard]] bool done() const noexcept { return op == nullptr || op->done(); }
  /// The result of a done operation, which is recycled by it.
  [[nodiscard]] Result<void> take();
  /// Nobody waits any more: recycles it when it is done, now or later, and logs a failure.
  void detach() noexcept;
  void forget_op() noexcept;
};

/// The host's side of one publisher. [any thread]
class PublisherCore final : public EventSink, public std::enable_shared_from_this<PublisherCore> {
 public:
  PublisherCore();
  ~PublisherCore();

  /// Before it is used: an app declares its publishers before it has connections.
  void bind(std::shared_ptr<ConnectionCore> connection, std::uint32_t kind, bool confirm,
            std::chrono::nanoseconds timeout, bool has_destination);
  [[nodiscard]] bool bound() const noexcept { return bound_.load(std::memory_order_acquire); }

  void on_event(const rst_event& event) noexcept override;

  [[nodiscard]] OpRef open(rst_publisher_spec spec);
  [[nodiscard]] OpRef close(std::uint32_t flags, std::chrono::nanoseconds timeout);
  [[nodiscard]] OpRef flush(std::chrono::nanoseconds timeout);
  void set_handle(std::uint64_t handle) noexcept { handle_.store(handle, std::memory_order_release); }

  /// Sends a sealed operation. Null when it is done and well (it is recycled then); else the operation, failed or under
  /// way or waiting for room.
  [[nodiscard]] PublishOp* submit(PublishOp& op);
  /// Ends the wait of one that still waits for room; nothing when it has been sent meanwhile.
  void give_up_waiting(PublishOp& op) noexcept;
  /// Bytes to the publisher's own destination, handed over only, nothing copied here.
  /// @return -RST_E_BACKPRESSURE: nothing was done, take the long way (no room, or an error that it will meet again);
  /// else
  ///   the status of the message, which the broker may have all the same when it is an error.
  [[nodiscard]] std::int32_t try_hand_over(const Payload& bytes) noexcept;

  /// Sends `line.text` as one message to the publisher's own destination. `line` is of this publisher, made ready by
  /// make_line(), and its owner fills and sends it again and again, buffers and operation kept.
  /// @return RST_DONE: done and well, fill it again. RST_PENDING: `line` is under way or has failed, no line any
  ///   more, and the caller's to attach. Else nothing was done: take the long way.
  [[nodiscard]] std::int32_t send_line(PublishOp& line);
  [[nodiscard]] PublishOp& make_line();

  /// The loop on which publishes are tried again; the environment's service loop unless told.
  void set_home(Loop& loop) noexcept { home_ = &loop; }

  [[nodiscard]] ConnectionCore& connection() const noexcept { return *connection_; }
  [[nodiscard]] bool confirm() const noexcept { return confirm_; }
  [[nodiscard]] std::chrono::nanoseconds timeout() const noexcept { return timeout_; }
  [[nodiscard]] bool has_destination() const noexcept { return has_destination_; }
  [[nodiscard]] std::uint32_t kind() const noexcept { return kind_; }

 private:
  static constexpr std::size_t kMaxBacklog = 65'536;  // publishes that wait for room; more fail with BACKPRESSURE

  /// One try with what is left of `op`: RST_DONE when nothing is left and all is known, RST_PENDING, or −code.
  std::int32_t try_publish(PublishOp& op);
  std::int32_t try_part(PublishOp& op);
  /// The turn of a flush: its marker is gone when it is under way.
  std::int32_t try_flush(PublishOp& marker);
  std::int32_t flush_now(std::chrono::nanoseconds timeout, std::uint64_t op, rst_error& error);
  void part_done(PublishOp& op) noexcept;
  /// Tells who waits. `op` may be gone after it.
  void end(PublishOp& op) noexcept;
  PublishOp* wait_for_room(PublishOp& op);
  void resubmit();
  void fail_backlog();
  [[nodiscard]] static Error closed();

  std::shared_ptr<ConnectionCore> connection_;
  std::uint64_t id_ = 0;
  std::uint32_t kind_ = 0;
  bool confirm_ = true;
  bool has_destination_ = false;
  std::chrono::nanoseconds timeout_{};
  std::atomic<bool> bound_{false};  // what is above is written once before it
  std::atomic<std::uint64_t> handle_{0};
  std::atomic<bool> closed_{false};
  Loop* home_ = nullptr;

  std::mutex backlog_mutex_;  // taken only while the broker takes nothing
  std::atomic<std::size_t> backlog_size_{0};
  PublishOp* backlog_first_ = nullptr;
  PublishOp* backlog_last_ = nullptr;
  bool writable_ = false;  // PUB_WRITABLE came and nobody acted on it yet
  struct Resubmit : Ready {
    std::shared_ptr<PublisherCore> publisher;  // while it is posted
  } resubmit_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
