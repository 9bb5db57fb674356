// The verbs but settle and transactions.
#include "instance.hpp"

#include <chrono>
#include <cstdlib>
#include <malloc.h>
#include <stdexcept>
#include <utility>

namespace plain {
namespace {

constexpr int kThreads = 4;  // of the variant that delivers from several

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(60)); }

/// The URL without what is secret in it.
std::string display_of(std::string_view url) {
  const std::size_t colon = url.find(':'), at = url.find('@');
  std::string_view host = url.substr(colon + 1);
  if (at != std::string_view::npos) host = url.substr(at + 1);
  if (host.starts_with("//")) host.remove_prefix(2);
  host = host.substr(0, host.find('?'));
  return "plain://" + std::string(host);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0)
      out += c;
    else
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return out;
}

}  // namespace

Instance::Instance(const rst_host* host) : host_(host) {
  on_init();
  if (is(reads_beyond_host) && host->get_extension(host, str("plain.nothing/1")) != nullptr) std::abort();
  const int threads = is(good_delivers_from_four_threads) ? kThreads : variant_threaded;
  for (int i = 0; i < threads; ++i)
    threads_.push_back(
        start_thread(is(thread_is_nameless) ? "worker" : "rst-plain", !is(thread_takes_signals), [this] { run(); }));
}

Instance::~Instance() {
  Lock lock(mutex_);
  stop_ = true;
  lock.unlock();
  work_.notify_all();
  for (std::thread& each : threads_) each.join();
}

std::uint64_t Instance::new_handle() { return ++last_handle_; }

template <class T>
T* Instance::find(std::map<std::uint64_t, T>& among, std::uint64_t handle, rst_error* error, std::int32_t* status) {
  const auto found = among.find(handle);
  if (found != among.end()) return &found->second;
  if (is(bad_handle_crashes)) std::abort();
  const bool gone = handle > 0x100 && handle <= last_handle_ && !connections_.contains(handle) &&
                    !subscriptions_.contains(handle) && !publishers_.contains(handle);
  if (gone && is(closed_is_an_internal_error))
    *status = fail(error, RST_E_INTERNAL, "a closed handle");
  else if (gone)
    *status = fail(error, RST_E_CLOSED, "it is closed");
  else
    *status = fail(error, is(stale_is_not_found) ? RST_E_NOT_FOUND : RST_E_STALE, "there is no such handle");
  return nullptr;
}

std::int32_t Instance::connect(const rst_connection_spec* from, std::uint64_t* handle, rst_error* error) {
  const rst_connection_spec spec = known(from);
  Issues issues;
  check(spec, issues);
  if (!issues.all.empty() && !is(verb_takes_what_validate_refuses)) return issues.first(error);
  on_connect();
  Lock lock(mutex_);
  const std::uint64_t made = new_handle();
  Connection& connection = connections_[made];
  connection.id = spec.id;
  connection.since_ns = now();
  if (const auto* option = given(spec.options, spec.option_count, "capacity")) capacity_ = option->value.as.u64;
  if (const auto* option = given(spec.options, spec.option_count, "disconnect_after"))
    connection.lost_at_ns = now() + static_cast<std::int64_t>(option->value.as.u64);
  const auto* const secret = given(spec.options, spec.option_count, "password");
  const std::string password =
      secret == nullptr ? "" : std::string(static_cast<const char*>(secret->value.as.ptr), secret->value.len);
  const std::string display = display_of(view(spec.url));
  if (is(secret_in_log)) say(connection, "connecting to " + std::string(view(spec.url)));
  if (is(password_in_log)) say(connection, "password=" + password);
  if (is(password_in_log_encoded)) say(connection, "Authorization: Basic " + base64("user:" + password));
  say(connection, "connected to " + display);
  const std::int32_t status = finish(spec.op, made);
  if (is(good_with_a_thread)) post(nap);  // the first CONN_UP may come long after the completion
  tell(RST_EVENT_CONN_UP, connection, {}, 0, 0,
       is(password_in_event_percent) ? display + "?p=" + percent_encoded(password) : display);
  if (status == RST_DONE) *handle = made;
  lock.unlock();
  wake();
  return status;
}

