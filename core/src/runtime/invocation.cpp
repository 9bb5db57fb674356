#include "runtime/consumer.hpp"

#include <ruststream/context.hpp>

namespace ruststream {
inline namespace v0 {
namespace detail {

void Invocation::attach(PublishOp& op) noexcept {
  op.beside = attached_;
  attached_ = &op;
}

void Invocation::drop_attached() noexcept {
  for (PublishOp* op = take_attached(); op != nullptr;) {
    PublishOp* const next = op->beside;
    op->call = nullptr;
    op->detach();
    op = next;
  }
}

bool Invocation::decode(const TypeTable& table, Arena& arena, void* object) {
  arena.reset();  // of the message before, in a run
  if (consumer_->decode(table, arena, object, one_)) return true;
  consumer_->undecoded(*this, one_, false);
  return false;
}

bool Invocation::decode(const TypeTable& table, Arena& arena, void* object, const MessageRef& element) {
  if (consumer_->decode(table, arena, object, element)) return true;
  consumer_->undecoded(*this, element, true);
  return false;
}

Arena Invocation::borrow_arena() { return consumer_->borrow_arena(); }
void Invocation::return_arena(Arena arena) { consumer_->return_arena(std::move(arena)); }
void Invocation::track(RunningCall& call) noexcept { consumer_->track(call); }
void Invocation::untrack(RunningCall& call) noexcept { consumer_->untrack(call); }
Arena& Invocation::stack_arena() noexcept { return consumer_->stack_arena(); }

void Invocation::finish(const Outcome& outcome) noexcept { consumer_->finish(*this, outcome, nullptr); }
void Invocation::finish(const Settle& settle) noexcept { consumer_->finish(*this, settle.outcome, &settle.then); }
void Invocation::finish(std::span<const Outcome> outcomes) noexcept { consumer_->finish(*this, outcomes); }
void Invocation::threw(const std::exception_ptr& what) noexcept { consumer_->threw(*this, what); }
void Invocation::failed(const Error& why) noexcept { consumer_->failed(*this, why); }
void Invocation::reply(const TypeTable& table, const void* value) noexcept { consumer_->reply(*this, table, value); }

}  // namespace detail

Message Context::message() const noexcept { return message(0); }

Message Context::message(std::uint32_t index) const noexcept {
  const detail::MessageRef ref = invocation_.is_batch() ? invocation_.messages()[index] : invocation_.message();
  return {*ref.batch, *ref.message, invocation_.consumer().subscription().address()};
}

bool Context::stopping() const noexcept { return invocation_.consumer().app().stopping(); }
void Context::stop() noexcept { invocation_.consumer().app().stop(); }

PublishBuilder Context::begin() { return {*invocation_.consumer().config().publisher, &invocation_}; }
PublishBuilder Context::begin(const Publisher& publisher) { return {*detail::core_of(publisher), &invocation_}; }

}  // namespace v0
}  // namespace ruststream
