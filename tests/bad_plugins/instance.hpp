// One instance of the plugin: its verbs, and the one place that calls the host.
#pragma once
#include "model.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace plain {

/// Every verb changes the state under the lock and leaves what the host is to be told in `outbox_`. `pump` alone calls
/// the host, one caller at a time and with the lock free: the plugin's thread; rst.sim's step where time is simulated;
/// the verb itself in the variant that completes before it returns.
class Instance {
 public:
  explicit Instance(const rst_host* host);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  std::int32_t connect(const rst_connection_spec* spec, std::uint64_t* handle, rst_error* error);
  std::int32_t subscribe(std::uint64_t connection, const rst_subscription_spec* spec, std::uint64_t* handle,
                         rst_error* error);
  std::int32_t open_publisher(std::uint64_t connection, const rst_publisher_spec* spec, std::uint64_t* handle,
                              rst_error* error);
  std::int32_t close(std::uint64_t handle, std::uint32_t flags, std::uint64_t op, rst_error* error);
  std::int32_t credit(const rst_credit* call, rst_error* error);
  std::int32_t settle(const rst_settle* call, rst_error* error);
  std::int32_t publish(rst_publish* call, rst_error* error);
  std::int32_t flush(std::uint64_t handle, std::uint64_t op, rst_error* error);
  std::int32_t answer(std::uint64_t answer, rst_error* error);
  std::int32_t seek(std::uint64_t subscription, const rst_position* positions, std::uint32_t count, std::uint64_t op,
                    rst_error* error);
  std::int32_t begin(std::uint64_t publisher, std::uint64_t subscription, std::uint64_t timeout_ns, std::uint64_t op,
                     std::uint64_t* tx, rst_error* error);
  std::int32_t commit(std::uint64_t tx, std::uint64_t op, rst_error* error);
  std::int32_t abort(std::uint64_t tx, std::uint64_t op, rst_error* error);
  std::int32_t request(rst_publish* call, rst_error* error);
  std::int32_t apply(const rst_admin_request* request, rst_error* error);
  std::int32_t snapshot(const rst_stats_query* query, rst_stat* stats, std::uint32_t capacity, std::uint32_t* count,
                        rst_error* error);
  std::int32_t step(std::int64_t now_ns, std::int64_t* next_due_ns, std::uint64_t* pending, rst_error* error);
  void released(Batch& batch);
  [[nodiscard]] bool busy() const { return !connections_.empty(); }

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Call = std::function<void()>;

  // pump.cpp: the way out
  void post(Call call) { outbox_.push_back(std::move(call)); }
  std::int32_t finish(std::uint64_t op, std::uint64_t value = 0, std::int32_t code = 0, std::string text = {},
                      Call then = {});
  void tell(std::uint32_t kind, const Object& about, std::vector<rst_partition> partitions = {},
            std::uint64_t value = 0, std::uint64_t answer = 0, std::string text = {});
  void say(const Object& about, std::string text);
  void wake();
  void pump(Lock& lock);
  void run();
  bool deliver_next(Lock& lock);
  bool deliver(Lock& lock, Subscription& sub);
  std::vector<Item> take(Subscription& sub);
  Batch* make_batch(Subscription* sub, std::vector<Item> items);
  void due(std::int64_t now_ns);
  void due_of_subscriptions(std::int64_t now_ns);
  void lose(Connection& connection);
  void resume(Connection& connection);
  [[nodiscard]] std::int64_t next_due() const;
  [[nodiscard]] std::int64_t now() const;

  // broker.cpp: messages and groups
  Record record_of(const Publisher& publisher, const rst_out_message& message);
  std::shared_ptr<Group> full(std::uint32_t kind, const std::string& address);
  std::int32_t route(std::uint32_t kind, Record record, std::int64_t at_ns, bool mandatory);
  void enqueue(Group& group, Item item);
  void put_back(Group& group, Item item, bool counts, std::int64_t at_ns = 0);
  void dead_letter(const Subscription& sub, const Item& item, const rst_settle_detail* detail);
  std::shared_ptr<Group> group_of(const rst_subscription_spec& spec, std::uint64_t handle);
  [[nodiscard]] bool keeps(const rst_subscription_spec& spec) const;
  void fill(Group& group, const rst_position& from);
  void void_tokens(Subscription& sub, std::uint64_t but_partitions);
  void give_back(Subscription& sub, bool counts);
  void close_subscription(std::uint64_t handle);
  void close_publisher(std::uint64_t handle);
  void assign(const std::shared_ptr<Group>& group);
  void finish_revoke(std::uint64_t answer, bool lost);
  std::int32_t settle_one(Subscription& sub, rst_settlement& item, std::uint64_t tx);
  void apply_verdict(Subscription& sub, Delivered delivered, std::uint16_t verdict, std::int64_t at_ns,
                     const rst_settle_detail* detail);
  void roll_back(std::uint64_t tx);
  void end_transaction(std::uint64_t tx);

  // verbs.cpp
  std::vector<std::int32_t> store(const rst_publish& call, Publisher& publisher, std::vector<rst_position>& receipts);

  template <class T>
  T* find(std::map<std::uint64_t, T>& among, std::uint64_t handle, rst_error* error, std::int32_t* status);
  [[nodiscard]] std::uint64_t new_handle();

  const rst_host* host_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::vector<std::thread> threads_;
  bool stop_ = false, pumping_ = false;
  std::deque<Call> outbox_;
  std::int64_t stepped_ns_ = 0;

  std::uint64_t last_handle_ = 0x100, last_number_ = 0, last_served_ = 0, place_ = 0;
  std::uint64_t capacity_ = 4096, published_ = 0;
  std::map<std::uint64_t, Connection> connections_;
  std::map<std::uint64_t, Subscription> subscriptions_;
  std::map<std::uint64_t, Publisher> publishers_;
  std::set<std::uint64_t> closing_;  // handles whose close is not complete
  std::map<std::string, std::shared_ptr<Group>> groups_;
  std::map<std::string, std::deque<RecordPtr>> logs_;
  std::set<std::pair<std::uint32_t, std::string>> topics_;
  std::set<std::string> deleted_;  // topics, of the variant that forgets its publishers
  std::map<std::uint64_t, Transaction> transactions_;
  std::map<std::string, Request> requests_;  // by reply address
  std::map<std::uint64_t, Revoke> revokes_;  // by answer
};

/// A named thread, with every signal blocked from its first instruction on, or none; process.cpp.
[[nodiscard]] std::thread start_thread(const char* name, bool blocks_signals, std::function<void()> body);

/// What some variants do to the process; process.cpp.
void on_init();
void on_connect();

}  // namespace plain
