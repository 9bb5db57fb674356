#pragma once
// The table's functions: check, pin, call the author, stop exceptions.

#include <ruststream/sdk/detail/boundary.hpp>

namespace ruststream::sdk::detail {

template <typename B, bool = HasSubscription<B>>
struct SubscriptionOf {
  using Type = typename B::Subscription;
};
template <typename B>
struct SubscriptionOf<B, false> {
  using Type = sdk::Subscription;
};
template <typename B, bool = HasPublisher<B>>
struct PublisherOf {
  using Type = typename B::Publisher;
};
template <typename B>
struct PublisherOf<B, false> {
  using Type = sdk::Publisher;
};

template <typename B>
struct Verbs {
  using Connection = typename B::Connection;
  using Subscription = typename SubscriptionOf<B>::Type;
  using Publisher = typename PublisherOf<B>::Type;

  static constexpr bool kSettles =
      requires(Subscription& object, const rst_settle& call, ErrorOut error) { object.settle(call, error); };
  static constexpr bool kFlushesConnection =
      requires(Connection& object, std::uint64_t number, ErrorOut error) { object.flush(number, number, error); };
  static constexpr bool kFlushesPublisher =
      requires(Publisher& object, std::uint64_t number, ErrorOut error) { object.flush(number, number, error); };
  static constexpr bool kFlushes = kFlushesConnection || kFlushesPublisher;
  static constexpr bool kAnswers = requires(B& broker, std::span<const rst_position> positions, ErrorOut error) {
    broker.answer(std::uint64_t{}, std::int32_t{}, positions, error);
  };

