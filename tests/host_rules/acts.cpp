// What the plugin does to its host: deliveries, completions, events and lines, from any thread and inside verbs.
#include "adversary.hpp"

#include <algorithm>
#include <csignal>
#include <pthread.h>

namespace host_rules {
namespace {

// Of one host call: a lock's holder may wait for a processor; the handlers of the tests take longer.
constexpr std::chrono::seconds kLongestCall{2};
constexpr std::chrono::seconds kLong{30};  // until an answer
constexpr std::uint32_t kMostRecords = 256;
constexpr std::uint32_t kUnknownKind = 4711;
constexpr std::uint64_t kUnknownId = 0x00DE'AD00'0000'0001;

thread_local const char* t_host_call = nullptr;  // the host call that this thread is in

const char* name_of(Verb verb) {
  switch (verb) {
    case kConnect: return "connect";
    case kSubscribe: return "subscribe";
    case kPublisher: return "open_publisher";
    case kClose: return "close";
    case kCredit: return "credit";
    case kSettle: return "settle";
    case kPublish: return "publish";
    case kFlush: return "flush";
    case kAnswer: return "answer";
  }
  return "?";
}

}  // namespace

Helper::Helper() : thread_([this] { serve(); }) {}

Helper::~Helper() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Helper::run(std::function<void()> what) {
  const auto done = std::make_shared<std::atomic<bool>>(false);
  {
    const std::scoped_lock lock(mutex_);
    errands_.push_back({std::move(what), done});
  }
  changed_.notify_all();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return done->load(); });
}

void Helper::serve() {
  pthread_setname_np(pthread_self(), "rst-helper");
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !errands_.empty(); });
    if (errands_.empty()) return;
    const Errand errand = std::move(errands_.front());
    errands_.pop_front();
    lock.unlock();
    errand.what();
    lock.lock();
    *errand.done = true;
    changed_.notify_all();
  }
}

template <class F>
auto Adversary::calling(const char* what, F&& call) {
  const char* const outer = std::exchange(t_host_call, what);
  const auto begin = Clock::now();
  const auto result = call();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
  t_host_call = outer;
  if (took > kLongestCall) breach(std::string("H2: ") + what + " took " + std::to_string(took.count()) + " ms");
  return result;
}

void Adversary::in_handler() {
  if (t_host_call != nullptr) breach(std::string("H2: a handler ran on the stack of ") + t_host_call);
}

Adversary::InVerb::InVerb(Verb verb, std::uint64_t subject) noexcept {
  Adversary& self = get();
  if (t_host_call != nullptr) {
    self.breach(std::string("H2: ") + name_of(verb) + " was called on the stack of " + t_host_call);
    return;  // and no noise: it would come back here for ever
  }
  if ((self.manners.noisy & verb) == 0) return;
  const auto there = [subject] { get().noise(subject); };
  if (!self.helper_->run(there)) {
    self.breach(std::string("H5: a host call of another thread waits for ") + name_of(verb) + " to return");
  } else {
    there();
  }
}

/// Every host call, as a verb may make them.
void Adversary::noise(std::uint64_t subject) {
  (void)calling("now", [&] { return host_->now(host_, RST_CLOCK_MONOTONIC); });
  (void)calling("get_extension", [&] { return host_->get_extension(host_, {"rst.nothing/1", 13}); });
  log(RST_LOG_TRACE, 1);
  const Held unknown{kConnect, kUnknownId, 1, {}, {}};
  complete_now({&unknown, 1}, RST_OK, 1, false);
  (void)event(kUnknownKind, subject, 0, {});
  (void)event(RST_EVENT_PUB_WRITABLE, newest(kPublisher), 0, {});
  (void)deliver(kUnknownId, {});
  std::uint32_t left = manners.budget.load();
  while (left != 0 && !manners.budget.compare_exchange_weak(left, left - 1)) {
  }
  if (left == 0) return;
  (void)event(kUnknownKind, subject, 0, kLong);
  (void)event(kUnknownKind, kUnknownId, 0, kLong);
  (void)deliver(some_subscription(left), {});
}

std::int32_t Adversary::conclude(Held ended, std::uint64_t* out) {
  const Verb verb = ended.verb;
  if (ended.op == 0) {
    if (out != nullptr) *out = ended.value;
    return RST_DONE;
  }
  if ((manners.hold & verb) != 0) {
    const std::scoped_lock lock(mutex_);
    held_.push_back(std::move(ended));
    return RST_PENDING;
  }
  if ((manners.early & verb) != 0) {
    complete_now({&ended, 1}, RST_OK, 1, false);
    return RST_PENDING;
  }
  if ((manners.aside & verb) != 0) {
    if (!helper_->run([this, ended] { complete_now({&ended, 1}, RST_OK, 1, false); })) {
      breach(std::string("H5: complete() of another thread waits for ") + name_of(verb) + " to return");
    }
    return RST_PENDING;
  }
  if (out != nullptr) *out = ended.value;
  return RST_DONE;
}

