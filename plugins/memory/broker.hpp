// The broker: topics, groups and what passes through them, shared by all connections of one name.
#pragma once

#include "alarms.hpp"
#include "batches.hpp"
#include "clock.hpp"
#include "connection.hpp"
#include "group.hpp"
#include "request.hpp"
#include "revocation.hpp"
#include "schedule.hpp"
#include "short_lock.hpp"
#include "slabs.hpp"
#include "subscription.hpp"
#include "topic.hpp"
#include "transaction.hpp"
#include "turn.hpp"

#include <ruststream/sdk/host.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ruststream::memory {

/// What a subscription is opened with.
struct SubscriptionOptions {
  std::string group;  // empty: of its own
  std::vector<std::string> addresses;
  bool log = false;
  const rst_position* start = nullptr;  // of a new group of a log; nullptr: earliest
  std::uint32_t window = 0;
  std::uint32_t max_batch = 0;
  std::uint32_t max_attempts = 0;
  std::string dead_letter;
  std::int64_t ack_timeout_ns = 0;
  std::uint64_t revoke_timeout_ns = 0;
};

/// What rst.admin and rst.stats name: a topic, or a group of an address.
struct ObjectName {
  std::string_view name;
  std::string_view parent;  // of a group: its addresses, separated by spaces
  bool log = false;
};

// The one broker field of a delivery: its number in the broker, or its offset in the log.
inline constexpr std::uint32_t kFieldSequence = 1;

// Headers that a dead letter gets, all text.
inline constexpr std::string_view kReasonHeader = "x-dead-letter-reason";  // rejected, max_attempts, ack_timeout
inline constexpr std::string_view kDetailHeader = "x-dead-letter-detail";  // rst_settle_detail.reason
inline constexpr std::string_view kSourceHeader = "x-dead-letter-source";  // the topic it was published to
inline constexpr std::string_view kGroupHeader = "x-dead-letter-group";  // the group that gave it up, if it has a name
inline constexpr std::string_view kAttemptsHeader = "x-dead-letter-attempts";  // deliveries, in decimal digits

/// Any thread. Each function takes the lock itself and holds it for memory work only; host.deliver and the other host
/// calls happen inside these functions, with the lock free. A function that returns RST_DONE, RST_PENDING or minus a
/// code keeps the contract's meaning of them. Objects passed in are pinned for the call.
class Broker {
 public:
  static constexpr std::uint32_t kNumberBits = 12;  // of a broker within its instance, in the ids that it gives
  static constexpr std::size_t kMaxGroups = 100'000;
  static constexpr std::size_t kMaxTopics = 100'000;  // then idle ones that nobody declared are forgotten

  /// `number` is below 2^kNumberBits and no other broker's of the instance. `wake_by` is told, with nothing locked,
  /// when an alarm is the new earliest.
  Broker(std::string name, std::uint32_t number, const Clock& clock, std::function<void(std::int64_t)> wake_by);
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Lifecycle (broker_lifecycle.cpp). The host's objects: the broker lets go of one by Object::closed.
  void open(Connection& connection);
  void close(Connection& connection);
  std::int32_t subscribe(Subscription& subscription, const SubscriptionOptions& options, sdk::ErrorOut error);
  void close(Subscription& subscription);
  std::int32_t open(Publisher& publisher, std::string_view destination, sdk::ErrorOut error);
  void close(Publisher& publisher);

  // Deliveries (broker_deliver.cpp).
  std::int32_t credit(Subscription& subscription, std::uint32_t messages, std::uint64_t bytes);
  std::int32_t drain(Subscription& subscription, std::uint64_t op);
  void release(Batch& batch) noexcept;

  // Settlements (broker_settle.cpp).
  std::int32_t settle(Subscription& subscription, const rst_settle& call);
  std::int32_t seek(Subscription& subscription, const rst_position& position, std::uint64_t op, sdk::ErrorOut error);

  // Publishing (broker_publish.cpp).
  std::int32_t publish(Publisher& publisher, rst_publish& call, sdk::ErrorOut error);
  std::int32_t request(Publisher& publisher, rst_publish& call, sdk::ErrorOut error);

  // Transactions (broker_tx.cpp). `only`: whose settlements it takes, nullptr: of the whole connection.
  std::int32_t begin(Publisher& publisher, Subscription* only, std::uint64_t timeout_ns, std::uint64_t& tx,
                     sdk::ErrorOut error);
  std::int32_t commit(std::uint64_t tx, sdk::ErrorOut error);
  std::int32_t abort(std::uint64_t tx, sdk::ErrorOut error);
  std::int32_t enlist(Publisher& publisher, rst_publish& call, sdk::ErrorOut error);
  std::int32_t enlist(Subscription& subscription, const rst_settle& call, sdk::ErrorOut error);

