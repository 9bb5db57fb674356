// What the verbs do: keep account of what the host was given and owes.
#include "adversary.hpp"

#include <algorithm>

namespace host_rules {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

template <class T>
std::size_t count_of(const std::vector<T>& items, auto&& test) {
  return static_cast<std::size_t>(std::ranges::count_if(items, test));
}

}  // namespace

Adversary& Adversary::get() {
  static Adversary& it = *new Adversary;  // verbs may still come while the process ends
  return it;
}

void Adversary::breach(std::string what) {
  const std::scoped_lock lock(mutex_);
  if (breaches_.size() < 100) breaches_.push_back(std::move(what));
}

void Adversary::reset() {
  const std::scoped_lock lock(mutex_);
  for (auto* mask : {&manners.hold, &manners.early, &manners.aside, &manners.noisy, &manners.budget}) *mask = 0;
  manners.full = false;
  manners.message_status = RST_OK;
  manners.ack_deadline_ns = 0;
  manners.default_window = 0;
  handles_.clear();
  opened_.clear();
  newest_.clear();
  subscriptions_.clear();
  cargos_.clear();
  asked_.clear();
  held_.clear();
  breaches_.clear();
  settled_.clear();
  answers_.clear();
  closes_.clear();
  accepted_ = released_ = 0;
}

void Adversary::begin(const rst_host* host) {
  const std::scoped_lock lock(mutex_);
  if (instances_++ != 0) breaches_.emplace_back("the test wants one instance at a time");
  host_ = host;
  helper_ = std::make_unique<Helper>();
}

/// The accounts are closed: everything lent is back and everything asked is answered.
void Adversary::end() {
  helper_.reset();
  const std::scoped_lock lock(mutex_);
  --instances_;
  for (const auto& [batch, cargo] : cargos_) {
    if (cargo->state == Cargo::State::accepted) breaches_.emplace_back("H3: a batch was not released before deinit");
  }
  for (const auto& [id, asked] : asked_) {
    if (asked.answers == 0) breaches_.push_back("H4: nobody answered an event of kind " + number(asked.kind));
  }
  host_ = nullptr;
}

std::uint64_t Adversary::open(Verb verb, std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  newest_[verb] = id;
  opened_[id] = verb;
  return handles_[id] = ++last_;
}

void Adversary::open_subscription(const rst_subscription_spec& spec, std::uint64_t handle, std::uint64_t connection) {
  const std::scoped_lock lock(mutex_);
  Subscription& made = subscriptions_[spec.id];
  made.handle = handle;
  made.connection = connection;
  made.messages = spec.credit_messages;
  made.bytes = static_cast<std::int64_t>(spec.credit_bytes);
  made.kind = spec.kind;
}

Subscription* Adversary::find(std::uint64_t handle) {
  for (auto& [id, each] : subscriptions_) {
    if (each.handle == handle) return &each;
  }
  return nullptr;
}

std::int32_t Adversary::close(std::uint64_t handle, std::uint32_t flags) {
  const std::scoped_lock lock(mutex_);
  closes_.emplace_back(handle, flags);
  for (auto& [id, each] : subscriptions_) {
    if (each.handle == handle || each.connection == handle) each.closing = true;
  }
  return RST_DONE;
}

std::int32_t Adversary::credit(const rst_credit& credit) {
  const std::scoped_lock lock(mutex_);
  Subscription* const found = find(credit.subscription);
  if (found == nullptr) return -RST_E_STALE;
  if (found->closing) return -RST_E_CLOSED;
  if ((credit.flags & RST_CREDIT_DRAIN) != 0) {
    found->messages = found->bytes = 0;
  } else {
    found->messages += credit.messages;
    found->bytes += static_cast<std::int64_t>(credit.bytes);
  }
  return RST_DONE;
}

