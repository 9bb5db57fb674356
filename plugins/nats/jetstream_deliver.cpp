// Pulling messages, and delivering them as far as credit goes.
#include "declarations.hpp"
#include "jetstream_consumer.hpp"
#include "link.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace ruststream::nats {
namespace {

constexpr std::uint64_t kMostPrefixes = 64;    // each another consumer that this subscription has had
constexpr auto kRefusedDelay = 200ms;          // the server keeps no more pull requests of this consumer
constexpr std::uint64_t kRequestsOfBytes = 4;  // requests that may each bring their part of window_bytes

std::string_view header_of(natsMsg& message, const char* name) {
  const char* value = nullptr;
  return natsMsgHeader_Get(&message, name, &value) == NATS_OK && value != nullptr ? std::string_view(value)
                                                                                  : std::string_view();
}

std::optional<AckSubject> ack_of(const Received& item) {
  const char* const reply = natsMsg_GetReply(item.message);
  return reply != nullptr ? parse_ack_subject(reply) : std::nullopt;
}

}  // namespace

std::int32_t StreamItem::field(const rst_message& /*message*/, std::uint32_t id, rst_value& out) const noexcept {
  const auto ack = ack_of(*this);
  if (!ack) return -RST_E_NOT_FOUND;
  out = {};
  const auto text = [&](std::string_view value) {
    out.type = RST_TYPE_STRING;
    out.as.ptr = value.data();
    out.len = static_cast<std::uint32_t>(value.size());
    return RST_DONE;
  };
  const auto number = [&](std::uint64_t value) {
    out.type = RST_TYPE_U64;
    out.as.u64 = value;
    return RST_DONE;
  };
  switch (id) {
    case kFieldStream: return text(ack->stream);
    case kFieldConsumer: return text(ack->consumer);
    case kFieldSequence: return number(ack->stream_sequence);
    case kFieldConsumerSequence: return number(ack->consumer_sequence);
    case kFieldPending: return number(ack->pending);
    default: return -RST_E_INVALID;
  }
}

std::int32_t StreamItem::position(const rst_message& /*message*/, rst_position& out) const noexcept {
  const auto ack = ack_of(*this);
  if (!ack) return -RST_E_NOT_FOUND;
  out = position_at(ack->stream_sequence, ack->time_ns);
  return RST_DONE;
}

void StreamConsumer::drain() {
  take();
  deliver();
  pull();
}

void StreamConsumer::credit_added() {
  deliver();
  pull();
}

/// From cnats to held_. What is there is bounded by what was asked for.
void StreamConsumer::take() {
  Arrived waiting;
  std::uint64_t arrived = 0;
  Time now{};
  while (subscription_ != nullptr) {
    natsMsg* raw = nullptr;
    const natsStatus next = waiting.next(subscription_, raw);
    if (next == NATS_NO_RESPONDERS) {  // to a pull request: newer servers say so of a consumer that is gone
      gone(false);
      continue;
    }
    if (next != NATS_OK) break;
    Message message(raw);
    const char* const reply = natsMsg_GetReply(message.get());
    if (reply == nullptr) {
      status(*message);
      continue;
    }
    AckSubject ack;
    if (!read(reply, ack)) continue;
    ++arrived;
    if (!settles_ && !in_order(ack)) continue;
    if (ack.delivered > 1 && settles_) redelivered_.emplace_back(ack.stream_sequence, ack.delivered);
    last_sequence_ = std::max(last_sequence_, ack.stream_sequence);
    if (now == Time{}) now = Clock::now();
    held_.push_back({std::move(message), now, ack, &prefixes_.back()});
  }
  if (arrived != 0) ledger_.arrived(arrived);
  if (arrived != 0 && !held_.empty()) pending_ = held_.back().ack.pending;
  if (!redelivered_.empty()) void_redelivered();
}

/// The numbers of a delivery. The part before them is compared, and parsed only when it is another one.
bool StreamConsumer::read(std::string_view reply, AckSubject& ack) {
  if (!prefixes_.empty() && reply.starts_with(prefixes_.back()) &&
      parse_ack_numbers(reply.substr(prefixes_.back().size()), ack)) {
    return true;
  }
  const auto parsed = parse_ack_subject(reply);
  const auto& consumer = settles_ ? spec_.config.name : ordered_name_;
  if (!parsed || parsed->consumer != consumer || prefixes_.size() == kMostPrefixes) {
    if (settles_) {
      owner.host().log(RST_LOG_WARN, owner.about(), "nats", "a message with the reply subject `", reply,
                       "` is none of this consumer's");
    }
    return false;  // `ordered`: of the consumer before this one
  }
  ack = *parsed;
  prefixes_.emplace_back(reply.substr(0, ack.numbers_at));
  return true;
}

