#include "boundary.hpp"

#include "client/embedded.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

extern "C" const rst_plugin* rst_plugin_memory();

namespace ruststream::sim {
namespace {

Boundary* t_boundary = nullptr;

const rst_plugin& inner() { return *rst_plugin_memory(); }

std::string_view view(const rst_str& text) { return {text.ptr, text.len}; }

/// The first number in a payload: every message has its own.
std::uint64_t number_in(const std::uint8_t* payload, std::uint64_t size) {
  const std::string_view text(reinterpret_cast<const char*>(payload), size);
  const std::size_t at = text.find_first_of("0123456789");
  std::uint64_t number = 0;
  if (at != std::string_view::npos) std::from_chars(text.data() + at, text.data() + text.size(), number);
  return number;
}

template <class Table>
const Table& extension(std::string_view id) {
  return *static_cast<const Table*>(inner().get_extension({id.data(), id.size()}));
}

const rst_message& message_at(const rst_batch& batch, std::uint32_t index) {
  return *reinterpret_cast<const rst_message*>(reinterpret_cast<const char*>(batch.messages) +
                                               std::size_t{index} * batch.stride);
}

Ledger::Delivered delivered_of(rst_batch& batch, const rst_batch_ops& ops, std::uint32_t index) {
  const rst_message& message = message_at(batch, index);
  Ledger::Delivered out;
  out.token = message.token;
  out.id = number_in(message.payload, message.payload_len);
  out.attempt = message.attempt;
  out.partition = message.partition;
  out.generation = batch.generation;
  rst_value sequence{};
  if (ops.field(&batch, index, 1, &sequence) == RST_DONE) out.sequence = sequence.as.u64;
  for (std::uint16_t i = 0; i < message.header_count; ++i) {
    const rst_header& header = message.headers[i];
    if (std::string_view(header.name, header.name_len) != "x-dead-letter-group") continue;
    out.buried_by.assign(reinterpret_cast<const char*>(header.value), header.value_len);
  }
  return out;
}

}  // namespace

/// The verbs of the table; `self` is the one boundary.
struct Verbs {
  static Boundary& self() { return *t_boundary; }

  static std::int32_t init(const rst_host* host, const rst_init_args* args, void** instance, rst_error* error) {
    Boundary& at = self();
    at.begin(*host, nullptr);
    const std::int32_t status = inner().init(&at.wrapped_, args, instance, error);
    at.begin(*host, *instance);
    return status;
  }

  static std::int32_t deinit(void* instance, rst_error* error) {
    Boundary& at = self();
    at.world_.set_step({});
    if (!at.lent_.empty()) at.world_.violated(std::to_string(at.lent_.size()) + " batches not released by deinit (H3)");
    at.instance_ = nullptr;
    return inner().deinit(instance, error);
  }

  static std::int32_t connect(void* instance, const rst_connection_spec* spec, std::uint64_t* handle,
                              rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    rst_connection_spec own = *spec;
    own.op = 0;  // the memory plugin is done when it returns
    const std::int32_t status = inner().connect(instance, &own, handle, error);
    if (status != RST_DONE) return status;
    at.opened(*handle, Boundary::What::connection, spec->id, 0);
    return at.finish(spec->op, status, *handle);
  }

  static std::int32_t subscribe(void* instance, std::uint64_t connection, const rst_subscription_spec* spec,
                                std::uint64_t* handle, rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    Ledger::Opening opening;
    opening.group = view(spec->group);
    opening.window = spec->credit_messages;
    opening.window_bytes = spec->credit_bytes;
    opening.max_attempts = spec->max_attempts;
    opening.dead_letter = spec->dead_letter.len > 0;
    opening.serves = connection != at.first_connection_;  // that one is the streaming members'
    for (std::uint32_t i = 0; i < spec->option_count; ++i) {
      const rst_option& option = spec->options[i];
      if (view(option.name) == "ack_timeout") opening.ack_timeout = Duration(option.value.as.i64);
    }
    at.ledger_.subscribing(spec->id, opening);
    if (spec->op != 0) at.pending_.insert(spec->op);
    at.subscribing_ = {Boundary::What::subscription, spec->id, connection};
    at.subscribing_op_ = spec->op;
    const std::int32_t status = inner().subscribe(instance, connection, spec, handle, error);
    if (status != RST_PENDING) at.pending_.erase(spec->op);
    if (status == RST_DONE) at.opened(*handle, Boundary::What::subscription, spec->id, connection);
    if (status < 0) at.ledger_.closed(spec->id);
    return status;
  }