/// What the host lent until the completion must be as it was (rule M4).
void Adversary::check_loan(const Held& held) {
  const auto* at = reinterpret_cast<const char*>(held.lent.messages);
  for (std::size_t i = 0; i < held.payloads.size(); ++i, at += held.lent.stride) {
    const auto& message = *reinterpret_cast<const rst_out_message*>(at);
    const std::string now(reinterpret_cast<const char*>(message.payload), message.payload_len);
    if (now != held.payloads[i]) breach("M4: the payload of a pending publish has changed");
    held.lent.statuses[i] = manners.message_status;
  }
}

/// All of them in one array, so many times each.
void Adversary::complete_now(std::span<const Held> all, std::int32_t status, int times, bool text) {
  if (all.empty()) return;
  struct Larger {
    rst_completion completion{};
    std::uint64_t later = ~0ULL;
  };
  rst_error error{};
  error.code = rst_status_code(status);
  error.text_len = text ? 8 : 0;
  std::memcpy(error.text, "refused!", 8);
  std::vector<Larger> array;
  for (; times != 0; --times) {
    for (const Held& held : all) {
      if (array.size() < all.size()) check_loan(held);
      rst_completion& each = array.emplace_back().completion;
      each.op = held.op;
      each.status = status;
      each.value = held.value;
      each.error = text ? &error : nullptr;
    }
    status = -RST_E_INTERNAL;  // what a second one says is nothing to the host
  }
  (void)calling("complete", [&] {
    host_->complete(host_, &array.front().completion, static_cast<std::uint32_t>(array.size()), sizeof(Larger));
    return 0;
  });
}

std::size_t Adversary::complete(Verb verb, std::int32_t status, int times, bool text) {
  std::vector<Held> due;
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(held_, [&](Held& each) {
      if (each.verb != verb) return false;
      due.push_back(std::move(each));
      return true;
    });
    if (host_ == nullptr) due.clear();  // the host has given them up, and is gone
  }
  complete_now(due, status, times, text);
  return due.size();
}

/// The batch, its records and its tokens. Under the lock.
void Adversary::offer(Cargo& cargo, std::uint64_t id, const Shot& shot) {
  static constexpr rst_batch_ops kOps{
      sizeof(rst_batch_ops), 0, [](rst_batch* batch) { get().released(*batch); }, nullptr, nullptr, nullptr};
  const std::uint32_t stride = shot.larger ? 96 : sizeof(rst_message);
  // So many records and no more: a count over any credit is refused before they are looked at.
  const std::uint32_t there = std::min(shot.count, kMostRecords);
  cargo.payload = R"({"id":)" + std::to_string(last_) + "}";
  cargo.records.assign(static_cast<std::size_t>(stride) * there, 0xEE);
  Subscription* const to = subscriptions_.contains(id) ? &subscriptions_[id] : nullptr;
  for (std::uint32_t i = 0; i < there; ++i) {
    rst_message message{};
    message.payload = reinterpret_cast<const std::uint8_t*>(cargo.payload.data());
    message.payload_len = cargo.payload.size();
    message.token = ++last_;
    message.partition = shot.partition;
    message.attempt = 1;
    std::memcpy(cargo.records.data() + static_cast<std::size_t>(i) * stride, &message, sizeof(message));
    if (to != nullptr) to->tokens[message.token].partition = shot.partition;
  }
  rst_batch& batch = cargo.head.batch;
  batch.struct_size = shot.larger ? sizeof(cargo.head) : sizeof(batch);
  batch.stride = stride;
  batch.messages = reinterpret_cast<const rst_message*>(cargo.records.data());
  batch.count = shot.count;
  batch.subscription = id;
  batch.ops = &kOps;
  batch.bytes = cargo.payload.size() * shot.count + shot.bytes;
  batch.generation = to != nullptr ? to->generation : 0;
  if (to == nullptr) return;
  to->messages -= shot.count;
  to->bytes -= static_cast<std::int64_t>(batch.bytes);
}

