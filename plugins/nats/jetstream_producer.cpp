#include "jetstream_producer.hpp"

#include "declarations.hpp"
#include "errors.hpp"
#include "jetstream_consumer.hpp"
#include "jetstream_wire.hpp"
#include "replies.hpp"

#include <charconv>

namespace ruststream::nats {
namespace {

constexpr auto kStreamOption = sdk::index_of(kOptionTable, "stream");
constexpr auto kMaxPendingOption = sdk::index_of(kOptionTable, "max_pending");
constexpr auto kExpectedStreamOption = sdk::index_of(kOptionTable, "expected_stream");

constexpr std::size_t kHeaderBlock = 16;  // NATS/1.0, line ends: of a message that had no headers

/// Options of a message, and the headers in which JetStream wants them.
struct Expectation {
  std::size_t option;
  const char* header;
};
constexpr Expectation kExpectations[] = {
    {kExpectedStreamOption, "Nats-Expected-Stream"},
    {sdk::index_of(kOptionTable, "expected_last_sequence"), "Nats-Expected-Last-Sequence"},
    {sdk::index_of(kOptionTable, "expected_last_subject_sequence"), "Nats-Expected-Last-Subject-Sequence"},
    {sdk::index_of(kOptionTable, "expected_last_message_id"), "Nats-Expected-Last-Msg-Id"},
};

constexpr std::uint32_t kMaybe = RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED;

}  // namespace

void validate_stream(const rst_publisher_spec& spec, sdk::Report& report) {
  check_stream_option({kOptionTable, spec.options, spec.option_count}, report);
  report.text(RST_TEXT_BINDINGS_JSON, R"({"x-nats":{"kind":"jetstream"}})");
}

StreamProducer::StreamProducer(sdk::Publisher& of, Link& on, const rst_publisher_spec& spec)
    : Producer(of, on),
      destination_(sdk::view(spec.destination)),
      stream_(sdk::Options{kOptionTable, spec.options, spec.option_count}[kStreamOption].text()),
      inbox_(new_inbox(on.settings.inbox_prefix)),
      slots_(sdk::Options{kOptionTable, spec.options, spec.option_count}[kMaxPendingOption].u64()) {}

std::int32_t StreamProducer::publish(rst_publish& call, sdk::ErrorOut error) {
  const bool waits = call.op != 0 && ((call.flags & RST_PUBLISH_CONFIRM) != 0 || call.receipts != nullptr);
  Outgoings outgoings(destination_);
  const std::lock_guard lock(mutex_);
  if (ended_) return error(RST_E_CLOSED, "the publisher is closed");  // beside this call
  deadline_ = after(call.timeout_ns, link.settings.op_timeout);
  Call* const of = take_call();
  of->left = 1;  // this call itself, until it returns
  std::int32_t result = RST_DONE;
  rst_publish part = call;
  part.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(call.count, slots_.size() - (next_ - oldest_)));
  if (part.count != 0 || call.count == 0) {
    Outbox::Batch batch(link.outbox);
    result = sdk::publish_each(part, owner, link.outbox.refusals, error,
                               [&](const rst_out_message& message, std::uint32_t index) {
                                 return accept(batch, outgoings, message, *of, index);
                               });
    call.accepted = part.accepted;
  }
  if (part.count != call.count && part.accepted == part.count) {
    owner.refused(link.outbox.refusals);
    if (part.count == 0) {
      result = error.flagged(RST_E_BACKPRESSURE, RST_ERROR_RETRYABLE,
                             "max_pending messages are not acknowledged yet; publish again after PUB_WRITABLE");
    }
  }
  of->deadline = deadline_;
  if (--of->left == 0) {  // nothing was sent
    free_calls_.push_back(of);
    return result;
  }
  if (waits) {
    of->op = call.op;
    of->statuses = call.statuses;
    of->receipts = call.receipts;
  }
  if (!std::exchange(watched_, true)) {
    link.io.post(owner.connection_id(), [id = owner.id()](Link& self) {
      if (auto* const found = self.producer<StreamProducer>(id)) found->watch();
    });
  }
  return waits ? RST_PENDING : result;
}

