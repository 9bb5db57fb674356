#include "replies.hpp"

#include "link.hpp"

#include <charconv>

namespace ruststream::nats {

std::string new_inbox(std::string_view prefix) {
  constexpr std::string_view kUsual = "_INBOX.";
  natsInbox* made = nullptr;
  if (natsInbox_Create(&made) != NATS_OK) throw sdk::Failure{RST_E_EXHAUSTED, "cnats gives no inbox"};
  std::string inbox(prefix);
  inbox += '.';
  inbox += std::string_view(made).substr(kUsual.size());
  natsInbox_Destroy(made);
  return inbox + '.';
}

natsSubscription* subscribe_inbox(Session& session, const std::string& inbox) {
  natsSubscription* made = nullptr;
  if (natsConnection_SubscribeSync(&made, session.nc(), (inbox + '>').c_str()) != NATS_OK) return nullptr;
  (void)natsSubscription_SetPendingLimits(made, -1, -1);
  return made;
}

void Replies::ask(const std::string& subject, std::string_view payload, Time deadline, Done done) {
  if (link_.session() == nullptr) return later(NATS_CONNECTION_DISCONNECTED, std::move(done));
  if (waiting_.size() == kMostWaiting) return later(NATS_INSUFFICIENT_BUFFER, std::move(done));
  const auto number = ++last_;
  {
    Outbox::Batch batch(link_.outbox);
    if (!batch.control(subject.c_str(), (inbox_ + std::to_string(number)).c_str(), payload))
      return later(NATS_CONNECTION_DISCONNECTED, std::move(done));
  }
  waiting_.emplace(number, Waiting{subject, deadline, std::move(done)});
  if (deadline < timer_.first) watch();
}

void Replies::later(natsStatus status, Done done) {
  link_.io.post(link_.owner.id(), [status, done = std::move(done)](Link&) { done(status, nullptr); });
}

/// One timer for all: at the first deadline.
void Replies::watch() {
  link_.io.timers.cancel(timer_);
  Time first = kNever;
  for (const auto& [number, each] : waiting_) first = std::min(first, each.deadline);
  if (first == kNever) return;
  timer_ = link_.io.timers.at(first, [this] {
    timer_ = Timers::kNone;
    const auto now = Clock::now();
    std::vector<std::uint64_t> over;
    for (const auto& [number, each] : waiting_) {
      if (each.deadline <= now) over.push_back(number);
    }
    for (const auto number : over) finish(number, NATS_TIMEOUT, nullptr);
    watch();
  });
}

void Replies::finish(std::uint64_t number, natsStatus status, natsMsg* reply) {
  const auto found = waiting_.extract(number);
  if (!found.empty()) found.mapped().done(status, reply);
}

void Replies::up(Session& session) {
  inbox_ = new_inbox(link_.settings.inbox_prefix);
  subscription_ = subscribe_inbox(session, inbox_);
}

void Replies::down() {
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
  unrouted_.clear();
  link_.io.timers.cancel(timer_);
  auto ended = std::exchange(waiting_, {});
  for (auto& [number, each] : ended) each.done(NATS_CONNECTION_DISCONNECTED, nullptr);
}

void Replies::drain() {
  Arrived arrived;
  while (subscription_ != nullptr) {
    natsMsg* raw = nullptr;
    const natsStatus status = arrived.next(subscription_, raw);
    if (status == NATS_NO_RESPONDERS) {
      unrouted_.came(last_);
      continue;
    }
    if (status != NATS_OK) break;
    const Message message(raw);
    const std::string_view subject = natsMsg_GetSubject(message.get());
    std::uint64_t number = 0;
    if (subject.size() <= inbox_.size()) continue;
    (void)std::from_chars(subject.data() + inbox_.size(), subject.data() + subject.size(), number);
    finish(number, NATS_OK, message.get());
  }
  if (!unrouted_.empty()) end_unrouted();
}

void Replies::refused(std::string_view what) {
  std::vector<std::uint64_t> over;
  for (const auto& [number, each] : waiting_) {
    if (what.find('"' + each.subject + '"') != std::string_view::npos) over.push_back(number);
  }
  for (const auto number : over) finish(number, NATS_NOT_PERMITTED, nullptr);
}

void Replies::end_unrouted() {
  std::vector<std::uint64_t> waiting;
  for (const auto& [number, each] : waiting_) waiting.push_back(number);
  const auto known = unrouted_.known(waiting);
  for (std::size_t i = 0; i != known; ++i) finish(waiting[i], NATS_NO_RESPONDERS, nullptr);
}

}  // namespace ruststream::nats