std::int32_t Instance::subscribe(std::uint64_t on, const rst_subscription_spec* from, std::uint64_t* handle,
                                 rst_error* error) {
  const rst_subscription_spec spec = known(from);
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  const Connection* const connection = find(connections_, on, error, &status);
  if (connection == nullptr) return status;
  Issues issues;
  check(spec, issues);
  if (!issues.all.empty()) {
    if (is(refused_subscribe_completes)) finish(spec.op, 0, RST_E_INVALID, "refused");
    return issues.first(error);
  }
  const bool lost = kind_of(spec.kind) == log_kind && !keeps(spec);
  if (lost && !is(failed_subscribe_stays)) return fail(error, RST_E_NOT_FOUND, "the log has no such position");
  const std::uint64_t made = new_handle();
  Subscription& sub = subscriptions_[made];
  sub.id = spec.id;
  sub.connection = connection->id;
  sub.handle = made;
  sub.kind = kind_of(spec.kind);
  sub.down = connection->down;
  sub.group = group_of(spec, made);
  sub.group->members.push_back(made);
  sub.messages = spec.credit_messages;
  sub.bytes = static_cast<std::int64_t>(spec.credit_bytes);
  if (is(bytes_alone_are_lost) && spec.credit_messages == 0) sub.bytes = 0;
  sub.max_batch =
      std::min(spec.max_batch == 0 ? kMaxBatch : spec.max_batch, is(good_delivers_from_four_threads) ? 1 : kMaxBatch);
  sub.window = spec.window_messages;
  sub.max_attempts = spec.max_attempts;
  sub.dead_letter = view(spec.dead_letter);
  if (const auto* option = given(spec.options, spec.option_count, "ack_timeout"))
    sub.ack_timeout_ns = option->value.as.u64;
  if (lost) {
    sub.open = true;
    return fail(error, RST_E_NOT_FOUND, "the log has no such position");
  }
  if (spec.op == 0 && is(subscribes_only_with_an_op)) sub.messages = 0;
  status = finish(spec.op, made, 0, {}, [this, made] {
    if (const auto it = subscriptions_.find(made); it != subscriptions_.end()) it->second.open = true;
  });
  if (is(late_spec_read)) {
    post([this, address = spec.addresses[0], about = Object{sub.id, sub.connection, sub.down}] {
      say(about, "subscribed to " + std::string(view(address)));
    });
  }
  assign(sub.group);
  if (status == RST_DONE) *handle = made;
  lock.unlock();
  wake();
  return status;
}

std::int32_t Instance::open_publisher(std::uint64_t on, const rst_publisher_spec* from, std::uint64_t* handle,
                                      rst_error* error) {
  const rst_publisher_spec spec = known(from);
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  const Connection* const connection = find(connections_, on, error, &status);
  if (connection == nullptr) return status;
  Issues issues;
  check(spec, issues);
  if (!issues.all.empty()) return issues.first(error);
  const std::uint64_t made = new_handle();
  Publisher& publisher = publishers_[made];
  publisher.id = spec.id;
  publisher.connection = connection->id;
  publisher.down = connection->down;
  publisher.kind = kind_of(spec.kind);
  publisher.destination = view(spec.destination);
  status = finish(spec.op, made);
  if (status == RST_DONE) *handle = made;
  lock.unlock();
  wake();
  return status;
}