std::int32_t Adversary::settle(const rst_settle& call) {
  const std::scoped_lock lock(mutex_);
  Subscription* const found = find(call.subscription);
  if (found == nullptr) return -RST_E_STALE;
  if (found->closing) return -RST_E_CLOSED;
  auto* at = reinterpret_cast<char*>(call.items);
  for (std::uint32_t i = 0; i < call.count; ++i, at += call.stride) {
    auto& item = *reinterpret_cast<rst_settlement*>(at);
    const auto token = found->tokens.find(item.token);
    if (token == found->tokens.end()) {
      breaches_.push_back("S1: the host settled a token that it was never given: " + number(item.token));
      item.status = rst_status(RST_E_STALE, 0);
      continue;
    }
    const bool has = item.verdict == RST_VERDICT_ACK || found->kind == 0;
    item.status = token->second.stale  ? rst_status(RST_E_STALE, RST_ERROR_RETRYABLE)
                  : token->second.over ? rst_status(RST_E_SETTLED, RST_ERROR_MAYBE_APPLIED)
                  : has                ? RST_OK
                                       : rst_status(RST_E_UNSUPPORTED, 0);
    if (token->second.over && item.verdict != RST_VERDICT_EXTEND) {
      breaches_.push_back("S1: the host settled a token twice: " + number(item.token));
    }
    if (item.status == RST_OK && item.verdict != RST_VERDICT_EXTEND) token->second.over = true;
    settled_.push_back({item.token, item.verdict, item.status, token->second.partition, Clock::now()});
  }
  return RST_DONE;
}

void Adversary::answer(std::uint64_t id, std::int32_t status) {
  const std::scoped_lock lock(mutex_);
  answers_.push_back({id, status, Clock::now()});
  const auto found = asked_.find(id);
  if (found == asked_.end()) return breaches_.push_back("H4: the host answered what was not asked: " + number(id));
  Asked& asked = found->second;
  if (asked.answers++ != 0) breaches_.push_back("H4: the host answered twice: kind " + number(asked.kind));
  const bool known = asked.kind == RST_EVENT_SUB_ASSIGNING || asked.kind == RST_EVENT_SUB_REVOKING;
  if (!known && rst_status_code(status) != RST_E_UNSUPPORTED) {
    breaches_.push_back("H4: kind " + number(asked.kind) + " was answered with " + std::to_string(status));
  }
  if (asked.kind == RST_EVENT_SUB_REVOKING) make_stale(asked.subject, asked.partition);
}

void Adversary::make_stale(std::uint64_t subject, std::uint32_t partition) {
  const auto found = subscriptions_.find(subject);
  if (found == subscriptions_.end()) return;
  for (auto& [value, token] : found->second.tokens) token.stale = token.stale || token.partition == partition;
}

/// Memory that is given back is overwritten: a host that still reads it sees nonsense, and a sanitizer says so.
void Adversary::released(rst_batch& batch) {
  const std::scoped_lock lock(mutex_);
  const auto found = cargos_.find(&batch);
  if (found == cargos_.end()) return void(breaches_.emplace_back("H3: a batch of an earlier life was released"));
  Cargo& cargo = *found->second;
  switch (cargo.state) {
    case Cargo::State::released: return void(breaches_.emplace_back("H3: a batch was released twice"));
    case Cargo::State::refused: return void(breaches_.emplace_back("M1: a refused batch was released"));
    default: break;
  }
  cargo.state = Cargo::State::released;
  ++released_;
  std::ranges::fill(cargo.records, std::uint8_t{0xDD});
  std::ranges::fill(cargo.payload, '\xDD');
}

std::vector<std::string> Adversary::breaches() {
  const std::scoped_lock lock(mutex_);
  return breaches_;
}

int Adversary::instances() {
  const std::scoped_lock lock(mutex_);
  return instances_;
}

std::size_t Adversary::accepted() {
  const std::scoped_lock lock(mutex_);
  return accepted_;
}

std::size_t Adversary::released() {
  const std::scoped_lock lock(mutex_);
  return released_;
}

std::size_t Adversary::held(Verb verb) {
  const std::scoped_lock lock(mutex_);
  return count_of(held_, [verb](const Held& each) { return each.verb == verb; });
}

std::vector<Settled> Adversary::settled() {
  const std::scoped_lock lock(mutex_);
  return settled_;
}

std::vector<Answer> Adversary::answers() {
  const std::scoped_lock lock(mutex_);
  return answers_;
}

std::vector<std::pair<std::uint64_t, std::uint32_t>> Adversary::closes() {
  const std::scoped_lock lock(mutex_);
  return closes_;
}

std::uint64_t Adversary::newest(Verb opened) {
  const std::scoped_lock lock(mutex_);
  return newest_[opened];
}

std::uint64_t Adversary::handle_of(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  return handles_[id];
}

}  // namespace host_rules