/// Whether it is the next one of `ordered`; else the consumer is made anew behind the last that was.
bool StreamConsumer::in_order(const AckSubject& ack) {
  if (state_ != State::kUp) return false;
  if (ack.consumer_sequence == next_consumer_sequence_) {
    ++next_consumer_sequence_;
    return true;
  }
  owner.host().log(RST_LOG_INFO, owner.about(), "nats", "delivery ", ack.consumer_sequence, " came instead of ",
                   next_consumer_sequence_);
  gone(false);
  return false;
}

/// What the server itself says on the inbox: which request it is about stands in the subject.
void StreamConsumer::status(natsMsg& message) {
  if (state_ == State::kClosing) return;
  std::string_view subject = natsMsg_GetSubject(&message);
  std::uint32_t epoch = 0;
  std::uint64_t left = 0;
  subject.remove_prefix(std::min(subject.size(), inbox_.size()));
  const char* const first = subject.data();
  const char* const end = first + subject.size();
  const auto [dot, no_epoch] = std::from_chars(first, end, epoch);
  if (no_epoch != std::errc() || dot == end) return;
  (void)std::from_chars(dot + 1, end, left);
  if (epoch != ledger_.epoch()) return;
  const auto pending = header_of(message, "Nats-Pending-Messages");
  if (!pending.empty()) (void)std::from_chars(pending.data(), pending.data() + pending.size(), left);
  const auto code = header_of(message, "Status");
  const auto description = header_of(message, "Description");
  switch (pull_end(code, description)) {
    case PullEnd::kAlive: return ledger_.heard();
    case PullEnd::kExpired: return ledger_.ended(epoch, left);
    case PullEnd::kRefused:
      ledger_.ended(epoch, left);
      paused_until_ = Clock::now() + kRefusedDelay;
      link.io.timers.cancel(later_);  // nothing else wakes a subscription that has nothing under way
      later_ = link.io.timers.at(paused_until_, [this] {
        later_ = Timers::kNone;
        pull();
      });
      return;
    case PullEnd::kMoved: return gone(false);
    case PullEnd::kDeleted: return gone(true);
    case PullEnd::kUnusable:
      owner.host().log(RST_LOG_WARN, owner.about(), "nats", "a pull request was refused: ", code, ' ', description);
      return gone(false);
  }
}

/// The server takes them for lost, and has counted on: their earlier tokens settle nothing (S3), and what is held of
/// them is a copy.
void StreamConsumer::void_redelivered() {
  std::sort(redelivered_.begin(), redelivered_.end());
  const auto last_delivery = [&](std::uint64_t sequence) -> std::uint64_t {  // 0: it came once
    const auto behind = std::upper_bound(redelivered_.begin(), redelivered_.end(), std::pair{sequence, UINT64_MAX});
    return behind != redelivered_.begin() && std::prev(behind)->first == sequence ? std::prev(behind)->second : 0;
  };
  tokens_.each_live([&](std::uint64_t token, const Delivery& each) {
    if (last_delivery(each.sequence) != 0) stale_.push_back(token);
  });
  for (const auto token : stale_) tokens_.make_stale(token);
  stale_.clear();
  std::erase_if(held_, [&](const Held& each) { return each.ack.delivered < last_delivery(each.ack.stream_sequence); });
  redelivered_.clear();
}

nanoseconds StreamConsumer::ack_wait(std::uint64_t delivered) const noexcept {
  const auto& backoff = spec_.config.backoff_ns;
  const auto ns = backoff.empty()
                      ? spec_.config.ack_wait_ns
                      : backoff[std::min<std::uint64_t>(std::max<std::uint64_t>(delivered, 1), backoff.size()) - 1];
  return nanoseconds(static_cast<std::int64_t>(ns));
}

void StreamConsumer::deliver() {
  if (state_ == State::kOpening || state_ == State::kClosing || held_.empty()) return;
  sdk::pump(
      owner, *pool_, [this](sdk::Batch<StreamItem>& batch, std::uint32_t most) { fill(batch, most); },
      [this](sdk::Batch<StreamItem>& batch) { take_back(batch); });
}

