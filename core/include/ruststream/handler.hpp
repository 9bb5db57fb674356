#pragma once
#include <ruststream/codec.hpp>
#include <ruststream/context.hpp>
#include <ruststream/error.hpp>
#include <ruststream/outcome.hpp>
#include <ruststream/publish.hpp>
#include <ruststream/task.hpp>
#include <ruststream/type_table.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <expected>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// From a function of the user's to something that the runtime can call: the only templates of the runtime.
namespace ruststream {
inline namespace v0 {
namespace detail {

class Consumer;
struct RunningCall;

/// One message of a plugin's batch.
struct MessageRef {
  rst_batch* batch = nullptr;
  const rst_message* message = nullptr;
};

/// Where a consumer's verdicts wait for their settlement, and whether its app still starts handlers.
struct VerdictRoom {
  rst_settlement* next = nullptr;
  rst_settlement* end = nullptr;
  const std::atomic<bool>* stopping = nullptr;
};

[[nodiscard]] constexpr rst_settlement ack_of(std::uint64_t token) noexcept {
  return {.token = token, .delay_ns = 0, .detail = nullptr, .verdict = RST_VERDICT_ACK, .flags = 0, .status = 0};
}

/// One call of a handler, from dispatch to settlement: shared by the runtime and the handler's adapter. Starts on the
/// runtime's stack; a coroutine's adapter moves it beside the coroutine. [loop thread]
///
/// A plain handler's call may be a run: messages that follow each other in a batch, as long as each is acknowledged.
class RUSTSTREAM_EXPORT Invocation final : public Call {
 public:
  /// `run`: how many messages may be handled in this call, `message` the first.
  Invocation(Consumer& consumer, MessageRef message, std::uint32_t lane, VerdictRoom& room,
             std::uint32_t run = 1) noexcept
      : consumer_(&consumer), one_(message), room_(&room), lane_(lane), left_(run) {}
  Invocation(Consumer& consumer, std::vector<MessageRef>& batch, VerdictRoom& room) noexcept
      : consumer_(&consumer), many_(&batch), room_(&room) {}

  void attach(PublishOp& op) noexcept override;

  [[nodiscard]] MessageRef message() const noexcept { return one_; }
  [[nodiscard]] bool is_batch() const noexcept { return many_ != nullptr; }
  [[nodiscard]] std::vector<MessageRef>& messages() const noexcept { return *many_; }
  void use(std::vector<MessageRef>& batch) noexcept { many_ = &batch; }
  [[nodiscard]] Consumer& consumer() const noexcept { return *consumer_; }
  [[nodiscard]] std::uint32_t lane() const noexcept { return lane_; }
  [[nodiscard]] bool has_attached() const noexcept { return attached_ != nullptr; }
  [[nodiscard]] PublishOp* take_attached() noexcept { return std::exchange(attached_, nullptr); }

  /// False: the decode-failure policy has settled the message, and this call is over.
  [[nodiscard]] bool decode(const TypeTable& table, Arena& arena, void* object);
  /// The same for one element of a batch; false: settled alone.
  [[nodiscard]] bool decode(const TypeTable& table, Arena& arena, void* object, const MessageRef& element);
  /// An arena for a call that outlives the stack, and its return.
  [[nodiscard]] Arena borrow_arena();
  void return_arena(Arena arena);
  /// Of a call that never ends: nobody waits for its publishes any more.
  void drop_attached() noexcept;
  void track(RunningCall& call) noexcept;
  void untrack(RunningCall& call) noexcept;
  [[nodiscard]] Arena& stack_arena() noexcept;

  /// The plain handler acknowledges its message. True: the next one of the run is to be handled in this call; false:
  /// the call is over.
  bool acknowledge() noexcept {
    if (attached_ != nullptr || room_->next == room_->end || room_->stopping->load(std::memory_order_relaxed)) {
      finish(ack());
      return false;
    }
    if (const std::uint64_t token = one_.message->token; token != 0) {
      *room_->next++ = ack_of(token);
    } else {
      ++without_token_;
    }
    ++acknowledged_;
    if (--left_ == 0) return false;
    const auto* const at = reinterpret_cast<const char*>(one_.message);
    one_.message = reinterpret_cast<const rst_message*>(at + one_.batch->stride);
    return true;
  }
  /// How many messages acknowledge() took care of, and whether that was the whole run.
  [[nodiscard]] std::uint32_t acknowledged() const noexcept { return acknowledged_; }
  /// How many of these there was nothing to settle of.
  [[nodiscard]] std::uint32_t without_token() const noexcept { return without_token_; }
  [[nodiscard]] bool run_over() const noexcept { return left_ == 0; }

  // The end of a call: exactly one of these, or acknowledge().
  void finish(const Outcome& outcome) noexcept;
  void finish(const Settle& settle) noexcept;
  void finish(std::span<const Outcome> outcomes) noexcept;
  void threw(const std::exception_ptr& what) noexcept;
  void failed(const Error& why) noexcept;

  /// Publishes a handler's value to the registration's reply destination, else to the message's own reply_to.
  void reply(const TypeTable& table, const void* value) noexcept;

 private:
  Consumer* consumer_;
  MessageRef one_;
  std::vector<MessageRef>* many_ = nullptr;
  PublishOp* attached_ = nullptr;
  VerdictRoom* room_;
  std::uint32_t lane_ = 0;
  std::uint32_t left_ = 1;
  std::uint32_t acknowledged_ = 0;
  std::uint32_t without_token_ = 0;
};

/// A coroutine's call while it runs, so that a consumer that ends before it can destroy it.
struct RunningCall : Ready {
  explicit RunningCall(const Invocation& from) noexcept : invocation(from) {}

  Invocation invocation;
  RunningCall* before = nullptr;
  RunningCall* after = nullptr;
  void (*destroy)(RunningCall*) noexcept = nullptr;
};

/// A handler, erased. One per registration; called on one loop thread.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Whether call() wants a batch: invocation.messages() instead of message().
  [[nodiscard]] virtual bool takes_batch() const noexcept = 0;
  [[nodiscard]] virtual bool replies() const noexcept = 0;
  [[nodiscard]] virtual bool is_coroutine() const noexcept = 0;
  virtual void call(Invocation& invocation) = 0;
};

template <class>
struct IsTask : std::false_type {};
template <class T>
struct IsTask<Task<T>> : std::true_type {};
template <class>
struct IsExpected : std::false_type {};
template <class T, class E>
struct IsExpected<std::expected<T, E>> : std::true_type {};
template <class>
struct IsSpan : std::false_type {};
template <class T>
struct IsSpan<std::span<const T>> : std::true_type {
  using Element = T;
};

/// The parameters and the result of a function, a functor or a lambda with one call operator.
template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using Result = R;
  static constexpr std::size_t kCount = sizeof...(A);
  template <std::size_t I>
  using Parameter = std::tuple_element_t<I, std::tuple<A...>>;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...)> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};