/// A free record of a call; the list grows to as many as were under way at once, at most one for each slot.
StreamProducer::Call* StreamProducer::take_call() {
  if (free_calls_.empty()) free_calls_.push_back(&calls_.emplace_back());
  Call* const call = free_calls_.back();
  free_calls_.pop_back();
  *call = {};
  return call;
}

std::int32_t StreamProducer::accept(Outbox::Batch& batch, Outgoings& outgoings, const rst_out_message& message,
                                    Call& call, std::uint32_t index) {
  Outgoing out;
  if (const auto refused = outgoings.make(message, out); refused != RST_OK) return refused;
  if (out.reply != nullptr) return -RST_E_UNSUPPORTED;  // the acknowledgement goes there
  std::array<char, 24> number{};
  const auto [end, failed] = std::to_chars(number.data(), number.data() + number.size(), next_);
  reply_.assign(inbox_).append(number.data(), end);
  out.reply = reply_.c_str();
  bool held = false;
  if (const auto refused = send(batch, out, held); refused != RST_OK) return refused;
  slot(next_++) = {&call, index, held};
  ++call.left;
  published_.fetch_add(1, std::memory_order_relaxed);
  in_flight_.store(next_ - oldest_, std::memory_order_relaxed);
  return RST_OK;
}

std::int32_t StreamProducer::send(Outbox::Batch& batch, Outgoing& out, bool& held) {
  const bool expects = !stream_.empty() || (out.source->props != nullptr && out.source->props->option_count != 0);
  if (!out.has_headers && !expects && batch.session() != nullptr) {
    return Outbox::status_of(batch.publish(out.subject, out.reply, out.payload));
  }
  Message copy = copy_of(out);
  std::size_t bytes = wire_size(out);
  if (copy == nullptr || (expects && !add_expectations(*copy, *out.source, bytes))) return -RST_E_INTERNAL;
  if (batch.session() != nullptr) return Outbox::status_of(batch.publish(*copy, bytes));
  if (batch.max_payload() != 0 && bytes > batch.max_payload()) return -RST_E_TOO_LARGE;
  held = true;
  return Outbox::status_of(batch.hold({std::move(copy), nullptr, 0, bytes, deadline_}));
}

bool StreamProducer::add_expectations(natsMsg& message, const rst_out_message& source, std::size_t& bytes) const {
  natsStatus status = NATS_OK;
  const auto set = [&](const char* header, const std::string& value) {
    if (status == NATS_OK) status = natsMsgHeader_Set(&message, header, value.c_str());
    bytes += std::string_view(header).size() + value.size() + kHeaderBlock;
  };
  if (!stream_.empty()) set(kExpectations[0].header, stream_);
  if (source.props == nullptr) return status == NATS_OK;
  const sdk::Options options{kOptionTable, source.props->options, source.props->option_count};
  for (const auto& [option, header] : kExpectations) {
    const auto value = options[option];
    if (!value.given()) continue;
    const bool number = kOptionTable[option].decl.type == RST_TYPE_U64;
    set(header, number ? std::to_string(value.u64()) : std::string(value.text()));
  }
  return status == NATS_OK;
}

/// Under the lock. The host hears of it by tell().
void StreamProducer::finish(std::uint64_t number, std::int32_t status, const rst_position* receipt) {
  if (number < oldest_ || number >= next_) return;
  Slot& done = slot(number);
  Call* const call = std::exchange(done.call, nullptr);
  if (call == nullptr) return;  // it had its status: this came late
  if (call->statuses != nullptr) call->statuses[done.index] = status;
  if (call->receipts != nullptr) call->receipts[done.index] = receipt != nullptr ? *receipt : rst_position{};
  if (status < 0) {
    ++call->failed;
    call->status = status;
  }
  while (oldest_ != next_ && slot(oldest_).call == nullptr) ++oldest_;
  in_flight_.store(next_ - oldest_, std::memory_order_relaxed);
  if (--call->left == 0) finished_.push_back(call);
}