  static std::int32_t validate(std::uint32_t scope, const void* spec, rst_plan* out, const rst_report* sink,
                               rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      if (sink != nullptr && sink->struct_size < RST_UP_TO(rst_report, text)) {
        return told(RST_E_INVALID, "rst_report is too small");
      }
      Report report{sink, told};
      Plan plan;
      switch (scope) {
        case RST_SCOPE_CONNECTION: check_spec<B>(*static_cast<const rst_connection_spec*>(spec), plan, report); break;
        case RST_SCOPE_SUBSCRIPTION:
          check_spec<B>(*static_cast<const rst_subscription_spec*>(spec), plan, report);
          break;
        case RST_SCOPE_PUBLISHER: check_spec<B>(*static_cast<const rst_publisher_spec*>(spec), plan, report); break;
        case RST_SCOPE_MESSAGE:
        case RST_SCOPE_ADMIN:
        case RST_SCOPE_TX: check_options_spec(*static_cast<const rst_options_spec*>(spec), scope, report); break;
        default: return told(RST_E_UNSUPPORTED, "scope ", scope, " is not known");
      }
      if (out != nullptr) write_plan(plan, *out, report);
      return report.result();
    });
  }

  static std::int32_t init(const rst_host* host, const rst_init_args* args, void** instance,
                           rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      if (host->struct_size < RST_UP_TO(rst_host, get_extension))
        return told(RST_E_INVALID, "the host's table is too small");
      if (args->struct_size < RST_UP_TO(rst_init_args, flags)) return told(RST_E_INVALID, "init args are too small");
      if (args->flags != 0) return told(RST_E_UNSUPPORTED, "init has unknown flags: ", args->flags);
      *instance = std::make_unique<Instance<B>>(host).release();
      return RST_DONE;
    });
  }

  static std::int32_t deinit(void* instance, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      if (!instance_of<B>(instance).registry.empty()) {
        return told(RST_E_STATE, "connections are open; close them and await the completions first");
      }
      delete &instance_of<B>(instance);
      return RST_DONE;
    });
  }

  static std::int32_t connect(void* instance, const rst_connection_spec* spec, std::uint64_t* connection,
                              rst_error* error) noexcept {
    return guarded(
        error, [&](ErrorOut told) { return open<Connection>(instance, nullptr, nullptr, *spec, connection, told); });
  }

  static std::int32_t subscribe(void* instance, std::uint64_t connection, const rst_subscription_spec* spec,
                                std::uint64_t* subscription, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      return with<B, Connection>(instance, connection, false, told, [&](Connection& parent) {
        return open<Subscription>(instance, &parent, std::data(B::kKinds), *spec, subscription, told);
      });
    });
  }

  static std::int32_t open_publisher(void* instance, std::uint64_t connection, const rst_publisher_spec* spec,
                                     std::uint64_t* publisher, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      return with<B, Connection>(instance, connection, false, told, [&](Connection& parent) {
        return open<Publisher>(instance, &parent, std::data(B::kKinds), *spec, publisher, told);
      });
    });
  }

  static std::int32_t close(void* instance, std::uint64_t handle, std::uint32_t flags, std::uint64_t timeout_ns,
                            std::uint64_t op, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      return instance_of<B>(instance).registry.close(handle, flags, timeout_ns, op, told);
    });
  }

  static std::int32_t credit(void* instance, const rst_credit* call, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      if (call->struct_size < RST_UP_TO(rst_credit, op)) return told(RST_E_INVALID, "rst_credit is too small");
      if (call->flags != RST_CREDIT_ADD && call->flags != RST_CREDIT_DRAIN) {
        return told(RST_E_UNSUPPORTED, "credit is either added or drained, its flags are ", call->flags);
      }
      return with<B, Subscription>(instance, call->subscription, true, told, [&](Subscription& object) -> std::int32_t {
        if constexpr (requires { object.on_credit(*call, told); }) {
          return object.on_credit(*call, told);
        } else {
          if (call->flags == RST_CREDIT_DRAIN) return object.credit().drain(call->op);
          object.credit().add(call->messages, call->bytes);
          if constexpr (requires { object.on_credit(); }) object.on_credit();
          return RST_DONE;
        }
      });
    });
  }

  static std::int32_t settle(void* instance, const rst_settle* call, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      if (call->struct_size < RST_UP_TO(rst_settle, timeout_ns) || call->stride < RST_UP_TO(rst_settlement, status)) {
        return told(RST_E_INVALID, "rst_settle or its stride is too small");
      }
      return with<B, Subscription>(instance, call->subscription, true, told, [&](Subscription& object) -> std::int32_t {
        if constexpr (kSettles) {
          if ((call->flags | call->tx) != 0) {
            if (!may_settle(object.kind(), *call)) {
              return told(RST_E_UNSUPPORTED, "confirmed or transactional settlement at this kind, or an unknown flag");
            }
            if constexpr (requires { object.enlist(*call, told); }) {
              if (call->tx != 0) return object.enlist(*call, told);
            }
          }
          return object.settle(*call, told);
        } else {
          return told(RST_E_UNSUPPORTED, "nothing to settle");
        }
      });
    });
  }

  static std::int32_t publish(void* instance, rst_publish* call, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      if (const auto refused = check_publish(*call, told); refused != RST_DONE) return refused;
      return with<B, Publisher>(instance, call->publisher, false, told, [&](Publisher& object) -> std::int32_t {
        if ((call->flags | call->tx) != 0) {
          if (!may_publish(object.kind(), *call)) {
            return told(RST_E_UNSUPPORTED, "confirmed or transactional publishing at this kind, or an unknown flag");
          }
          if constexpr (requires { object.enlist(*call, told); }) {
            if (call->tx != 0) return object.enlist(*call, told);
          }
        }
        return object.publish(*call, told);
      });
    });
  }

  static std::int32_t check_publish(rst_publish& call, ErrorOut told) noexcept {
    if (call.struct_size < RST_UP_TO(rst_publish, timeout_ns) || call.stride < RST_UP_TO(rst_out_message, reserved)) {
      return told(RST_E_INVALID, "rst_publish or its stride is too small");
    }
    call.accepted = 0;
    return RST_DONE;
  }

  static std::int32_t flush(void* instance, std::uint64_t handle, std::uint64_t timeout_ns, std::uint64_t op,
                            rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      Object* object = nullptr;
      const auto result = instance_of<B>(instance).registry.pin(handle, false, object, told);
      if (result != RST_DONE) return result;
      const Pin<Object> pin{object};
      if constexpr (kFlushesPublisher) {
        if (object->type() == ObjectType::kPublisher)
          return static_cast<Publisher&>(*object).flush(timeout_ns, op, told);
      }
      if constexpr (kFlushesConnection) {
        if (object->type() == ObjectType::kConnection)
          return static_cast<Connection&>(*object).flush(timeout_ns, op, told);
      }
      return told(RST_E_UNSUPPORTED, "this object cannot be flushed");
    });
  }

  static std::int32_t answer(void* instance, std::uint64_t answer, std::int32_t status, const rst_position* positions,
                             std::uint32_t count, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      if constexpr (kAnswers) {
        return instance_of<B>(instance).broker.answer(answer, status, std::span{positions, count}, told);
      } else {
        return told(RST_E_STALE, "no event waits");
      }
    });
  }

 private:
  static void check_options_spec(const rst_options_spec& spec, std::uint32_t scope, Report& report) noexcept {
    constexpr std::size_t kNeeded = RST_UP_TO(rst_options_spec, option_count);
    check_struct(spec.struct_size, kNeeded, 0, 0, "options", report);
    if (spec.struct_size < kNeeded) return;
    if (spec.kind >= std::size(B::kKinds)) report.issue(RST_E_INVALID, "kind ", spec.kind, " does not exist");
    check_options(options_of<B>(), spec.options, spec.option_count, scope, spec.kind, report);
  }

  static void write_plan(const Plan& plan, rst_plan& out, Report& report) noexcept {
    if (out.struct_size < RST_UP_TO(rst_plan, default_window))
      return report.issue(RST_E_INVALID, "rst_plan is too small");
    out.flags = plan.flags;
    out.ack_deadline_ns = plan.ack_deadline_ns;
    out.max_payload = plan.max_payload;
    out.max_delay_ns = plan.max_delay_ns;
    out.max_unsettled = plan.max_unsettled;
    out.max_batch = plan.max_batch;
    out.default_window = plan.default_window;
    out.cap_count = static_cast<std::uint32_t>(plan.caps.size());
    if (out.caps != nullptr) std::copy_n(plan.caps.data(), std::min(out.cap_count, out.cap_capacity), out.caps);
  }

  /// connect, subscribe and open_publisher: check, construct, show, open.
  template <typename T, typename Spec>
  static std::int32_t open(void* instance, sdk::Connection* parent, const rst_kind* kinds, const Spec& spec,
                           std::uint64_t* handle, ErrorOut told) {
    Report report{nullptr, told};
    Plan plan;
    check_spec<B>(spec, plan, report);
    if (report.result() != RST_DONE) return report.result();

    Instance<B>& self = instance_of<B>(instance);
    Birth birth{};
    birth.parent = parent;
    birth.id = spec.id;
    birth.open_op = spec.op;
    birth.type = kTypeOf<T>;
    birth.options = options_of<B>();
    if constexpr (requires { spec.kind; }) {
      birth.kind = &kinds[spec.kind];
      birth.kind_index = spec.kind;
    }
    const Pin<Object> made{
        self.registry.create(birth, [&](const Birth& given) { return make<T>(self.broker, given, spec); })};
    auto& object = static_cast<T&>(*made);
    if constexpr (requires { object.credit().add(spec.credit_messages, spec.credit_bytes); }) {
      object.credit().add(spec.credit_messages, spec.credit_bytes);
    }
    std::int32_t result = RST_DONE;
    try {
      if constexpr (requires { object.open(told); }) result = object.open(told);
    } catch (...) {
      self.registry.finish_open(object, true);
      throw;
    }
    if (result == RST_DONE) {
      object.open_is_done();
      if constexpr (requires { object.on_open(); }) object.on_open();
    }
    if (result == RST_DONE) *handle = object.handle();
    self.registry.finish_open(object, result < 0);
    return result;
  }

  template <typename T, typename Spec>
  static std::unique_ptr<Object> make(B& broker, const Birth& birth, const Spec& spec) {
    if constexpr (std::is_same_v<T, Connection>) {
      return std::make_unique<T>(birth, broker, spec);
    } else {
      return std::make_unique<T>(birth, broker, static_cast<Connection&>(*birth.parent), spec);
    }
  }

  static bool may_settle(const rst_kind& kind, const rst_settle& call) noexcept {
    if ((call.flags & ~RST_SETTLE_CONFIRM) != 0) return false;
    if (call.flags != 0 && find_cap(kind, RST_CAP_SETTLE_CONFIRM) == nullptr) return false;
    return call.tx == 0 || find_cap(kind, RST_CAP_TX_SETTLE) != nullptr;
  }
  static bool may_publish(const rst_kind& kind, const rst_publish& call) noexcept {
    if ((call.flags & ~RST_PUBLISH_CONFIRM) != 0) return false;
    if (call.flags != 0 && find_cap(kind, RST_CAP_PUBLISH_CONFIRM) == nullptr) return false;
    return call.tx == 0 || find_cap(kind, RST_CAP_TX_PUBLISH) != nullptr;
  }
};

}  // namespace ruststream::sdk::detail