template <class R>
constexpr bool kIsVerdict = std::is_void_v<R> || std::is_same_v<R, Outcome> || std::is_same_v<R, Settle> ||
                            std::is_same_v<R, std::vector<Outcome>>;

/// Whether a result carries a value to publish.
template <class R>
constexpr bool is_reply() {
  if constexpr (IsTask<R>::value) {
    return is_reply<typename R::value_type>();
  } else if constexpr (IsExpected<R>::value) {
    return !kIsVerdict<typename R::value_type>;
  } else {
    return !kIsVerdict<R>;
  }
}

/// The end of a call that acknowledges. `Whole`: the invocation is not a run (a batch, or a coroutine's).
/// @return whether the next message of the run is to be handled.
template <bool Whole>
bool end_with_ack(Invocation& invocation) {
  if constexpr (Whole) {
    invocation.finish(ack());
    return false;
  } else {
    return invocation.acknowledge();
  }
}

template <bool Whole, class R>
bool finish_with(Invocation& invocation, R&& result) {
  using Plain = std::remove_cvref_t<R>;
  if constexpr (std::is_same_v<Plain, Outcome>) {
    if (result.verdict() == Verdict::ack) return end_with_ack<Whole>(invocation);
    invocation.finish(result);
  } else if constexpr (std::is_same_v<Plain, Settle>) {
    invocation.finish(result);
  } else if constexpr (std::is_same_v<Plain, std::vector<Outcome>>) {
    invocation.finish(std::span<const Outcome>(result));
  } else if constexpr (IsExpected<Plain>::value) {
    using Unexpected = typename Plain::error_type;
    if (!result) {
      if constexpr (std::is_same_v<Unexpected, Outcome>) {
        invocation.finish(result.error());
      } else if constexpr (std::is_same_v<Unexpected, Error>) {
        invocation.failed(result.error());
      } else {
        invocation.failed(Error(Code::aborted, "the handler returned an error"));
      }
    } else if constexpr (std::is_void_v<typename Plain::value_type>) {
      return end_with_ack<Whole>(invocation);
    } else {
      return finish_with<Whole>(invocation, *std::forward<R>(result));
    }
  } else {
    invocation.reply(type_table<Plain>(), &result);
    return end_with_ack<Whole>(invocation);
  }
  return false;
}