template <class Pick>
void StreamProducer::finish_all(std::int32_t status, Pick pick) {
  {
    const std::lock_guard lock(mutex_);
    for (auto number = oldest_; number < next_; ++number) {
      if (slot(number).call != nullptr && pick(slot(number))) finish(number, status, nullptr);
    }
  }
  tell();
}

void StreamProducer::session_up(Session& session) {
  subscription_ = subscribe_inbox(session, inbox_);
  const std::lock_guard lock(mutex_);
  for (auto number = oldest_; number < next_; ++number) slot(number).held = false;  // they leave now
}

void StreamProducer::session_down(const rst_error& why) {
  drain();
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
  unrouted_.clear();
  const bool final = link.is_final();
  const auto status = rst_status(final ? why.code : RST_E_UNAVAILABLE, final ? RST_ERROR_MAYBE_APPLIED : kMaybe);
  finish_all(status, [&](const Slot& each) { return final || !each.held; });
}

/// Which of the messages it was is not said: all that go where the publisher goes fail.
void StreamProducer::refused(std::string_view what) {
  if (destination_.empty() || what.find('"' + destination_ + '"') == std::string_view::npos) return;
  finish_all(rst_status(RST_E_DENIED, RST_ERROR_AUTH | RST_ERROR_USER), [](const Slot& each) { return !each.held; });
}

void StreamProducer::drain() {
  if (subscription_ == nullptr) return;
  bool any = false;
  Arrived arrived;
  {
    std::unique_lock lock(mutex_, std::defer_lock);
    for (;;) {
      natsMsg* raw = nullptr;
      const natsStatus status = arrived.next(subscription_, raw);
      if (status != NATS_OK && status != NATS_NO_RESPONDERS) break;
      if (!std::exchange(any, true)) lock.lock();
      if (status == NATS_NO_RESPONDERS) {
        unrouted_.came(next_ - 1);
        continue;
      }
      const Message message(raw);
      const std::string_view subject = natsMsg_GetSubject(message.get());
      std::uint64_t number = 0;
      (void)std::from_chars(subject.data() + std::min(inbox_.size(), subject.size()), subject.data() + subject.size(),
                            number);
      acknowledged(number,
                   {natsMsg_GetData(message.get()), static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))});
    }
    if (!unrouted_.empty()) end_unrouted();
  }
  if (any) tell();
}

void StreamProducer::acknowledged(std::uint64_t number, std::string_view text) {
  const auto ack = parse_publish_ack(text);
  if (!ack) return finish(number, rst_status(RST_E_CORRUPT, RST_ERROR_MAYBE_APPLIED), nullptr);
  if (ack->code != 0) {
    const auto fault = fault_of(ack->code, ack->error_code);
    owner.host().log(RST_LOG_INFO, owner.about(), "nats", "a message was not stored: ", ack->error);
    return finish(number, rst_status(fault.code, fault.flags), nullptr);
  }
  const auto receipt = position_at(ack->sequence);
  finish(number, ack->duplicate ? RST_OK_DUPLICATE : RST_OK, &receipt);
}

/// No stream takes their subjects, or it has no leader at the moment.
void StreamProducer::end_unrouted() {
  std::vector<std::uint64_t> waiting;
  for (auto number = oldest_; number < next_; ++number) {
    if (slot(number).call != nullptr && !slot(number).held) waiting.push_back(number);
  }
  const auto known = unrouted_.known(waiting);
  const auto status = rst_status(RST_E_NO_ROUTE, RST_ERROR_USER | RST_ERROR_RETRYABLE);
  for (std::size_t i = 0; i != known; ++i) finish(waiting[i], status, nullptr);
}

