#include "outbox.hpp"

#include "io.hpp"

#include <algorithm>
#include <cstring>

namespace ruststream::nats {
namespace {

constexpr std::size_t kFrame = 32;  // PUB, lengths and line ends, near enough

void end(Held& held, std::int32_t status, Outbox::Finished& finished) {
  if (held.of == nullptr) return;
  Publication& of = *held.of;
  if (of.statuses != nullptr) of.statuses[held.index] = status;
  if (status < 0) {
    ++of.failed;
    of.status = status;
  }
  if (--of.left == 0) finished.push_back(std::move(held.of));
}

bool hand_over(natsConnection* nc, const char* subject, const char* reply, std::string_view payload) {
  const auto length = static_cast<int>(payload.size());
  const natsStatus status = reply == nullptr
                                ? natsConnection_Publish(nc, subject, payload.data(), length)
                                : natsConnection_PublishRequest(nc, subject, reply, payload.data(), length);
  return status == NATS_OK;
}

}  // namespace

std::int32_t Outbox::status_of(Sent sent) noexcept {
  switch (sent) {
    case Sent::kNoRoom: return -RST_E_BACKPRESSURE;
    case Sent::kTooLarge: return -RST_E_TOO_LARGE;
    case Sent::kFailed: return rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE);
    default: return RST_OK;
  }
}

Outbox::Outbox(Io& io, const Settings& settings)
    : io_(io), write_buffer_(settings.write_buffer), reconnect_buffer_(settings.reconnect_buffer) {}

Outbox::Batch::Batch(Outbox& outbox)
    : outbox_(outbox),
      lock_(outbox.mutex_),
      direct_(outbox.session_ != nullptr && outbox.session_->is_plain() && outbox.held_.empty() ? outbox.session_
                                                                                                : nullptr) {}

Outbox::Batch::~Batch() {
  if (direct_ != nullptr && outbox_.gathered_ >= Session::kGatherBytes) write();
  const bool held = !outbox_.held_.empty() && outbox_.session_ != nullptr;
  lock_.unlock();
  if (held || (hurries_ && outbox_.gathers_.load())) outbox_.io_.wake();
}

/// By the thread that publishes: passing it on takes longer, as both threads want cnats' lock. Not where somebody waits
/// for room, which the I/O thread tells of after its write, and not where the write would end the session.
void Outbox::Batch::write() {
  outbox_.gathered_ = 0;  // where this is not the time, not again before as much has come
  if (outbox_.refuses_.load() || !direct_->takes()) return;
  if (direct_->write(outbox_.hurries_.exchange(false))) outbox_.buffered_ = 0;
}

void Outbox::Batch::hurry() {
  hurries_ = true;
  if (!outbox_.hurries_.load(std::memory_order_relaxed)) outbox_.hurries_.store(true);  // a write may be between two
}

/// cnats is asked only when all that was added since the last time would be too much: its lock is another's too.
bool Outbox::Batch::has_room(std::size_t bytes) {
  std::uint64_t& buffered = outbox_.buffered_;
  if (buffered >= outbox_.write_buffer_) {
    outbox_.refuses_.store(true);  // first: whoever empties the buffer behind this look waits for the end of the batch
    buffered = direct_->buffered();
    if (buffered >= outbox_.write_buffer_) {
      hurry();
      return false;
    }
  }
  buffered += bytes + kFrame;
  outbox_.gathered_ += bytes + kFrame;
  return true;
}

Outbox::Sent Outbox::Batch::publish(const char* subject, const char* reply, std::string_view payload) {
  if (payload.size() > outbox_.max_payload_) return Sent::kTooLarge;
  if (!has_room(std::strlen(subject) + payload.size())) return Sent::kNoRoom;
  return hand_over(direct_->nc(), subject, reply, payload) ? Sent::kHandedOver : Sent::kFailed;
}