  // Partitions that are assigned to members (broker_assign.cpp).
  void join(Subscription& subscription);
  std::int32_t answer(std::uint64_t answer, sdk::ErrorOut error);

  // Administration and numbers (broker_admin.cpp).
  std::int32_t create(const Connection& connection, const ObjectName& object, const TopicOptions& options,
                      const rst_position& start, sdk::ErrorOut error);
  std::int32_t remove(const ObjectName& object, sdk::ErrorOut error);
  std::int32_t purge(const ObjectName& object, std::uint64_t& removed, sdk::ErrorOut error);

  /// Fires what is due; the next due moment, or kNever. `waiting` grows by what is still held for later.
  std::int64_t run_due(std::int64_t now_ns, std::uint64_t& waiting);

  /// The parts of a delivery that a plain message does not have.
  static void fill_rest(rst_message& message, const Record& record) noexcept;

 private:
  friend class Dropping;
  friend class Settling;
  friend class Turn;
  friend class Stats;
  using TopicTable = std::unordered_map<std::string_view, std::unique_ptr<Topic>>;  // keys are the topics' own names

  // Topics and groups (broker_routes.cpp). All under the lock.
  Topic* find_topic(std::string_view name) noexcept;
  Topic* find_or_make_topic(const Connection& connection, std::string_view name, bool as_log, std::int32_t& code);
  Topic* make_topic(std::string_view name, const TopicOptions& options, bool as_log, std::int32_t& code);
  void forget_idle_topics();
  void forget_topic(Topic& topic);
  static void unpin(Topic& topic) noexcept;
  static std::int32_t cannot_use(std::string_view topic, std::int32_t code, sdk::ErrorOut error);
  void gather_routes(Topic& topic) {
    if (topic.routes_version != routes_version_) gather_routes_again(topic);
  }
  void gather_routes_again(Topic& topic);
  Group* find_group(std::string_view name, std::string_view addresses, bool log) noexcept;
  Group* find_group(const ObjectName& object);
  static std::int32_t too_many_groups(sdk::ErrorOut error);
  Group& make_group(std::string name, std::vector<std::string> addresses, Topic* log, std::uint64_t offset);
  std::uint64_t destroy_group(Turn& turn, Group& group);
  std::uint64_t empty_group(Turn& turn, Group& group, const Topic* only);
  void empty_topic(Turn& turn, Topic& topic);
  void mark_ready(Group& group) noexcept {
    if (group.marked_ready || !group.may_deliver()) return;
    group.marked_ready = true;
    group.next_ready = ready_;
    ready_ = &group;
  }
  void pump_ready(Turn& turn) {
    if (ready_ != nullptr) pump_all_ready(turn);
  }
  void pump_all_ready(Turn& turn);
  void pump(Turn& turn, Group& group);
  bool locate(const Topic& log_topic, const rst_position& position, std::uint64_t& offset) const noexcept;

  // Deliveries.
  Batch& fill(Turn& turn, Group& group, Subscription& subscription);
  static void fill_reply(Batch& batch, Record& record) noexcept;
  void deliver(Turn& turn, Group& group, Subscription& subscription);
  void take_back(Subscription& subscription, Batch& batch, std::uint64_t drains);
  void release_batch(Batch& batch) noexcept;
  void collect_returned() noexcept;

  // Settlements.
  std::int32_t settle_otherwise(Turn& turn, Subscription& subscription, InFlight::Slot& slot,
                                const rst_settlement& item);
  std::int32_t retry(Turn& turn, Subscription& subscription, InFlight::Slot& slot, std::uint64_t delay_ns,
                     const rst_settle_detail* detail);
  std::int32_t reject(Turn& turn, Subscription& subscription, InFlight::Slot& slot, std::string_view reason,
                      const rst_settle_detail* detail);
  std::int32_t dead_letter(Subscription& subscription, const InFlight::Slot& slot, std::string_view destination,
                           std::string_view reason, const rst_settle_detail* detail, Record*& letter);
  void come_again(Group& group, Record& record, std::uint32_t attempt, std::uint64_t delay_ns);
  void expire_acks(Turn& turn, Subscription& subscription, std::int64_t now_ns);
  /// A group or log no longer needs the record.
  void let_go(Turn& turn, Record& record) noexcept;

