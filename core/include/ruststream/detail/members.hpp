#pragma once
#include <ruststream/detail/member_lists.hpp>
#include <ruststream/type_model.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// An object that is never defined: only the addresses of its members are used, as constants. The bytes give each
/// member's offset.
template <class T>
union Probe {
  unsigned char bytes[sizeof(T)];
  T object;
  constexpr Probe() {}   // NOLINT(modernize-use-equals-default): T may need it
  constexpr ~Probe() {}  // NOLINT(modernize-use-equals-default)
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <class T>
extern const Probe<T> probe;  // NOLINT(readability-identifier-naming): its name is part of what is reflected

/// Pointers to the members of an object, by position.
template <std::size_t I, class T>
struct Leaf {
  const T* pointer;
};
template <class Indexes, class... T>
struct Leaves;
template <std::size_t... I, class... T>
struct Leaves<std::index_sequence<I...>, T...> : Leaf<I, T>... {};

template <std::size_t... I, class... T>
consteval Leaves<std::index_sequence<I...>, T...> leaves(std::index_sequence<I...>, const T&... member) {
  return {Leaf<I, T>{&member}...};
}

template <std::size_t I, class T>
consteval const T* leaf(const Leaf<I, T>& member) {
  return member.pointer;
}

template <class T>
struct AnyBaseOf {
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  operator Base() const;  // NOLINT(google-explicit-constructor): converting is its purpose
};

template <class T>
concept HasBase = requires(AnyBaseOf<T> base) { T{base}; };

#define RUSTSTREAM_TAKES(count)                          \
  if constexpr (!requires { T{RUSTSTREAM_B##count}; }) { \
    return count - 1;                                    \
  } else
#define RUSTSTREAM_BIND(count)                                             \
  if constexpr (Count == count) {                                          \
    const auto& [RUSTSTREAM_M##count] = probe<T>.object;                   \
    return leaves(std::make_index_sequence<count>{}, RUSTSTREAM_M##count); \
  } else

/// How many members an aggregate has, at most kMaxFields + 1. Each `{}` initializes one member, so arrays and nested
/// structs are not flattened.
template <class T>
consteval std::size_t member_count() {
  // clang-format off
  RUSTSTREAM_TAKES(1) RUSTSTREAM_TAKES(2) RUSTSTREAM_TAKES(3) RUSTSTREAM_TAKES(4)
  RUSTSTREAM_TAKES(5) RUSTSTREAM_TAKES(6) RUSTSTREAM_TAKES(7) RUSTSTREAM_TAKES(8)
  RUSTSTREAM_TAKES(9) RUSTSTREAM_TAKES(10) RUSTSTREAM_TAKES(11) RUSTSTREAM_TAKES(12)
  RUSTSTREAM_TAKES(13) RUSTSTREAM_TAKES(14) RUSTSTREAM_TAKES(15) RUSTSTREAM_TAKES(16)
  RUSTSTREAM_TAKES(17) RUSTSTREAM_TAKES(18) RUSTSTREAM_TAKES(19) RUSTSTREAM_TAKES(20)
  RUSTSTREAM_TAKES(21) RUSTSTREAM_TAKES(22) RUSTSTREAM_TAKES(23) RUSTSTREAM_TAKES(24)
  RUSTSTREAM_TAKES(25) RUSTSTREAM_TAKES(26) RUSTSTREAM_TAKES(27) RUSTSTREAM_TAKES(28)
  RUSTSTREAM_TAKES(29) RUSTSTREAM_TAKES(30) RUSTSTREAM_TAKES(31) RUSTSTREAM_TAKES(32)
  RUSTSTREAM_TAKES(33) RUSTSTREAM_TAKES(34) RUSTSTREAM_TAKES(35) RUSTSTREAM_TAKES(36)
  RUSTSTREAM_TAKES(37) RUSTSTREAM_TAKES(38) RUSTSTREAM_TAKES(39) RUSTSTREAM_TAKES(40)
  RUSTSTREAM_TAKES(41) RUSTSTREAM_TAKES(42) RUSTSTREAM_TAKES(43) RUSTSTREAM_TAKES(44)
  RUSTSTREAM_TAKES(45) RUSTSTREAM_TAKES(46) RUSTSTREAM_TAKES(47) RUSTSTREAM_TAKES(48)
  RUSTSTREAM_TAKES(49) RUSTSTREAM_TAKES(50) RUSTSTREAM_TAKES(51) RUSTSTREAM_TAKES(52)
  RUSTSTREAM_TAKES(53) RUSTSTREAM_TAKES(54) RUSTSTREAM_TAKES(55) RUSTSTREAM_TAKES(56)
  RUSTSTREAM_TAKES(57) RUSTSTREAM_TAKES(58) RUSTSTREAM_TAKES(59) RUSTSTREAM_TAKES(60)
  RUSTSTREAM_TAKES(61) RUSTSTREAM_TAKES(62) RUSTSTREAM_TAKES(63) RUSTSTREAM_TAKES(64)
  RUSTSTREAM_TAKES(65)
  // clang-format on
  {
    return kMaxFields + 1;
  }
}

/// Pointers to the members of the probe of an aggregate.
template <class T, std::size_t Count = member_count<T>()>
consteval auto members_of() {
  // clang-format off
  RUSTSTREAM_BIND(1) RUSTSTREAM_BIND(2) RUSTSTREAM_BIND(3) RUSTSTREAM_BIND(4)
  RUSTSTREAM_BIND(5) RUSTSTREAM_BIND(6) RUSTSTREAM_BIND(7) RUSTSTREAM_BIND(8)
  RUSTSTREAM_BIND(9) RUSTSTREAM_BIND(10) RUSTSTREAM_BIND(11) RUSTSTREAM_BIND(12)
  RUSTSTREAM_BIND(13) RUSTSTREAM_BIND(14) RUSTSTREAM_BIND(15) RUSTSTREAM_BIND(16)
  RUSTSTREAM_BIND(17) RUSTSTREAM_BIND(18) RUSTSTREAM_BIND(19) RUSTSTREAM_BIND(20)
  RUSTSTREAM_BIND(21) RUSTSTREAM_BIND(22) RUSTSTREAM_BIND(23) RUSTSTREAM_BIND(24)
  RUSTSTREAM_BIND(25) RUSTSTREAM_BIND(26) RUSTSTREAM_BIND(27) RUSTSTREAM_BIND(28)
  RUSTSTREAM_BIND(29) RUSTSTREAM_BIND(30) RUSTSTREAM_BIND(31) RUSTSTREAM_BIND(32)
  RUSTSTREAM_BIND(33) RUSTSTREAM_BIND(34) RUSTSTREAM_BIND(35) RUSTSTREAM_BIND(36)
  RUSTSTREAM_BIND(37) RUSTSTREAM_BIND(38) RUSTSTREAM_BIND(39) RUSTSTREAM_BIND(40)
  RUSTSTREAM_BIND(41) RUSTSTREAM_BIND(42) RUSTSTREAM_BIND(43) RUSTSTREAM_BIND(44)
  RUSTSTREAM_BIND(45) RUSTSTREAM_BIND(46) RUSTSTREAM_BIND(47) RUSTSTREAM_BIND(48)
  RUSTSTREAM_BIND(49) RUSTSTREAM_BIND(50) RUSTSTREAM_BIND(51) RUSTSTREAM_BIND(52)
  RUSTSTREAM_BIND(53) RUSTSTREAM_BIND(54) RUSTSTREAM_BIND(55) RUSTSTREAM_BIND(56)
  RUSTSTREAM_BIND(57) RUSTSTREAM_BIND(58) RUSTSTREAM_BIND(59) RUSTSTREAM_BIND(60)
  RUSTSTREAM_BIND(61) RUSTSTREAM_BIND(62) RUSTSTREAM_BIND(63) RUSTSTREAM_BIND(64)
  // clang-format on
  {
    return leaves(std::make_index_sequence<0>{});
  }
}

#undef RUSTSTREAM_BIND
#undef RUSTSTREAM_TAKES

/// Where a member of the probe lies in it; not before `offset`.
template <class T>
consteval std::size_t offset_of(const void* member, std::size_t offset) {
  while (static_cast<const void*>(&probe<T>.bytes[offset]) != member) ++offset;
  return offset;
}

template <class T, class Member, class Class>
consteval std::size_t offset_of(Member Class::* member) {
  return offset_of<T>(static_cast<const void*>(&(probe<T>.object.*member)), 0);
}

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
