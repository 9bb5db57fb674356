// Kind `core`: a subscription to subjects, alone or in a queue group.
#pragma once

#include "link.hpp"
#include "message.hpp"

#include <deque>
#include <string>
#include <vector>

namespace ruststream::nats {

/// Messages wait here while there is no credit, up to pending_messages and pending_bytes, whatever the window of a
/// subscription that settles nothing; what is more is lost, and reported. All on the I/O thread, but the numbers.
class CoreConsumer final : public Consumer {
 public:
  CoreConsumer(sdk::Subscription& of, Link& link, const rst_subscription_spec& spec);
  ~CoreConsumer() override;

  void open(Time deadline) override;
  void session_up(Session& session) override;
  void session_down(const rst_error& why) override;
  void drain() override;
  void credit_added() override { drain(); }
  void close(bool abort, Time deadline) override;
  void refused(std::string_view what) override;
  void snapshot(std::vector<rst_stat>& stats) const override;

  std::int32_t settle(const rst_settle& call, sdk::ErrorOut error) override;
  std::int32_t seek(std::span<const rst_position> positions, std::uint64_t op, sdk::ErrorOut error) override;

 private:
  void subscribe(Session& session);
  void subscribed(natsStatus status);
  void unsubscribe();
  void open_failed(const rst_error& why);
  void ended(const rst_error& why);
  void end();
  void pump();
  void fill(sdk::Batch<Received>& batch, std::uint32_t most);
  void take_back(sdk::Batch<Received>& batch);
  natsMsg* next();
  void keep_the_rest();
  void report_losses();

  const std::vector<std::string> addresses_;
  const std::string group_;
  const bool shows_address_;
  const std::uint64_t most_messages_, most_bytes_;
  sdk::BatchPool<Received>::Owner pool_;
  std::vector<natsSubscription*> subscriptions_;  // of the session; one per address
  std::size_t next_subscription_ = 0;             // round robin
  Arrived arrived_;
  std::deque<natsMsg*> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::uint64_t unreported_ = 0;  // of dropped_
  // Counted by the I/O thread alone.
  std::atomic<std::uint64_t> delivered_{0}, dropped_{0}, pending_{0};
  std::uint32_t counted_before_ = 0;  // of delivered_, and taken back since
  bool is_open_ = false, closing_ = false, resuming_ = false;
  Time deadline_ = kNever;
  Timers::Key timer_ = Timers::kNone, report_ = Timers::kNone;
};

}  // namespace ruststream::nats