std::int32_t Adversary::deliver(std::uint64_t id, const Shot& shot) {
  auto made = std::make_unique<Cargo>();
  Cargo& cargo = *made;
  bool due = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto to = subscriptions_.find(id);
    due = to != subscriptions_.end() && !to->second.closing && to->second.messages >= shot.count &&
          to->second.bytes > 0 && !storming_;
    offer(cargo, id, shot);
    cargos_.emplace(&cargo.head.batch, std::move(made));
    ++accepted_;  // its release may come before deliver returns
  }
  const std::int32_t status = calling("deliver", [&] { return host_->deliver(host_, &cargo.head.batch); });
  const std::scoped_lock lock(mutex_);
  const auto to = subscriptions_.find(id);
  if (status == RST_DONE) {
    if (to == subscriptions_.end()) breaches_.emplace_back("C3: a delivery for nobody was accepted");
    if (cargo.state == Cargo::State::offered) cargo.state = Cargo::State::accepted;
    return status;
  }
  --accepted_;
  if (cargo.state == Cargo::State::released) breaches_.emplace_back("M1: a refused batch was released");
  cargo.state = Cargo::State::refused;
  if (status != -RST_E_STALE && status != -RST_E_EXHAUSTED) {
    breaches_.push_back("M1: deliver returned " + std::to_string(status));
  }
  if (to == subscriptions_.end()) return status;
  to->second.messages += shot.count;
  to->second.bytes += static_cast<std::int64_t>(cargo.head.batch.bytes);
  if (due && !to->second.closing) breaches_.push_back("F1: refused within its credit: " + std::to_string(status));
  return status;
}

std::uint64_t Adversary::event(std::uint32_t kind, std::uint64_t subject, std::uint32_t partition,
                               std::chrono::nanoseconds waits) {
  struct Larger {
    rst_event event{};
    std::uint64_t later[8]{};
  } made;
  rst_event& event = made.event;
  rst_partition which{};
  rst_capability unknown{0xFFFF'0001, RST_LEVEL_NATIVE, 0x8000, ~0ULL};
  rst_error silent{};  // an error without a text
  silent.code = RST_E_UNAVAILABLE;
  event.struct_size = sizeof(made);
  event.kind = kind;
  event.error = &silent;
  event.caps = &unknown;
  event.cap_count = 1;
  {
    const std::scoped_lock lock(mutex_);
    const auto known = opened_.find(subject);
    (known != opened_.end() && known->second == kConnect ? event.connection : event.subject) = subject;
    if (waits.count() != 0) {
      event.answer = ++last_;
      event.deadline_ns = static_cast<std::uint64_t>(waits.count());
      asked_[event.answer] = {kind, subject, partition, 0};
    }
    if (const auto of = subscriptions_.find(subject); of != subscriptions_.end() && partition != 0) {
      which.partition = partition;
      which.generation = ++of->second.generation;
      event.partitions = &which;
      event.partition_count = 1;
      if (kind == RST_EVENT_SUB_LOST) make_stale(subject, partition);
    }
  }
  (void)calling("event", [&] { return host_->event(host_, &event), 0; });
  return event.answer;
}

void Adversary::log(std::uint32_t level, std::uint32_t lines) {
  struct Larger {
    rst_log line{};
    std::uint64_t later[4]{};
  } made;
  static constexpr char kText[] = "a line of the adversary";
  made.line.struct_size = sizeof(made);
  made.line.level = level;
  made.line.text = {kText, sizeof(kText) - 1};
  for (; lines != 0; --lines) (void)calling("log", [&] { return host_->log(host_, &made.line), 0; });
}

std::uint64_t Adversary::some_subscription(std::uint32_t seed) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> open;
  for (const auto& [id, each] : subscriptions_) {
    if (!each.closing) open.push_back(id);
  }
  return open.empty() ? kUnknownId : open[seed % open.size()];
}

void Adversary::storm(std::uint32_t threads) {
  storming_ = true;
  for (std::uint32_t number = 0; number < threads; ++number) {
    threads_.emplace_back([this, number] {
      pthread_setname_np(pthread_self(), "rst-storm");
      for (std::uint32_t turn = number; storming_; ++turn) {
        const std::uint64_t to = some_subscription(turn);
        const std::uint32_t partition = 1 + turn % 3;
        (void)deliver(to, {.count = 1 + turn % 5, .partition = partition, .larger = turn % 2 == 0});
        switch (turn % 16) {
          case 1: (void)deliver(to, {.count = 100'000}); break;  // over any credit
          case 3: noise(to); break;
          case 5: (void)event(RST_EVENT_SUB_REVOKING, to, partition, std::chrono::seconds(5)); break;
          case 7: (void)event(RST_EVENT_SUB_LOST, to, partition, {}); break;
          case 9: (void)event(kUnknownKind, newest(kConnect), 0, std::chrono::seconds(5)); break;
          case 11: (void)event(RST_EVENT_SUB_ASSIGNING, to, partition, std::chrono::seconds(5)); break;
          default: break;
        }
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
    });
  }
}

void Adversary::calm() {
  storming_ = false;
  for (std::thread& each : threads_) each.join();
  threads_.clear();
}

}  // namespace host_rules