void StreamConsumer::fill(sdk::Batch<StreamItem>& batch, std::uint32_t most) {
  const Time now = settles_ ? Clock::now() : Time{};
  while (batch.size() != most && !held_.empty()) {
    Held& next = held_.front();
    if (settles_ && now - next.received >= ack_wait(next.ack.delivered)) {
      held_.pop_front();  // it waited too long for credit: the server gives it to somebody else, or again
      continue;
    }
    std::uint64_t token = 0;
    if (settles_) {
      token = tokens_.issue({next.ack.stream_sequence, AckPlace(*next.prefix, natsMsg_GetReply(next.message.get()))});
      if (token == 0) return;
    }
    rst_message& message = add_received(batch, next.message.release(), spec_.shows_address, true);
    message.token = token;
    if (settles_) message.attempt = static_cast<std::uint16_t>(std::min<std::uint64_t>(next.ack.delivered, UINT16_MAX));
    if (next.ack.delivered > 1) {
      message.flags |= RST_MESSAGE_REDELIVERED;
      counters_.redelivered.fetch_add(1, std::memory_order_relaxed);
    }
    batch.timestamp(next.ack.time_ns);
    held_.pop_front();
  }
  counters_.delivered.fetch_add(batch.size(), std::memory_order_relaxed);
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the batch owns what was released

/// The host refused a batch: its messages are as they were before.
void StreamConsumer::take_back(sdk::Batch<StreamItem>& batch) {
  const Time now = Clock::now();
  counters_.delivered.fetch_sub(batch.size(), std::memory_order_relaxed);
  for (std::uint32_t index = batch.size(); index-- != 0;) {
    StreamItem& item = batch.item(index);
    Message message(std::exchange(item.message, nullptr));
    const auto token = batch.messages()[index].token;
    if (settles_ && !tokens_.make_stale(token)) continue;
    AckSubject ack;
    if (read(natsMsg_GetReply(message.get()), ack)) {
      held_.push_front({std::move(message), now, ack, &prefixes_.back()});
    }
  }
}

/// Asks for what there is room for.
void StreamConsumer::pull() {
  if (state_ != State::kUp || subscription_ == nullptr) return;
  wants_credit();
  if (pending_) waiting_.store(*pending_ + held_.size(), std::memory_order_relaxed);
  const auto unsettled = settles_ ? tokens_.unsettled() : 0;
  const auto window = spec_.window - std::min<std::uint64_t>(spec_.window, unsettled);
  const auto room = std::min<std::uint64_t>(window, owner.credit().room());
  const auto free = room - std::min<std::uint64_t>(room, held_.size());
  if (Clock::now() >= paused_until_) {
    if (auto more = ledger_.want(free); more != 0) {
      if (most_at_once_ != 0) more = static_cast<std::uint32_t>(std::min<std::uint64_t>(more, most_at_once_));
      request(more);
    }
  }
  if (!settles_) return;
  // A settlement makes room: the next one matters when nothing else is on its way, else a quarter of the window does.
  const bool idle = ledger_.outstanding() == 0;
  const auto step = idle ? 1 : std::max<std::uint64_t>(1, spec_.window / 4);
  poke_below_.store(unsettled >= step ? unsettled - step + 1 : 0, std::memory_order_release);
}

void StreamConsumer::request(std::uint32_t messages) {
  // One message always fits: a server ends each request that is too small for the next one, for ever.
  const auto most_payload = static_cast<std::uint64_t>(natsConnection_GetMaxPayload(link.session()->nc()));
  const auto bytes = std::max(spec_.window_bytes / kRequestsOfBytes, 2 * most_payload);
  std::array<char, 192> text{};
  const int length =
      std::snprintf(text.data(), text.size(), R"({"batch":%u,"expires":%lld,"idle_heartbeat":%lld,"max_bytes":%llu})",
                    messages, static_cast<long long>(spec_.expires.count()),
                    static_cast<long long>(spec_.heartbeat.count()), static_cast<unsigned long long>(bytes));
  const std::string reply = inbox_ + std::to_string(ledger_.epoch()) + '.' + std::to_string(messages);
  Outbox::Batch batch(link.outbox);
  if (batch.control(pull_subject_.c_str(), reply.c_str(), {text.data(), static_cast<std::size_t>(length)})) {
    ledger_.asked(messages);
  }
}

/// Looks twice for each heartbeat that should have come.
void StreamConsumer::pulse() {
  pulse_ = link.io.timers.at(Clock::now() + 2 * spec_.heartbeat, [this] {
    pulse_ = Timers::kNone;
    if (state_ != State::kUp) return;
    if (ledger_.silent()) {
      owner.host().log(RST_LOG_INFO, owner.about(), "nats", "the server is silent about a pull request");
      return gone(false);
    }
    pull();
    pulse();
  });
}

}  // namespace ruststream::nats