template <class F>
class HandlerOf final : public Handler {
  using Sig = Signature<F>;
  using Result = typename Sig::Result;
  static_assert(
      Sig::kCount >= 1 && Sig::kCount <= 2,
      "a handler takes a message (const T&, Payload, Message or std::span<const T>) and, if it wants one, a Context&");
  using Input = std::remove_cvref_t<typename Sig::template Parameter<0>>;
  static constexpr bool kBatch = IsSpan<Input>::value;
  static constexpr bool kRaw = std::is_same_v<Input, Payload> || std::is_same_v<Input, Message>;
  static constexpr bool kAsync = IsTask<Result>::value;
  static constexpr bool kContext = Sig::kCount == 2;
  static_assert(!(kBatch && is_reply<Result>()),
                "a batch handler returns void, an Outcome, or one Outcome per element");

  template <bool Batch, class I>
  struct Stored {
    using Type = I;
  };
  template <class I>
  struct Stored<true, I> {
    using Type = std::vector<typename IsSpan<I>::Element>;
  };
  struct None {};
  using Value = std::conditional_t<kRaw, None, typename Stored<kBatch, Input>::Type>;
  using Scratch = std::conditional_t<kRaw, None, Arena>;  // what is not decoded needs none

 public:
  explicit HandlerOf(F function) : function_(std::move(function)) {}

  [[nodiscard]] bool takes_batch() const noexcept override { return kBatch; }
  [[nodiscard]] bool replies() const noexcept override { return is_reply<Result>(); }
  [[nodiscard]] bool is_coroutine() const noexcept override { return kAsync; }

  void call(Invocation& invocation) override {
    if constexpr (kAsync) {
      AsyncCall::begin(*this, invocation);
    } else {
      try {
        while (call_one(invocation)) {
        }
      } catch (...) {
        invocation.threw(std::current_exception());
      }
    }
  }

 private:
  /// A coroutine's call: everything that must outlive its suspensions, and the node that is posted when it ends.
  struct AsyncCall final : RunningCall {
    Context context;
    Scratch arena;
    std::vector<MessageRef> messages;
    Value value{};
    std::optional<Result> task;

    explicit AsyncCall(Invocation& from) : RunningCall(from), context(invocation), arena(borrow(from)) {
      run = [](Ready* self) noexcept {
        auto* const call = static_cast<AsyncCall*>(self);
        call->invocation.untrack(*call);
        call->end();
      };
      RunningCall::destroy = [](RunningCall* self) noexcept { static_cast<AsyncCall*>(self)->destroy(); };
    }

