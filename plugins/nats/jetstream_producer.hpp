// Kind `jetstream`: publishing into a stream, which acknowledges each message.
#pragma once

#include "link.hpp"
#include "message.hpp"
#include "unrouted.hpp"

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <vector>

namespace ruststream::nats {

void validate_stream(const rst_publisher_spec& spec, sdk::Report& report);

/// At most max_pending messages are sent and not acknowledged, each in the slot of its number, which stands in its
/// reply subject. Verbs on any thread, the rest on the I/O thread; mutex_ is between them, and keeps messages in order.
class StreamProducer final : public Producer {
 public:
  StreamProducer(sdk::Publisher& of, Link& link, const rst_publisher_spec& spec);

  void session_up(Session& session) override;
  void session_down(const rst_error& why) override;
  void refused(std::string_view what) override;
  void drain() override;
  void close(bool abort, Time deadline) override;

  std::int32_t publish(rst_publish& call, sdk::ErrorOut error) override;
  std::int32_t request(rst_publish& call, sdk::ErrorOut error) override;
  std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error) override;
  void snapshot(std::vector<rst_stat>& stats) const override;

 private:
  /// One call of publish, until all of its messages have their final status.
  struct Call {
    std::uint64_t op = 0;              // 0: nobody waits; a failure is PUB_FAILED
    std::int32_t* statuses = nullptr;  // the host's, until the completion
    rst_position* receipts = nullptr;  // likewise
    std::uint32_t left = 0, failed = 0;
    std::int32_t status = RST_OK;  // of the last that failed
    Time deadline;
  };
  struct Slot {
    Call* call = nullptr;  // nullptr: free
    std::uint32_t index = 0;
    bool held = false;  // not sent yet
  };
  struct Flush {
    std::uint64_t op, up_to;  // complete when no message before this number is left
    Time deadline;
  };

  std::int32_t accept(Outbox::Batch& batch, Outgoings& outgoings, const rst_out_message& message, Call& call,
                      std::uint32_t index);
  std::int32_t send(Outbox::Batch& batch, Outgoing& out, bool& held);
  bool add_expectations(natsMsg& message, const rst_out_message& source, std::size_t& bytes) const;
  [[nodiscard]] Slot& slot(std::uint64_t number) noexcept { return slots_[number % slots_.size()]; }
  Call* take_call();
  void finish(std::uint64_t number, std::int32_t status, const rst_position* receipt);
  template <class Pick>
  void finish_all(std::int32_t status, Pick pick);
  void acknowledged(std::uint64_t number, std::string_view text);
  void end_unrouted();
  void tell();
  void watch();
  void expire();

  const std::string destination_, stream_;
  std::string inbox_;  // with a dot at its end; the same for all sessions
  natsSubscription* subscription_ = nullptr;
  Timers::Key timer_ = Timers::kNone;
  bool closing_ = false;
  Time close_deadline_ = kNever;
  std::uint64_t dropped_ = 0;
  std::vector<Flush> flushes_;
  Unrouted unrouted_;

  std::mutex mutex_;  // of all that follows; held while messages are copied into a buffer, for no I/O
  std::vector<Slot> slots_;
  std::uint64_t next_ = 1, oldest_ = 1;  // numbers; what is below oldest_ has its status
  std::list<Call> calls_;                // all there ever were at once
  std::vector<Call*> free_calls_, finished_;
  std::atomic<bool> telling_{false};  // the host hears of what was in finished_
  std::string reply_;                 // these two of the call under way
  Time deadline_ = kNever;
  bool watched_ = false, ended_ = false;
  std::atomic<std::uint64_t> published_{0}, in_flight_{0};
};

}  // namespace ruststream::nats