  static std::int32_t open_publisher(void* instance, std::uint64_t connection, const rst_publisher_spec* spec,
                                     std::uint64_t* handle, rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    rst_publisher_spec own = *spec;
    own.op = 0;
    const std::int32_t status = inner().open_publisher(instance, connection, &own, handle, error);
    if (status != RST_DONE) return status;
    at.opened(*handle, Boundary::What::publisher, spec->id, connection);
    return at.finish(spec->op, status, *handle);
  }

  static std::int32_t close(void* instance, std::uint64_t handle, std::uint32_t flags, std::uint64_t timeout,
                            std::uint64_t op, rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    at.complete_late();  // pending operations complete before the close
    if (op != 0) at.pending_.insert(op);
    const std::int32_t status = inner().close(instance, handle, flags, timeout, op, error);
    if (status != RST_PENDING) at.pending_.erase(op);
    if (status >= 0) at.closed(handle);
    return status;
  }

  static std::int32_t credit(void* instance, const rst_credit* credit, rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    const std::int32_t status = inner().credit(instance, credit, error);
    if (status < 0) return status;
    const std::uint64_t id = at.id_of(credit->subscription);
    if ((credit->flags & RST_CREDIT_DRAIN) == 0) {
      at.ledger_.credited(id, credit->messages, credit->bytes);
      return status;
    }
    at.ledger_.drained(id);
    return status == RST_DONE ? at.finish(credit->op, status, 0) : status;
  }

  static std::int32_t settle(void* instance, const rst_settle* call, rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    const std::int32_t status = inner().settle(instance, call, error);
    const std::uint64_t id = at.id_of(call->subscription);
    for (std::uint32_t i = 0; i < call->count; ++i) {
      const rst_settlement& item = call->items[i];
      at.ledger_.settled(id, item.token, item.verdict, Duration(item.delay_ns), status < 0 ? status : item.status);
    }
    return status;
  }

  static std::int32_t publish(void*, rst_publish* call, rst_error* error) { return self().publish(*call, error); }

  static std::int32_t flush(void* instance, std::uint64_t handle, std::uint64_t timeout, std::uint64_t op,
                            rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    at.complete_late();  // what was accepted before has its status first (P5)
    const std::int32_t status = inner().flush(instance, handle, timeout, op, error);
    return status == RST_DONE ? at.finish(op, status, 0) : status;
  }