Outbox::Sent Outbox::Batch::publish(natsMsg& message, std::size_t bytes) {
  if (bytes > outbox_.max_payload_) return Sent::kTooLarge;
  if (!has_room(bytes)) return Sent::kNoRoom;
  return natsConnection_PublishMsg(direct_->nc(), &message) == NATS_OK ? Sent::kHandedOver : Sent::kFailed;
}

Outbox::Sent Outbox::Batch::hold(Held held) {
  if (outbox_.failed_) return Sent::kFailed;
  if (outbox_.held_bytes_ >= outbox_.reconnect_buffer_) return Sent::kNoRoom;
  outbox_.held_bytes_ += held.bytes + kFrame;
  outbox_.held_.push_back(std::move(held));
  outbox_.holds_.store(true);
  return Sent::kHeld;
}

bool Outbox::Batch::control(const char* subject, const char* reply, std::string_view payload) {
  hurry();
  return outbox_.session_ != nullptr && hand_over(outbox_.session_->nc(), subject, reply, payload);
}

void Outbox::up(Session& session, std::uint64_t max_payload) {
  const std::lock_guard lock(mutex_);
  session_ = &session;
  max_payload_ = max_payload;
  buffered_ = gathered_ = 0;
}

void Outbox::down() {
  const std::lock_guard lock(mutex_);
  session_ = nullptr;
}

bool Outbox::gathers() noexcept {
  gathers_.store(true);
  return !hurries_.load();
}

bool Outbox::writes() {
  const std::lock_guard lock(mutex_);
  gathers_.store(false);
  gathered_ = 0;
  return hurries_.exchange(false);
}

void Outbox::pump(Finished& finished) {
  if (const bool refuses = refuses_.exchange(false);
      refuses || holds_any()) {  // else the lock is left to who publishes
    const std::lock_guard lock(mutex_);
    if (session_ == nullptr) return;
    const std::uint64_t most = session_->is_plain() ? write_buffer_ : std::min(write_buffer_, Session::kMostTlsBytes);
    while (!held_.empty() && session_->buffered() < most) {
      Held held = std::move(held_.front());
      held_.pop_front();
      held_bytes_ -= held.bytes + kFrame;
      const bool fits = held.bytes <= max_payload_;
      const bool sent = fits && natsConnection_PublishMsg(session_->nc(), held.message.get()) == NATS_OK;
      end(held, sent ? RST_OK : fits ? rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE) : -RST_E_TOO_LARGE, finished);
    }
    holds_.store(!held_.empty());
  }
  refusals.wake();
}

template <typename Pick>
std::uint64_t Outbox::take_out(Pick&& pick, std::int32_t status, Finished& finished) {
  const std::lock_guard lock(mutex_);
  const auto taken = std::erase_if(held_, [&](Held& held) {
    if (!pick(held)) return false;
    held_bytes_ -= held.bytes + kFrame;
    end(held, status, finished);
    return true;
  });
  holds_.store(!held_.empty());
  return taken;
}

std::uint64_t Outbox::expire(Time now, std::int32_t status, Finished& finished) {
  const auto taken = take_out([&](const Held& held) { return held.deadline <= now; }, status, finished);
  if (taken != 0) refusals.wake();
  return taken;
}

std::uint64_t Outbox::drop(std::uint64_t publisher, std::int32_t status, Finished& finished) {
  return take_out([&](const Held& held) { return held.of != nullptr && held.of->publisher == publisher; }, status,
                  finished);
}

void Outbox::fail(std::int32_t status, Finished& finished) {
  {
    const std::lock_guard lock(mutex_);
    failed_ = true;
  }
  take_out([](const Held&) { return true; }, status, finished);
  refusals.wake();
}

bool Outbox::holds(std::uint64_t publisher) {
  const std::lock_guard lock(mutex_);
  return std::any_of(held_.begin(), held_.end(),
                     [&](const Held& held) { return held.of != nullptr && held.of->publisher == publisher; });
}

}  // namespace ruststream::nats