  // Publishing.
  std::int32_t publish_one(Turn& turn, Publisher& publisher, const rst_out_message& message, std::int64_t now_ns,
                           rst_position* receipt, Transaction* transaction);
  std::int32_t store(Turn& turn, Publisher& publisher, Topic& topic, const rst_out_message& message,
                     std::int64_t now_ns, rst_position* receipt, Transaction* transaction);
  static void count_in(Topic& topic, const Record& record) noexcept;
  void place(Turn& turn, Record& record, std::int64_t now_ns);
  void place_after(Turn& turn, Record& record, std::uint64_t delay_ns, std::int64_t now_ns);
  void discard(Turn& turn, Record& record) noexcept;
  static std::int32_t may_publish(const Publisher& publisher, sdk::ErrorOut error);
  std::int32_t publish_many(Turn& turn, Publisher& publisher, rst_publish& call, std::int64_t now_ns,
                            Transaction* transaction, sdk::ErrorOut error);
  std::int32_t publish_counted(Turn& turn, Publisher& publisher, rst_publish& call, std::int64_t now_ns,
                               sdk::ErrorOut error);
  bool store_bare(Topic& topic, const rst_out_message& message, std::uint64_t max_payload, std::int64_t now_ns);
  std::uint32_t store_run(Topic& topic, const rst_publish& call, std::uint32_t from, std::uint64_t max_payload,
                          std::int64_t now_ns);
  static void append_to_log(Topic& topic, Record& record);
  std::int32_t report_failure(Turn& turn, Publisher& publisher, rst_publish& call, std::uint32_t failed,
                              std::int32_t code, sdk::ErrorOut error);
  Topic* resolve(Publisher& publisher, std::string_view destination, std::int32_t& code);
  bool trim_log(Turn& turn, Topic& topic, std::uint64_t bytes);
  void make_room(Turn& turn, Topic& topic);
  static void refuse(Publisher& publisher, Topic& topic);
  static void tell_writable(Turn& turn, Topic& topic);

  // Requests (broker_request.cpp).
  std::int32_t reply(Turn& turn, const rst_out_message& message, std::string_view inbox, std::int64_t now_ns);

  // Transactions.
  std::int32_t find_open(std::uint64_t tx, Transaction*& found, sdk::ErrorOut error) noexcept;
  std::int32_t enlist_one(Turn& turn, Transaction& transaction, Subscription& subscription, const rst_settlement& item);
  void apply(Turn& turn, const Transaction::Enlisted& settled);
  void undo(Turn& turn, Transaction& transaction);
  void end(Turn& turn, Transaction& transaction, const char* why);
  void end_transactions_of(Turn& turn, const Subscription& subscription, const char* why);
  void forget(Transaction& transaction);
  [[nodiscard]] std::uint64_t lowest_enlisted(const Group& group) const noexcept;

  // Partitions.
  void balance(Turn& turn, Group& group);
  void revoke(Turn& turn, Group& group, Subscription& member, std::vector<std::uint32_t> partitions);
  void assign(Turn& turn, Group& group, Subscription& member, const std::vector<std::uint32_t>& partitions);
  void end_revocation(Turn& turn, Revocation& revocation, bool lost);
  void leave(Turn& turn, Group& group, Subscription& member);

  // The emulated loss of a connection (broker_link.cpp).
  static std::int32_t is_down(sdk::ErrorOut error) noexcept;
  void tell_up(Turn& turn, Connection& connection) const;
  void cut(Turn& turn, Connection& connection);
  void cut(Turn& turn, Subscription& subscription);
  void restore(Turn& turn, Connection& connection);

  void arm(Alarm& alarm, std::int64_t due_ns);
  void fire(Turn& turn, Alarm& alarm, std::int64_t now_ns);
  [[nodiscard]] std::uint64_t next_id() noexcept { return ++last_id_ << kNumberBits | number_; }

  static const rst_batch_ops kQueueOps, kLogOps;

  const std::string name_;
  const std::uint32_t number_;
  const Clock& clock_;
  const std::function<void(std::int64_t)> wake_by_;

  ShortLock lock_;
  Slabs slabs_;
  Batches batches_;
  TopicTable topics_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::uint64_t routes_version_ = 1;  // rises with every change of groups_
  Group* ready_ = nullptr;            // groups to pump before the verb returns
  std::uint64_t sequence_ = 0;
  Alarms alarms_;
  std::int64_t announced_ns_ = kNever;  // the earliest due moment that wake_by knows
  bool wake_needed_ = false;
  Requests requests_;
  Schedule schedule_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Transaction>> transactions_;  // by id
  std::map<std::uint64_t, std::unique_ptr<Revocation>> revocations_;    // by what the host answers to
  Topic replies_;  // owns the records of replies; nobody subscribes to it
  // Released by the host, to be taken apart by whoever settles next or finds no spare batch. Not under the lock.
  alignas(64) std::atomic<Batch*> returned_{nullptr};
};

inline void Turn::enter() {
  broker_.lock_.lock();
  inside_ = true;
}

inline void Turn::leave() {
  if (!inside_) return;
  inside_ = false;
  const bool wake = broker_.wake_needed_;
  if (wake || calls_ != nullptr) [[unlikely]]
    return leave_and_tell();
  broker_.lock_.unlock();
}

}  // namespace ruststream::memory
