#pragma once
// Handles: integers that name objects, checked at every verb, safe against close on another thread (rules L2, L5).
//
// A slot's word holds generation, state and pins. A verb pins its object by one atomic addition and unpins it by
// another; whoever takes the last pin of an object that has ended destroys it. No lock is on that path.

#include <ruststream/sdk/declare.hpp>
#include <ruststream/sdk/host.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace ruststream::sdk {

class Object;
class Registry;

enum class ObjectType : std::uint8_t { kConnection, kSubscription, kPublisher };

namespace detail {

/// A cache line of its own: threads that use different objects do not slow each other down.
struct alignas(64) Slot {
  std::atomic<std::uint64_t> word{0};
  Object* object = nullptr;
  std::uint32_t index = 0;
};

enum class State : std::uint8_t { kFree, kOpen, kClosing, kEnded };

inline constexpr std::uint64_t kPinMask = (std::uint64_t{1} << 28U) - 1;
inline constexpr std::uint64_t kStateStep = std::uint64_t{1} << 28U;
inline constexpr std::uint64_t kGenerationStep = std::uint64_t{1} << 32U;

constexpr State state_of(std::uint64_t word) noexcept { return static_cast<State>(word >> 28U & 0xFU); }
constexpr std::uint32_t generation_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32U); }

}  // namespace detail

/// What the SDK gives a new object; passed to the base class, of no other use.
struct Birth {
  Registry* registry;
  detail::Slot* slot;
  Object* parent;                   // a connection, or nullptr
  std::span<const Option> options;  // declared
  const rst_kind* kind;             // nullptr for a connection
  std::uint64_t id;                 // the host's
  std::uint64_t open_op;
  std::uint32_t kind_index;
  ObjectType type;
};

/// A connection, subscription or publisher. Derive from Connection, Subscription, Publisher.
class Object {
 public:
  explicit Object(const Birth& birth) noexcept : birth_(birth) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;

  [[nodiscard]] const Host& host() const noexcept;
  [[nodiscard]] ObjectType type() const noexcept { return birth_.type; }
  [[nodiscard]] std::uint64_t id() const noexcept { return birth_.id; }
  [[nodiscard]] std::uint64_t connection_id() const noexcept {
    return birth_.parent != nullptr ? birth_.parent->id() : birth_.id;
  }
  [[nodiscard]] std::uint64_t handle() const noexcept { return handle_; }
  [[nodiscard]] About about() const noexcept { return {connection_id(), birth_.parent != nullptr ? id() : 0}; }

  /// Keeps the object alive and its end's completion back, for a short piece of work that may call the host. False once
  /// it ended. The caller knows that the object is not destroyed yet: it found it in a table that on_close takes it out
  /// of. [any-thread]
  [[nodiscard]] bool try_pin() noexcept;
  void unpin() noexcept;

  /// Ends an open() that returned RST_PENDING. [any-thread, once]
  void opened() noexcept;
  void open_failed(const rst_error& error) noexcept;

  /// The verb itself returned RST_DONE: no completion. For the table only.
  void open_is_done() noexcept { birth_.open_op = 0; }

  /// Ends closing: nothing follows from this object. What on_close must bring about, at once or later. [any-thread]
  void closed(std::uint64_t dropped = 0) noexcept;

 protected:
  /// close was called on it, or on its connection (whose own on_close comes when its children have ended). Take it out
  /// of all tables, settle and flush until the timeout (0: the plugin's default), then call closed(). Comes a second
  /// time with `abort` when the host loses patience. Settlements are still possible until closed().
  virtual void on_close(bool abort, std::uint64_t timeout_ns) {
    static_cast<void>(abort);
    static_cast<void>(timeout_ns);
    closed();
  }

 private:
  friend class Registry;
  friend class Subscription;
  friend class Publisher;

  Birth birth_;
  std::uint64_t handle_ = 0;
  // Guarded by the registry's lock:
  std::vector<Object*> children_;
  std::size_t children_left_ = 0;  // those that are ending now included
  std::vector<std::uint64_t> close_ops_;
  std::unique_ptr<rst_error> open_error_;  // of an open that failed: told when the object is gone
  std::uint64_t close_timeout_ns_ = 0;
  std::uint64_t dropped_ = 0;
  bool opening_ = true;  // inside the verb that makes it
  bool aborted_ = false;
  bool close_told_ = false;
};

/// All objects of one instance.
class Registry {
 public:
  static constexpr std::uint32_t kMaxObjects = 1U << 16U;

  explicit Registry(Host host) : host_(host) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  [[nodiscard]] const Host& host() const noexcept { return host_; }