  static std::int32_t answer(void* instance, std::uint64_t answer, std::int32_t status, const rst_position* positions,
                             std::uint32_t count, rst_error* error) {
    Boundary& at = self();
    const Boundary::Verb verb(at);
    at.world_.note("answer", {{"event", answer}, {"status", static_cast<std::uint64_t>(-status)}});
    const auto waiting = at.answers_.extract(answer);
    if (waiting.empty()) at.world_.violated("an event is answered twice, or was none");
    const std::int32_t result = inner().answer(instance, answer, status, positions, count, error);
    if (waiting.empty() || result < 0) return result;
    const Boundary::Revoke& revoke = waiting.mapped();
    if (at.world_.now() < revoke.answer_by) at.ledger_.agreed(revoke.subscription, revoke.partitions, revoke.from);
    at.ledger_.went(revoke.subscription, revoke.partitions, revoke.from);
    return result;
  }
};

Boundary::Boundary(World& world, Ledger& ledger, Random& random, const FaultPlan& faults)
    : world_(world), ledger_(ledger), random_(random), faults_(faults) {
  t_boundary = this;
}

Boundary::~Boundary() { t_boundary = nullptr; }

const rst_plugin& Boundary::table() {
  static const rst_plugin made = [] {
    rst_plugin table = inner();
    table.init = Verbs::init;
    table.deinit = Verbs::deinit;
    table.connect = Verbs::connect;
    table.subscribe = Verbs::subscribe;
    table.open_publisher = Verbs::open_publisher;
    table.close = Verbs::close;
    table.credit = Verbs::credit;
    table.settle = Verbs::settle;
    table.publish = Verbs::publish;
    table.flush = Verbs::flush;
    table.answer = Verbs::answer;
    return table;
  }();
  return made;
}

void Boundary::begin(const rst_host& host, void* instance) {
  host_ = &host;
  instance_ = instance;
  wrapped_ = host;
  wrapped_.deliver = [](const rst_host*, rst_batch* batch) { return t_boundary->deliver(*batch); };
  wrapped_.complete = [](const rst_host*, const rst_completion* first, std::uint32_t count, std::uint32_t stride) {
    t_boundary->complete(first, count, stride);
  };
  wrapped_.event = [](const rst_host*, const rst_event* event) {
    Boundary& at = *t_boundary;
    at.hear(*event);
    at.host_->event(at.host_, event);
  };
  wrapped_.log = [](const rst_host*, const rst_log* line) { t_boundary->host_->log(t_boundary->host_, line); };
  wrapped_.now = [](const rst_host*, std::uint32_t clock) { return t_boundary->host_->now(t_boundary->host_, clock); };
  if (instance == nullptr) return;
  const auto step = [this](Point now) {
    std::int64_t next = RST_SIM_NEVER;
    std::uint64_t pending = 0;
    const auto at = std::chrono::duration_cast<Duration>(now.time_since_epoch()).count();
    if (extension<rst_sim>(RST_EXT_SIM).step(instance_, at, &next, &pending, nullptr) != RST_DONE) {
      world_.violated("rst.sim refuses to step");
    }
    return next == RST_SIM_NEVER ? Point::max() : Point(Duration(next));
  };
  (void)step(world_.now());  // before anything else: no thread of the plugin starts
  world_.set_step(step);
}

std::int32_t Boundary::deliver(rst_batch& batch) {
  static const rst_batch_ops* lent_ops[2] = {};
  static rst_batch_ops own_ops[2];
  std::size_t which = 0;
  while (which < 2 && lent_ops[which] != nullptr && lent_ops[which] != batch.ops) ++which;
  if (which == 2) std::abort();  // the memory plugin has two tables
  if (lent_ops[which] == nullptr) {
    lent_ops[which] = batch.ops;
    own_ops[which] = *batch.ops;
    own_ops[which].release = [](rst_batch* over) { t_boundary->released(*over); };
  }
  Batch seen;
  seen.subscription = batch.subscription;
  seen.bytes = batch.bytes;
  for (std::uint32_t i = 0; i < batch.count; ++i) seen.messages.push_back(delivered_of(batch, *batch.ops, i));
  lent_[&batch] = {batch.ops, batch.subscription};
  batch.ops = &own_ops[which];
  const std::int32_t result = seen.result = host_->deliver(host_, &batch);
  if (result != RST_DONE) {
    batch.ops = lent_[&batch].ops;
    lent_.erase(&batch);
  }
  depth_ > 0 ? delivered_.push_back(std::move(seen)) : judge(seen);
  return result;
}

void Boundary::hear(const rst_event& event) {
  world_.note("event", {{"kind", event.kind}, {"subject", event.subject}, {"answer", event.answer}});
  Revoke revoke{event.subject, {}, 0, world_.now() + Duration(event.deadline_ns - event.deadline_ns / 10)};
  for (std::uint32_t i = 0; i < event.partition_count; ++i) {
    revoke.partitions.push_back(event.partitions[i].partition);
    revoke.from = event.partitions[i].generation;
  }
  Batch told;
  if (event.answer != 0) {
    told.event = [this, revoke] { ledger_.asked(revoke.subscription, revoke.partitions, revoke.from); };
    answers_.emplace(event.answer, std::move(revoke));
  } else if (event.kind == RST_EVENT_SUB_LOST) {
    told.event = [this, revoke] { ledger_.went(revoke.subscription, revoke.partitions, revoke.from); };
  } else if (event.kind == RST_EVENT_SUB_DOWN) {
    told.event = [this, lost = event.subject] { ledger_.lost(lost); };
  }
  if (!told.event) return;
  depth_ > 0 ? delivered_.push_back(std::move(told)) : judge(told);
}

void Boundary::judge_delivered() {
  for (const Batch& batch : std::exchange(delivered_, {})) judge(batch);
}

void Boundary::judge(const Batch& batch) {
  if (batch.event) return batch.event();
  ledger_.delivering(batch.subscription, batch.messages, batch.bytes);
  if (batch.result != RST_DONE) ledger_.refused(batch.subscription, batch.messages, batch.bytes);
}

void Boundary::released(rst_batch& batch) {
  const auto lent = lent_.find(&batch);
  if (lent == lent_.end()) return world_.violated("a batch is released twice (M1)");
  world_.note("release", {{"subscription", lent->second.subscription}, {"messages", batch.count}});
  batch.ops = lent->second.ops;
  lent_.erase(lent);
  batch.ops->release(&batch);
}

void Boundary::opened(std::uint64_t handle, What what, std::uint64_t id, std::uint64_t parent) {
  if (first_connection_ == 0) first_connection_ = handle;
  handles_[handle] = {what, id, parent};
}

std::uint64_t Boundary::id_of(std::uint64_t handle) const {
  const auto found = handles_.find(handle);
  return found != handles_.end() ? found->second.id : 0;
}

void Boundary::closed(std::uint64_t handle) {
  for (auto& [number, each] : handles_) {
    if (each.closing || (number != handle && each.parent != handle)) continue;
    each.closing = true;
    if (each.what == What::subscription) ledger_.closed(each.id);
  }
}

void Boundary::complete(const rst_completion* completions, std::uint32_t count, std::uint32_t stride) {
  const auto* at = reinterpret_cast<const char*>(completions);
  for (; count > 0; --count, at += stride) {
    const auto& completion = *reinterpret_cast<const rst_completion*>(at);
    if (pending_.erase(completion.op) == 0) world_.violated("an operation is completed twice, or was none (C1)");
    if (completion.op == subscribing_op_) {
      handles_[completion.value] = subscribing_;
    }
    host_->complete(host_, &completion, 1, sizeof(completion));
  }
}

std::int32_t Boundary::finish(std::uint64_t op, std::int32_t status, std::uint64_t value) {
  if (op == 0 || status != RST_DONE || !random_.chance(faults_.late)) return status;
  pending_.insert(op);
  late_[op] = value;
  world_.after(std::chrono::microseconds(random_.between(0, faults_.latest_ms * 1000)), [this, op] {
    const auto late = late_.find(op);
    if (late == late_.end()) return;
    rst_completion completion{};
    completion.op = op;
    completion.value = late->second;
    late_.erase(late);
    world_.note("complete", {{"op", op}});
    complete(&completion, 1, sizeof(completion));
  });
  return RST_PENDING;
}

void Boundary::complete_late() {
  for (const auto& [op, value] : std::exchange(late_, {})) {
    rst_completion completion{};
    completion.op = op;
    completion.value = value;
    complete(&completion, 1, sizeof(completion));
  }
}

void Boundary::calm() {
  faults_ = {};
  complete_late();
}

std::int32_t Boundary::publish(rst_publish& call, rst_error* error) {
  const Verb verb(*this);
  if (random_.chance(faults_.refused)) {
    if (error != nullptr) *error = {};
    call.accepted = 0;
    return -RST_E_UNAVAILABLE;
  }
  const std::uint64_t op = std::exchange(call.op, 0);  // the memory plugin is done when it returns
  const std::int32_t status = inner().publish(instance_, &call, error);
  call.op = op;
  const auto* at = reinterpret_cast<const char*>(call.messages);
  for (std::uint32_t i = 0; status >= 0 && i < call.accepted; ++i, at += call.stride) {
    const auto& message = *reinterpret_cast<const rst_out_message*>(at);
    const std::int32_t its = call.statuses != nullptr ? call.statuses[i] : RST_OK;
    const bool stored = its >= 0 || (rst_status_flags(its) & RST_ERROR_MAYBE_APPLIED) != 0;  // the last before a loss
    ledger_.published(call.publisher, number_in(message.payload, message.payload_len), stored);
    if (its >= 0 && call.statuses != nullptr && random_.chance(faults_.maybe)) {
      call.statuses[i] = rst_status(RST_E_UNAVAILABLE, RST_ERROR_MAYBE_APPLIED);
    }
  }
  return finish(op, status, 0);
}

void Boundary::check_balances() const {
  const auto open = std::ranges::count_if(handles_, [](const auto& each) { return !each.second.closing; });
  if (open != 0) world_.violated(std::to_string(open) + " handles were never closed");
  if (!lent_.empty()) world_.violated(std::to_string(lent_.size()) + " batches were never released (H3)");
  if (!pending_.empty()) world_.violated(std::to_string(pending_.size()) + " operations were never completed (C1)");
  if (!answers_.empty()) world_.violated(std::to_string(answers_.size()) + " events were never answered (H4)");
  if (instance_ != nullptr) world_.violated("the instance lives on");
}

namespace {

std::uint64_t value_of(void* instance, const rst_stats_query& query, std::initializer_list<std::uint32_t> ids) {
  std::array<rst_stat, 64> stats{};
  std::uint32_t count = 0;
  std::uint64_t age = 0;
  if (extension<rst_stats>(RST_EXT_STATS)
          .snapshot(instance, &query, stats.data(), static_cast<std::uint32_t>(stats.size()), &count, &age, nullptr) !=
      RST_DONE) {
    return 0;
  }
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (std::ranges::find(ids, stats[i].id) != ids.end()) sum += stats[i].value;
  }
  return sum;
}

}  // namespace