/// Tells the host what came to an end, outside the lock.
void StreamProducer::tell() {
  std::vector<Call> over;
  std::uint64_t oldest = 0;
  bool empty = false;
  {
    const std::lock_guard lock(mutex_);
    for (Call* const each : finished_) over.push_back(*each);
    free_calls_.insert(free_calls_.end(), finished_.begin(), finished_.end());
    finished_.clear();
    telling_.store(true, std::memory_order_relaxed);
    oldest = oldest_;
    empty = oldest_ == next_;
  }
  sdk::Completions completions(owner.host());
  for (const Call& each : over) {
    completions.add(each.op);
    if (each.op != 0 || each.failed == 0) continue;
    completions.flush();
    rst_event event = sdk::Host::event(RST_EVENT_PUB_FAILED, owner.about());
    const auto error = make_error(rst_status_code(each.status), rst_status_flags(each.status),
                                  "messages that were handed over were not stored");
    event.error = &error;
    event.value = each.failed;
    owner.host().send(event);
  }
  std::erase_if(flushes_, [&](const Flush& each) {
    if (each.up_to > oldest) return false;
    completions.add(each.op);
    return true;
  });
  completions.flush();
  telling_.store(false, std::memory_order_release);
  link.outbox.refusals.wake();
  if (!closing_ || !empty) return;
  timer_ = (link.io.timers.cancel(timer_), link.io.timers.at(Clock::now(), [this] { expire(); }));  // which ends it
}

/// One timer for the first deadline of all.
void StreamProducer::watch() {
  link.io.timers.cancel(timer_);
  Time first = close_deadline_;
  for (const Flush& each : flushes_) first = std::min(first, each.deadline);
  {
    const std::lock_guard lock(mutex_);
    for (auto number = oldest_; number < next_; ++number) {
      if (slot(number).call != nullptr) first = std::min(first, slot(number).call->deadline);
    }
    watched_ = first != kNever;
  }
  if (first != kNever) timer_ = link.io.timers.at(first, [this] { expire(); });
}

void StreamProducer::expire() {
  link.io.timers.cancel(timer_);  // which runs, or is left of watch() where close() ends it
  const auto now = Clock::now();
  const bool over = closing_ && now >= close_deadline_;
  finish_all(rst_status(RST_E_TIMEOUT, kMaybe), [&](const Slot& each) { return over || each.call->deadline <= now; });
  std::erase_if(flushes_, [&](const Flush& each) {
    if (each.deadline > now && !over) return false;
    owner.host().fail(each.op,
                      make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE, "flush: messages are not acknowledged yet"));
    return true;
  });
  bool empty = false;
  {
    const std::lock_guard lock(mutex_);
    empty = oldest_ == next_;
    ended_ = closing_ && empty;
  }
  if (!closing_ || !empty) return watch();
  link.io.timers.cancel(timer_);
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
  link.producers.erase(owner.id());  // from here on whoever has the last pin destroys this, on whatever thread
  owner.closed(dropped_);            // it may be gone
}

void StreamProducer::close(bool abort, Time deadline) {
  closing_ = true;
  close_deadline_ = abort ? Clock::now() : deadline;
  if (abort) {
    const std::lock_guard lock(mutex_);
    dropped_ = next_ - oldest_;
  }
  expire();
}

std::int32_t StreamProducer::request(rst_publish& /*call*/, sdk::ErrorOut error) {
  return error(RST_E_UNSUPPORTED, "kind `jetstream` stores what is published; use kind `core` for requests");
}

std::int32_t StreamProducer::flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut /*error*/) {
  const Time deadline = after(timeout_ns, link.settings.op_timeout);
  std::uint64_t up_to = 0;
  {
    const std::lock_guard lock(mutex_);
    if (oldest_ == next_ && finished_.empty() && !telling_.load(std::memory_order_acquire)) return RST_DONE;
    up_to = next_;
  }
  link.io.post(owner.connection_id(), [id = owner.id(), up_to, deadline, op](Link& self) {
    auto* const found = self.producer<StreamProducer>(id);
    if (found == nullptr) return self.owner.host().complete(op);  // closed: all have their status
    found->flushes_.push_back({op, up_to, deadline});
    found->tell();
    found->watch();
  });
  return RST_PENDING;
}

void StreamProducer::snapshot(std::vector<rst_stat>& stats) const {
  stats.push_back({RST_STAT_PUBLISHED, 0, published_.load(std::memory_order_relaxed)});
  stats.push_back({RST_STAT_IN_FLIGHT, 0, in_flight_.load(std::memory_order_relaxed)});
}

}  // namespace ruststream::nats