  /// Finds and pins an object. `closing_too`: settle, credit and close still work while it closes.
  /// @return RST_DONE, -RST_E_CLOSED, -RST_E_STALE.
  [[gnu::always_inline]] std::int32_t pin(std::uint64_t handle, bool closing_too, Object*& object,
                                          ErrorOut error) noexcept {
    const auto index = static_cast<std::uint32_t>(handle);
    const auto generation = handle >> 32U;
    if (generation == 0 || index >= count_.load(std::memory_order_acquire)) return stale(handle, error);
    detail::Slot& slot = this->slot(index);
    const auto word = slot.word.fetch_add(1, std::memory_order_acquire);
    const auto open = generation << 32U | detail::kStateStep * static_cast<std::uint64_t>(detail::State::kOpen);
    if ((word & ~detail::kPinMask) != open) [[unlikely]] {
      if (const auto refused = pinned_not_open(slot, word, handle, closing_too, error); refused != RST_DONE) {
        return refused;
      }
    }
    object = slot.object;
    return RST_DONE;
  }

  [[gnu::always_inline]] void unpin(detail::Slot& slot) noexcept {
    const auto word = slot.word.fetch_sub(1, std::memory_order_acq_rel);
    if ((word & detail::kPinMask) == 1 && detail::state_of(word) == detail::State::kEnded) [[unlikely]] {
      end(slot, word - 1);
    }
  }

  /// Makes an object and lets hosts see it. `make` constructs it from its Birth; may throw.
  template <typename Make>
  Object* create(Birth birth, Make&& make) {
    detail::Slot& slot = take_slot();
    birth.registry = this;
    birth.slot = &slot;
    std::unique_ptr<Object> object;
    try {
      object = make(birth);
    } catch (...) {
      give_back(slot);
      throw;
    }
    return show(slot, std::move(object));
  }

  /// The verb close. The completion follows, perhaps before this returns.
  std::int32_t close(std::uint64_t handle, std::uint32_t flags, std::uint64_t timeout_ns, std::uint64_t op,
                     ErrorOut error);

  /// The opening verb is about to return: until now on_close was held back. `failed`: the host never hears of the
  /// object.
  void finish_open(Object& object, bool failed) noexcept;

  [[nodiscard]] bool empty() {
    const std::lock_guard lock{mutex_};
    return live_ == 0;
  }

 private:
  friend class Object;
  static constexpr std::uint32_t kChunk = 64;

  struct Telling {  // whose on_close to call, outside the lock; pinned
    Object* object;
    bool abort;
    std::uint64_t timeout_ns;
  };

  [[nodiscard]] detail::Slot& slot(std::uint32_t index) noexcept { return chunks_[index / kChunk][index % kChunk]; }

  [[gnu::cold, gnu::noinline]] static std::int32_t stale(std::uint64_t handle, ErrorOut error) noexcept {
    return error(RST_E_STALE, "handle ", handle, " does not exist, or is of the past");
  }

  /// The rare half of pin: keeps the pin only of a closing object that is wanted all the same.
  [[gnu::cold, gnu::noinline]] std::int32_t pinned_not_open(detail::Slot& slot, std::uint64_t word,
                                                            std::uint64_t handle, bool closing_too,
                                                            ErrorOut error) noexcept {
    const bool same = detail::generation_of(word) == static_cast<std::uint32_t>(handle >> 32U);
    if (same && closing_too && detail::state_of(word) == detail::State::kClosing) return RST_DONE;
    unpin(slot);
    return same ? error(RST_E_CLOSED, "handle ", handle, " is closed") : stale(handle, error);
  }

  detail::Slot& take_slot();
  void give_back(detail::Slot& slot);
  Object* show(detail::Slot& slot, std::unique_ptr<Object> object);
  void plan_close(Object& object, bool abort, std::uint64_t timeout_ns, std::vector<Telling>& tell);
  void tell(std::span<const Telling> telling) noexcept;
  void mark_ended(Object& object) noexcept;
  void end(detail::Slot& slot, std::uint64_t word) noexcept;
  void child_ended(Object& parent) noexcept;

  Host host_;
  std::mutex mutex_;  // of lives, not of verbs
  std::atomic<std::uint32_t> count_{0};
  std::array<std::unique_ptr<detail::Slot[]>, kMaxObjects / kChunk> chunks_;
  std::vector<std::uint32_t> free_;
  std::size_t live_ = 0;
};

/// An object pinned for as long as this lives.
template <typename T>
class Pin {
 public:
  explicit Pin(T* pinned) noexcept : object_(pinned) {}
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  ~Pin() {
    if (object_ != nullptr) object_->unpin();
  }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }

 private:
  T* object_;
};

inline const Host& Object::host() const noexcept { return birth_.registry->host(); }

inline bool Object::try_pin() noexcept {
  const auto state = detail::state_of(birth_.slot->word.fetch_add(1, std::memory_order_acquire));
  if (state == detail::State::kOpen || state == detail::State::kClosing) return true;
  unpin();
  return false;
}

[[gnu::always_inline]] inline void Object::unpin() noexcept { birth_.registry->unpin(*birth_.slot); }

}  // namespace ruststream::sdk

#include <ruststream/sdk/detail/registry_impl.hpp>