    static Scratch borrow([[maybe_unused]] Invocation& from) {
      if constexpr (kRaw) {
        return {};
      } else {
        return from.borrow_arena();
      }
    }

    static void begin(HandlerOf& handler, Invocation& from) {
      auto* const call = new (frame_allocate(sizeof(AsyncCall))) AsyncCall(from);
      if constexpr (kBatch) {
        call->messages.swap(from.messages());
        call->invocation.use(call->messages);
      }
      try {
        if constexpr (!kRaw) {
          if (!handler.decode(call->invocation, call->arena, call->value)) return call->destroy();
        }
        call->task.emplace(handler.invoke(call->invocation, call->value, call->context));
        if (!call->task->start(*call)) {
          call->invocation.track(*call);
          return;
        }
      } catch (...) {
        call->invocation.threw(std::current_exception());
        call->destroy();
        return;
      }
      call->end();
    }

    void end() noexcept {
      try {
        if constexpr (std::is_void_v<typename Result::value_type>) {
          task->take();
          invocation.finish(ack());
        } else {
          finish_with<true>(invocation, task->take());
        }
      } catch (...) {
        invocation.threw(std::current_exception());
      }
      destroy();
    }

    void destroy() noexcept {
      task.reset();  // publishes that it still awaited go to the invocation
      invocation.drop_attached();
      if constexpr (!kRaw) invocation.return_arena(std::move(arena));
      this->~AsyncCall();
      frame_free(this, sizeof(AsyncCall));
    }
  };

  /// Handles the invocation's message; true when the next one of its run is to be handled too.
  bool call_one(Invocation& invocation) {
    if constexpr (!kRaw) {
      if (!decode(invocation, invocation.stack_arena(), value_)) return false;
    }
    Context context(invocation);
    if constexpr (std::is_void_v<Result>) {
      invoke(invocation, value_, context);
      return end_with_ack<kBatch>(invocation);
    } else {
      return finish_with<kBatch>(invocation, invoke(invocation, value_, context));
    }
  }

  bool decode(Invocation& invocation, Arena& arena, Value& value) {
    if constexpr (kBatch) {
      using Element = typename IsSpan<Input>::Element;
      std::vector<MessageRef>& messages = invocation.messages();
      if (value.size() < messages.size()) value.resize(messages.size());
      std::size_t kept = 0;
      for (std::size_t i = 0; i < messages.size(); ++i) {
        if (!invocation.decode(type_table<Element>(), arena, &value[kept], messages[i])) continue;
        messages[kept++] = messages[i];
      }
      messages.resize(kept);
      if (kept != 0) return true;
      invocation.finish(std::span<const Outcome>());
      return false;
    } else {
      return invocation.decode(type_table<Input>(), arena, &value);
    }
  }

  decltype(auto) invoke(Invocation& invocation, Value& value, Context& context) {
    if constexpr (kBatch) {
      return pass(Input(value.data(), invocation.messages().size()), context);
    } else if constexpr (std::is_same_v<Input, Message>) {
      return pass(context.message(), context);
    } else if constexpr (kRaw) {
      return pass(payload_of(*invocation.message().message), context);
    } else {
      return pass(static_cast<const Input&>(value), context);
    }
  }

  template <class A>
  decltype(auto) pass(A&& input, Context& context) {
    if constexpr (kContext) {
      return function_(std::forward<A>(input), context);
    } else {
      return function_(std::forward<A>(input));
    }
  }

  F function_;
  Value value_{};  // reused from message to message, so that its strings keep their memory
};

template <class F>
std::unique_ptr<Handler> make_handler(F&& function) {
  using Plain = std::decay_t<F>;
  return std::make_unique<HandlerOf<Plain>>(std::forward<F>(function));
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
