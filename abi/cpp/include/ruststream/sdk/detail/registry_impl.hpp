#pragma once
// How objects begin and end. Cold: once per connection, subscription or publisher.

#include <ruststream/sdk/registry.hpp>

namespace ruststream::sdk {

inline detail::Slot& Registry::take_slot() {
  const std::lock_guard lock{mutex_};
  ++live_;
  if (!free_.empty()) {
    const auto index = free_.back();
    free_.pop_back();
    return slot(index);
  }
  const auto index = count_.load(std::memory_order_relaxed);
  if (index == kMaxObjects) {
    --live_;
    throw Failure{RST_E_EXHAUSTED, "this instance has ", kMaxObjects, " objects open; close some"};
  }
  auto& chunk = chunks_[index / kChunk];
  if (chunk == nullptr) chunk = std::make_unique<detail::Slot[]>(kChunk);
  free_.reserve(index + 1);  // so that ending an object never allocates
  chunk[index % kChunk].index = index;
  count_.store(index + 1, std::memory_order_release);
  return chunk[index % kChunk];
}

inline void Registry::give_back(detail::Slot& slot) {
  const std::lock_guard lock{mutex_};
  free_.push_back(slot.index);
  --live_;
}

inline Object* Registry::show(detail::Slot& slot, std::unique_ptr<Object> object) {
  Object* const shown = object.get();
  Object* const parent = shown->birth_.parent;
  std::unique_lock lock{mutex_};
  if (parent != nullptr) {
    if (detail::state_of(parent->birth_.slot->word.load(std::memory_order_relaxed)) != detail::State::kOpen) {
      lock.unlock();
      object.reset();
      give_back(slot);
      throw Failure{RST_E_CLOSED, "the connection is closing"};
    }
    parent->children_.push_back(shown);
    ++parent->children_left_;
  }
  slot.object = object.release();
  const auto generation = detail::generation_of(slot.word.load(std::memory_order_relaxed)) + 1;
  shown->handle_ = std::uint64_t{generation} << 32U | slot.index;
  // Open, of the next generation, and with one pin: the verb's that makes it.
  slot.word.fetch_add(detail::kGenerationStep + detail::kStateStep + 1, std::memory_order_release);
  return shown;
}

inline std::int32_t Registry::close(std::uint64_t handle, std::uint32_t flags, std::uint64_t timeout_ns,
                                    std::uint64_t op, ErrorOut error) {
  if ((flags & ~RST_CLOSE_ABORT) != 0) return error(RST_E_UNSUPPORTED, "close has unknown flags: ", flags);
  const bool abort = (flags & RST_CLOSE_ABORT) != 0;
  Object* found = nullptr;
  if (const auto result = pin(handle, true, found, error); result != RST_DONE) return result;
  const Pin<Object> object{found};
  std::vector<Telling> telling;
  {
    const std::lock_guard lock{mutex_};
    const auto state = detail::state_of(object->birth_.slot->word.load(std::memory_order_relaxed));
    const bool again = state == detail::State::kClosing && abort && !object->aborted_;
    if (state != detail::State::kOpen && !again) return error(RST_E_CLOSED, "handle ", handle, " is closing");
    telling.reserve(object->children_.size() + 1);
    if (op != 0) object->close_ops_.push_back(op);
    for (Object* child : object->children_) plan_close(*child, abort, timeout_ns, telling);
    plan_close(*object, abort, timeout_ns, telling);
  }
  tell(telling);
  return op != 0 ? RST_PENDING : RST_DONE;
}

/// Under the lock: marks one object as closing and says whether its on_close is due now.
inline void Registry::plan_close(Object& object, bool abort, std::uint64_t timeout_ns, std::vector<Telling>& tell) {
  auto& word = object.birth_.slot->word;
  const auto state = detail::state_of(word.load(std::memory_order_relaxed));
  const bool first = state == detail::State::kOpen;
  const bool again = state == detail::State::kClosing && abort && !object.aborted_;
  if (!first && !again) return;
  if (first) word.fetch_add(detail::kStateStep, std::memory_order_acq_rel);
  object.aborted_ |= abort;
  object.close_timeout_ns_ = timeout_ns;
  if (first && (object.children_left_ != 0 || object.opening_)) return;  // its turn comes when they have ended
  if (again && !object.close_told_) return;                              // then with abort
  object.close_told_ = true;
  word.fetch_add(1, std::memory_order_acq_rel);  // pinned until it was told
  tell.push_back({&object, abort, timeout_ns});
}

inline void Registry::tell(std::span<const Telling> telling) noexcept {
  for (const Telling& each : telling) {
    try {
      each.object->on_close(each.abort, each.timeout_ns);
    } catch (...) {
      host_.log(RST_LOG_ERROR, each.object->about(), "sdk", "closing threw; the object ends at once");
      each.object->closed();
    }
    each.object->unpin();
  }
}

inline void Registry::mark_ended(Object& object) noexcept {
  object.birth_.slot->word.fetch_add(detail::kStateStep, std::memory_order_acq_rel);
}

inline void Object::closed(std::uint64_t dropped) noexcept {
  Registry& registry = *birth_.registry;
  birth_.slot->word.fetch_add(1, std::memory_order_acq_rel);
  {
    const std::lock_guard lock{registry.mutex_};
    if (detail::state_of(birth_.slot->word.load(std::memory_order_relaxed)) == detail::State::kClosing) {
      dropped_ += dropped;
      registry.mark_ended(*this);
    }
  }
  unpin();
}

inline void Object::opened() noexcept {
  std::uint64_t op = 0;
  {
    const std::lock_guard lock{birth_.registry->mutex_};
    op = std::exchange(birth_.open_op, 0);
  }
  host().complete(op, handle_);
}

/// The completion follows when the object is gone: the host may end the instance at once.
inline void Object::open_failed(const rst_error& error) noexcept {
  std::uint64_t op = 0;
  birth_.slot->word.fetch_add(1, std::memory_order_acq_rel);
  {
    const std::lock_guard lock{birth_.registry->mutex_};
    if (detail::state_of(birth_.slot->word.load(std::memory_order_relaxed)) == detail::State::kOpen) {
      open_error_ = std::make_unique<rst_error>(error);
      birth_.slot->word.fetch_add(detail::kStateStep, std::memory_order_acq_rel);
      birth_.registry->mark_ended(*this);
    } else {
      op = std::exchange(birth_.open_op, 0);  // it is closing already, and ends by closed()
    }
  }
  host().fail(op, error);
  unpin();
}

inline void Registry::finish_open(Object& object, bool failed) noexcept {
  Telling telling{&object, false, 0};
  {
    const std::lock_guard lock{mutex_};
    auto& word = object.birth_.slot->word;
    auto state = detail::state_of(word.load(std::memory_order_relaxed));
    object.opening_ = false;
    if (failed) {
      object.birth_.open_op = 0;
      if (state == detail::State::kOpen) word.fetch_add(detail::kStateStep, std::memory_order_acq_rel);
      if (state != detail::State::kEnded) mark_ended(object);
      return;
    }
    if (state != detail::State::kClosing || object.close_told_ || object.children_left_ != 0) return;
    object.close_told_ = true;
    word.fetch_add(1, std::memory_order_acq_rel);
    telling.abort = object.aborted_;
    telling.timeout_ns = object.close_timeout_ns_;
  }
  tell({&telling, 1});
}

/// The last pin is gone. One of those who see that wins the exchange; a late caller with a stale handle may hold it up
/// for a moment, and then sees it itself.
inline void Registry::end(detail::Slot& slot, std::uint64_t word) noexcept {
  const auto freed = word & ~(detail::kGenerationStep - 1);
  if (!slot.word.compare_exchange_strong(word, freed, std::memory_order_acq_rel)) return;
  std::unique_ptr<Object> object{std::exchange(slot.object, nullptr)};
  const Host host = host_;
  const auto open_op = object->birth_.open_op;
  const auto close_ops = std::move(object->close_ops_);
  const auto open_error = std::move(object->open_error_);
  const auto dropped = object->dropped_;
  Object* const parent = object->birth_.parent;
  if (parent != nullptr) {
    const std::lock_guard lock{mutex_};
    std::erase(parent->children_, object.get());
  }
  object.reset();
  give_back(slot);
  // After a connection's last completion the host may end the instance: nothing of it is touched any more.
  if (open_op != 0) {
    rst_error closed;
    fill_error(closed, RST_E_CLOSED, 0, "closed before it was open");
    host.fail(open_op, open_error != nullptr ? *open_error : closed);
  }
  for (const auto op : close_ops) host.complete(op, dropped);
  if (parent != nullptr) child_ended(*parent);
}

/// The parent cannot have ended: it is not told of its close while children are left.
inline void Registry::child_ended(Object& parent) noexcept {
  Telling telling{&parent, false, 0};
  {
    const std::lock_guard lock{mutex_};
    --parent.children_left_;
    const auto state = detail::state_of(parent.birth_.slot->word.load(std::memory_order_relaxed));
    if (state != detail::State::kClosing || parent.children_left_ != 0 || parent.close_told_) return;
    parent.close_told_ = true;
    parent.birth_.slot->word.fetch_add(1, std::memory_order_acq_rel);
    telling.abort = parent.aborted_;
    telling.timeout_ns = parent.close_timeout_ns_;
  }
  tell({&telling, 1});
}

}  // namespace ruststream::sdk