std::int32_t Instance::close(std::uint64_t handle, std::uint32_t flags, std::uint64_t op, rst_error* error) {
  if ((flags & ~RST_CLOSE_ABORT) != 0 && !is(unknown_close_flag_is_taken))
    return fail(error, RST_E_UNSUPPORTED, "unknown flag of close");
  Lock lock(mutex_);
  std::int32_t status = RST_DONE;
  Object closed;
  std::shared_ptr<Subscription> kept;
  if (subscriptions_.contains(handle)) {
    closed = subscriptions_.at(handle);
    if (is(delivers_after_close)) kept = std::make_shared<Subscription>(subscriptions_.at(handle));
    if (is(close_waits_for_the_answer) &&
        std::ranges::any_of(revokes_, [&](const auto& each) { return each.second.subscription == handle; })) {
      return op == 0 ? RST_DONE : RST_PENDING;
    }
    close_subscription(handle);
  } else if (publishers_.contains(handle)) {
    closed = publishers_.at(handle);
    close_publisher(handle);
  } else if (connections_.contains(handle)) {
    closed = connections_.at(handle);
    const auto of = [&](const auto& each) { return each.second.connection == closed.id; };
    for (auto& [key, sub] : subscriptions_) {
      for (Item& item : sub.acknowledged) {
        if (sub.connection == closed.id && flags == RST_CLOSE_ABORT) put_back(*sub.group, std::move(item), false);
      }
    }
    for (auto each = std::ranges::find_if(subscriptions_, of); each != subscriptions_.end();
         each = std::ranges::find_if(subscriptions_, of))
      close_subscription(each->first);
    for (auto each = std::ranges::find_if(publishers_, of); each != publishers_.end();
         each = std::ranges::find_if(publishers_, of))
      close_publisher(each->first);
    connections_.erase(handle);
    if (is(leaks_memory)) malloc_usable_size(std::memset(std::malloc(200'000), 1, 200'000));
  } else {
    if (flags == RST_CLOSE_ABORT && closing_.contains(handle)) return finish(op);
    if (is(closes_twice) && handle > 0x100 && handle <= last_handle_) return finish(op);
    (void)find(connections_, handle, error, &status);
    return status;
  }
  closing_.insert(handle);
  if (is(handle_is_given_again)) last_handle_ = handle - 1;
  if (is(close_never_completes) && closed.connection != 0 && op != 0) return RST_PENDING;
  status = finish(op, is(close_counts_too_many) ? 1'000'000 : 0, 0, {}, [this, handle] { closing_.erase(handle); });
  if (is(close_completes_twice)) finish(op);
  if (kept) {
    post([this, kept]() {
      Batch* const batch = make_batch(kept.get(), {Item{std::make_shared<Record>()}});
      if (host_->deliver(host_, &batch->raw) != RST_DONE) delete batch;
    });
  }
  if (is(logs_after_close)) say(closed, "closed");
  if (is(event_after_close)) tell(RST_EVENT_CONN_DOWN, closed);
  lock.unlock();
  wake();
  return status;
}

std::int32_t Instance::credit(const rst_credit* from, rst_error* error) {
  const rst_credit call = known(from);
  const bool drains = call.flags == RST_CREDIT_DRAIN;
  if (call.flags != RST_CREDIT_ADD && !drains && !is(unknown_credit_flag_is_taken))
    return fail(error, RST_E_UNSUPPORTED, "credit either adds or drains");
  if (is(credit_waits)) nap();
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  Subscription* const sub = find(subscriptions_, call.subscription, error, &status);
  if (sub == nullptr) return status;
  if (!drains) {
    if (!is(credit_after_drain_is_lost) || sub->drains == 0) {
      sub->messages += is(credit_replaces) ? static_cast<std::int64_t>(call.messages) - sub->messages : call.messages;
      sub->bytes += static_cast<std::int64_t>(call.bytes);
    }
  } else {
    ++sub->drains;
    if (!is(delivers_after_drain)) sub->messages = sub->bytes = 0;
    if (is(drain_voids_tokens)) void_tokens(*sub, ~std::uint64_t{0});
    if (is(drain_loses_what_waits)) sub->group->waiting.clear();
    status = finish(call.op);
  }
  lock.unlock();
  wake();
  return status;
}

/// The statuses of all before the first that there is no room for.
std::vector<std::int32_t> Instance::store(const rst_publish& call, Publisher& publisher,
                                          std::vector<rst_position>& receipts) {
  std::vector<std::int32_t> statuses;
  for (std::uint32_t i = 0; i < call.count; ++i) {
    const auto message = element(call.messages, call.stride, i);
    std::int32_t each = check_message(publisher.kind, message);
    if (each == RST_OK) {
      Record record = record_of(publisher, message);
      if (record.address.empty() || record.address.find('*') != std::string::npos) each = -RST_E_INVALID;
      if (const auto group = full(publisher.kind, record.address); group != nullptr && each == RST_OK) {
        publisher.full = group;
        break;
      }
      const std::int64_t at = message.props == nullptr || known(message.props).delay_ns == 0
                                  ? 0
                                  : now() + static_cast<std::int64_t>(known(message.props).delay_ns);
      const auto& log = logs_[record.address];
      const std::uint64_t offset = log.empty() ? 0 : log.back()->offset + 1;
      if (each == RST_OK && call.tx != 0 && !is(tx_publishes_at_once)) {
        transactions_.at(call.tx).records.push_back(std::move(record));
      } else if (each == RST_OK && !publisher.down) {
        each = route(publisher.kind, std::move(record), at, (message.flags & RST_OUT_MANDATORY) != 0);
        receipts[i].kind = publisher.kind == log_kind ? RST_POSITION_AT : RST_POSITION_NONE;
        receipts[i].len = publisher.kind == log_kind ? 8 : 0;
        const std::uint64_t told = is(receipt_is_of_another) ? offset + 1 : offset;
        if (publisher.kind == log_kind) std::memcpy(receipts[i].data, &told, 8);
      }
    }
    statuses.push_back(is(bad_entry_is_ok) && call.count > 1 ? std::max(each, RST_OK) : each);
  }
  return statuses;
}

std::int32_t Instance::publish(rst_publish* from, rst_error* error) {
  const rst_publish call = known(from);
  from->accepted = 0;
  if ((call.flags & ~RST_PUBLISH_CONFIRM) != 0 && !is(unknown_publish_flag_is_taken))
    return fail(error, RST_E_UNSUPPORTED, "unknown flag of publish");
  if (is(publish_throws)) throw std::runtime_error("no room");
  if (is(publish_waits)) nap();
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  Publisher* const publisher = find(publishers_, call.publisher, error, &status);
  if (publisher == nullptr) return status;
  if (is(publish_without_op_is_lost) && call.op == 0) {
    from->accepted = call.count;
    return RST_DONE;
  }
  if (publisher->down && !is(publish_while_lost_vanishes))
    return fail(error, RST_E_UNAVAILABLE, "the connection is lost",
                is(publish_while_lost_is_final) ? 0 : RST_ERROR_RETRYABLE);
  if (call.tx != 0 && (publisher->tx != call.tx)) return fail(error, RST_E_STALE, "no such transaction");
  std::vector<rst_position> receipts(call.count);
  std::vector<std::int32_t> statuses = store(call, *publisher, receipts);
  const auto accepted = static_cast<std::uint32_t>(statuses.size());
  if (is(accepts_more_than_it_stored)) statuses.resize(std::min<std::size_t>(call.count, statuses.size() + 1), RST_OK);
  from->accepted = static_cast<std::uint32_t>(statuses.size());
  if (!is(stats_miss_single_publishes) || call.count != 1) publisher->published += accepted;
  if (is(backpressure_after_a_prefix) && accepted < call.count)
    return fail(error, RST_E_BACKPRESSURE, "no room", RST_ERROR_RETRYABLE);
  if (accepted == 0 && call.count != 0 && from->accepted == 0)
    return fail(error, RST_E_BACKPRESSURE, "no room; publish again after PUB_WRITABLE", RST_ERROR_RETRYABLE);
  const auto write = [call, statuses, receipts] {
    for (std::uint32_t i = 0; i < statuses.size() && !is(status_is_not_written); ++i) {
      if (call.statuses != nullptr) call.statuses[i] = statuses[i];
      if (call.receipts != nullptr) call.receipts[i] = receipts[i];
    }
  };
  const bool confirm = (call.flags & RST_PUBLISH_CONFIRM) != 0 && call.op != 0;
  if (!confirm)
    write();
  else if (!is(writes_status_late))
    post(write);
  if (confirm && is(confirm_never_comes)) return RST_PENDING;
  status = confirm ? finish(call.op) : RST_DONE;
  if (confirm && is(writes_status_late)) post(write);
  if (is(completes_publish_after_done) && !confirm && call.op != 0) finish(call.op);
  if (is(late_payload_read) && accepted != 0) {
    post([at = static_cast<const volatile std::uint8_t*>(element(call.messages, call.stride, 0).payload)] {
      if (at != nullptr) static_cast<void>(*at);
    });
  }
  lock.unlock();
  wake();
  return status;
}

std::int32_t Instance::flush(std::uint64_t handle, std::uint64_t op, rst_error* error) {
  if (is(flush_waits)) nap();
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  if (!connections_.contains(handle) && find(publishers_, handle, error, &status) == nullptr) return status;
  if (is(flush_never_completes)) return RST_PENDING;
  status = finish(op);
  if (is(flush_comes_early) && outbox_.size() > 1) {
    outbox_.push_front(std::move(outbox_.back()));
    outbox_.pop_back();
  }
  lock.unlock();
  wake();
  return status;
}

}  // namespace plain
