#pragma once
// What stands behind every verb: the instance, its objects by handle, and the checks of a spec.

#include <ruststream/abi/plugin.h>
#include <ruststream/sdk/guard.hpp>
#include <ruststream/sdk/objects.hpp>
#include <ruststream/sdk/validate.hpp>

#include <optional>
#include <type_traits>

namespace ruststream::sdk {

/// What validate fills besides the report. The SDK has set the kind's capabilities; texts go to the report.
struct Plan {
  std::uint32_t flags = 0;
  std::uint64_t ack_deadline_ns = 0;
  std::uint64_t max_payload = 0;
  std::uint64_t max_delay_ns = 0;
  std::uint32_t max_unsettled = 0;
  std::uint32_t max_batch = 0;
  std::uint32_t default_window = 0;
  std::vector<rst_capability> caps;
};

namespace detail {

template <typename B>
concept HasOptions = requires { std::span<const Option>{B::kOptions}; };
template <typename B>
concept HasFields = requires { std::span<const rst_field_decl>{B::kFields}; };
template <typename B>
concept HasSubscription = requires { typename B::Subscription; };
template <typename B>
concept HasPublisher = requires { typename B::Publisher; };

template <typename B>
constexpr std::span<const Option> options_of() noexcept {
  if constexpr (HasOptions<B>) return B::kOptions;
  return {};
}
template <typename B>
constexpr std::span<const rst_field_decl> fields_of() noexcept {
  if constexpr (HasFields<B>) return B::kFields;
  return {};
}

/// Declared tables that make no sense do not compile.
template <typename B>
consteval bool declarations_are_sound() {
  const auto options = options_of<B>();
  for (std::size_t index = 0; index < options.size(); ++index) {
    const auto& decl = options[index].decl;
    if (decl.name.len == 0 || decl.doc.len == 0 || decl.scopes == 0) return false;
    if (decl.type == RST_TYPE_NONE || decl.type > RST_TYPE_URL) return false;
    if ((decl.type == RST_TYPE_ENUM) != (decl.choice_count != 0)) return false;
    if (!parse_default(decl)) return false;
    for (std::size_t other = 0; other < index; ++other) {
      if (view(options[other].decl.name) == view(decl.name)) return false;
    }
  }
  return std::size(B::kKinds) != 0 && std::size(B::kKinds) <= 64;
}

/// Everything of one instance. The registry is destroyed last: nothing of the broker's may outlive its objects' table.
template <typename B>
struct Instance {
  explicit Instance(const rst_host* host) : registry(Host{host}), broker(make(host)) {}

  static B make(const rst_host* host) {
    if constexpr (std::is_constructible_v<B, Host>) {
      return B(Host{host});
    } else {
      return B();
    }
  }

  Registry registry;
  B broker;
};

template <typename B>
Instance<B>& instance_of(void* instance) noexcept {
  return *static_cast<Instance<B>*>(instance);
}

template <typename T>
inline constexpr ObjectType kTypeOf = std::is_base_of_v<Connection, T>     ? ObjectType::kConnection
                                      : std::is_base_of_v<Subscription, T> ? ObjectType::kSubscription
                                                                           : ObjectType::kPublisher;

/// Pins the object of a handle, checks that it is of the verb's type, and runs `body(T&)` with it.
template <typename B, typename T, typename Body>
[[gnu::always_inline]] inline std::int32_t with(void* instance, std::uint64_t handle, bool closing_too, ErrorOut error,
                                                Body&& body) {
  Object* object = nullptr;
  if (const auto result = instance_of<B>(instance).registry.pin(handle, closing_too, object, error);
      result != RST_DONE) {
    return result;
  }
  const Pin<Object> pin{object};
  if (object->type() != kTypeOf<T>) return error(RST_E_STALE, "handle ", handle, " is of another type");
  return body(static_cast<T&>(*object));
}

template <typename Spec>
inline constexpr std::uint32_t kKnownFlags = 0;
template <>
inline constexpr std::uint32_t kKnownFlags<rst_connection_spec> = RST_CONNECT_RETRY_INITIAL;
template <>
inline constexpr std::uint32_t kKnownFlags<rst_publisher_spec> = RST_PUBLISHER_CONFIRM | RST_PUBLISHER_TRANSACTIONAL;

template <typename Spec>
inline constexpr std::size_t kLeast = RST_UP_TO(Spec, timeout_ns);

inline void need(const rst_kind& kind, bool wanted, std::uint32_t cap, std::string_view what, Report& report) noexcept {
  if (!wanted || find_cap(kind, cap) != nullptr) return;
  report.issue(RST_E_UNSUPPORTED, "kind `", subject(view(kind.name)), "` has no ", what,
               "; leave it out or choose another kind");
}

/// The checks of one spec that every plugin shares, then the author's own. Everything is reported.
template <typename B, typename Spec>
void check_spec(const Spec& spec, Plan& plan, Report& report) {
  constexpr bool kIsConnection = std::is_same_v<Spec, rst_connection_spec>;
  constexpr bool kIsSubscription = std::is_same_v<Spec, rst_subscription_spec>;
  constexpr auto kWhat = kIsConnection     ? std::string_view{"connection"}
                         : kIsSubscription ? "subscription"
                                           : "publisher";
  check_struct(spec.struct_size, kLeast<Spec>, spec.struct_size < 8 ? 0 : spec.flags, kKnownFlags<Spec>, kWhat, report);
  if (spec.struct_size < kLeast<Spec>) return;
  if constexpr (kIsConnection) {
    check_options(options_of<B>(), spec.options, spec.option_count, RST_SCOPE_CONNECTION, kAnyKind, report);
  } else {
    const rst_kind* kind =
        check_kind(B::kKinds, spec.kind, kIsSubscription ? RST_ROLE_SUBSCRIPTION : RST_ROLE_PUBLISHER, kWhat, report);
    check_options(options_of<B>(), spec.options, spec.option_count,
                  kIsSubscription ? RST_SCOPE_SUBSCRIPTION : RST_SCOPE_PUBLISHER, spec.kind, report);
    if (kind == nullptr) return;
    plan.caps.assign(kind->caps, kind->caps + kind->cap_count);
    if constexpr (kIsSubscription) {
      need(*kind, spec.group.len != 0, RST_CAP_GROUP, "groups", report);
      need(*kind, spec.start_count != 0, RST_CAP_SEEK, "start position", report);
    } else {
      need(*kind, (spec.flags & RST_PUBLISHER_CONFIRM) != 0, RST_CAP_PUBLISH_CONFIRM, "confirms", report);
      need(*kind, (spec.flags & RST_PUBLISHER_TRANSACTIONAL) != 0, RST_CAP_TX_PUBLISH, "transactions", report);
    }
  }
  if constexpr (requires { B::validate(spec, plan, report); }) B::validate(spec, plan, report);
}

}  // namespace detail
}  // namespace ruststream::sdk
