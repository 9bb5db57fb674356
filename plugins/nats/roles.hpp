// What a kind implements: a Consumer for each of its subscriptions, a Producer for each of its publishers.
#pragma once

#include "session.hpp"
#include "time.hpp"

#include <ruststream/abi/ext/stats.h>
#include <ruststream/sdk.hpp>

#include <atomic>
#include <memory>
#include <span>
#include <vector>

namespace ruststream::nats {

class Link;

/// A subscription of one kind. It belongs to its sdk::Subscription, which outlives it, as does the link. All on the I/O
/// thread, but the verbs.
class Consumer {
 public:
  Consumer(sdk::Subscription& of, Link& on) : owner(of), link(on) {}
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;
  virtual ~Consumer() = default;

  /// It is in link.consumers. With a session or without. Brings about owner.opened(), or owner.open_failed(error) after
  /// link.consumers.erase(owner.id()); by `deadline`.
  virtual void open(Time deadline) = 0;
  /// A new session: the server knows nothing of the subscriptions of the last one.
  virtual void session_up(Session& session) = 0;
  /// The session is over: what was received before may still be delivered. Destroy its natsSubscriptions.
  virtual void session_down(const rst_error& why) = 0;
  /// Bytes were read: messages may wait in its natsSubscriptions.
  virtual void drain() = 0;
  /// The server refused something by permission, in its own words: this subscription's subject stands in quotes there.
  virtual void refused(std::string_view what) = 0;
  /// The same of something that was published on its behalf.
  virtual void publish_refused(std::string_view /*what*/) {}
  /// There is credit again, after it starved.
  virtual void credit_added() = 0;
  /// Brings about link.consumers.erase(owner.id()) and owner.closed(), by `deadline`. Told a second time with abort.
  virtual void close(bool abort, Time deadline) = 0;

  /// It has messages and no credit: wants to hear of more, once. [any thread]
  [[nodiscard]] bool starves() noexcept { return starves_.load() && starves_.exchange(false); }

  /// Its numbers for rst.stats. [any thread]
  virtual void snapshot(std::vector<rst_stat>& /*stats*/) const {}

  /// Verbs. [any thread]
  virtual std::int32_t settle(const rst_settle& call, sdk::ErrorOut error) = 0;
  virtual std::int32_t seek(std::span<const rst_position> positions, std::uint64_t op, sdk::ErrorOut error) = 0;

  sdk::Subscription& owner;
  Link& link;

 protected:
  /// There is no credit. True: there is by now, go on. [I/O thread]
  [[nodiscard]] bool starve() noexcept {
    starves_.store(true);
    return owner.credit().available() && starves_.exchange(false);
  }
  /// Any more credit is of interest, whatever there is: look at it behind this call. [I/O thread]
  void wants_credit() noexcept { starves_.store(true); }

 private:
  std::atomic<bool> starves_{false};
};

/// A publisher of one kind, the same way.
class Producer {
 public:
  Producer(sdk::Publisher& of, Link& on) : owner(of), link(on) {}
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  virtual ~Producer() = default;

  /// The session is over, or a new one is there. [I/O thread]
  virtual void session_up(Session& session) = 0;
  virtual void session_down(const rst_error& why) = 0;
  virtual void refused(std::string_view what) = 0;
  /// Bytes were read. [I/O thread]
  virtual void drain() {}
  /// Brings about link.producers.erase(owner.id()) and owner.closed(dropped), by `deadline`. [I/O thread]
  virtual void close(bool abort, Time deadline) = 0;

  /// Its numbers for rst.stats. [any thread]
  virtual void snapshot(std::vector<rst_stat>& /*stats*/) const {}

  /// Verbs. [any thread]
  virtual std::int32_t publish(rst_publish& call, sdk::ErrorOut error) = 0;
  virtual std::int32_t request(rst_publish& call, sdk::ErrorOut error) = 0;
  virtual std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error) = 0;

  sdk::Publisher& owner;
  Link& link;
};

/// By the kind of the spec: kinds.cpp.
std::unique_ptr<Consumer> make_consumer(sdk::Subscription& of, Link& link, const rst_subscription_spec& spec);
std::unique_ptr<Producer> make_producer(sdk::Publisher& of, Link& link, const rst_publisher_spec& spec);

}  // namespace ruststream::nats