std::uint64_t Boundary::left(const std::string& group, const std::string& topic, bool log) const {
  rst_stats_query query{};
  query.struct_size = sizeof(query);
  query.kind = log ? 1 : 0;
  query.name = {group.data(), group.size()};
  query.parent = {topic.data(), topic.size()};
  query.handle = first_connection_;
  return value_of(instance_, query, {RST_STAT_WAITING, RST_STAT_UNSETTLED, RST_STAT_DELAYED});
}

void Boundary::check_counts() const {
  for (const auto& [handle, each] : handles_) {
    if (each.what != What::subscription || each.closing) continue;
    rst_stats_query query{};
    query.struct_size = sizeof(query);
    query.handle = handle;
    const Ledger::Counts& ours = *ledger_.counts(each.id);
    const std::string who = ": subscription " + std::to_string(each.id);
    const auto compare = [&](std::uint32_t id, std::uint64_t seen, const char* what) {
      const std::uint64_t told = value_of(instance_, query, {id});
      if (told == seen) return;
      world_.violated("rst.stats tells of " + std::to_string(told) + " " + what + ", seen were " +
                      std::to_string(seen) + who);
    };
    compare(RST_STAT_DELIVERED, ours.delivered, "delivered");
    compare(RST_STAT_ACKED, ours.acked, "acked");
    compare(RST_STAT_RELEASED, ours.released, "released");
    compare(RST_STAT_UNSETTLED, 0, "unsettled");
  }
}

}  // namespace ruststream::sim

namespace ruststream {
inline namespace v0 {
namespace detail {

/// In the place of the library's own list: the only plugin of the simulation is the boundary.
std::span<const rst_plugin* const> embedded_plugins() noexcept {
  static const std::array<const rst_plugin*, 1> plugins{&sim::Boundary::table()};
  return plugins;
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
