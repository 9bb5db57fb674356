#pragma once
#include <ruststream/detail/kind_of.hpp>
#include <ruststream/detail/names.hpp>
#include <ruststream/type_model.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// Enumerators with values in [0, kReflectedEnumerators) are found by name; others need ruststream_describe().
inline constexpr std::size_t kReflectedEnumerators = 128;

template <class E>
inline constexpr bool kHasFixedUnderlyingType = requires { E{0}; };

/// One name per value, empty where the enum has none: the compiler spells all of them in one function name,
/// `Side::buy, (Side)1, …` between braces (g++) or angle brackets (clang).
template <class E, std::size_t... I>
consteval std::array<std::string_view, sizeof...(I)> enumerator_names(std::index_sequence<I...>) {
  std::string_view list = argument_of(pretty_values<static_cast<E>(I)...>());
  list = list.substr(1, list.size() - 2);
  std::array<std::string_view, sizeof...(I)> names;
  std::size_t found = 0;
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    const char c = i < list.size() ? list[i] : ',';
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (c != ',' || depth != 0) continue;
    const std::string_view name = unqualified(list.substr(start, i - start));
    // "(Side)1", also as "( shop::Side)1": a value without a name ends in digits after a parenthesis.
    names[found++] = name.find(')') == std::string_view::npos ? name : std::string_view{};
    start = i + 2;
  }
  return names;
}

template <class E>
consteval std::size_t reflected_range() {
  using Underlying = std::underlying_type_t<E>;
  if constexpr (std::is_same_v<Underlying, bool>) {
    return 2;
  } else {
    return static_cast<std::uint64_t>(std::numeric_limits<Underlying>::max()) < kReflectedEnumerators
               ? static_cast<std::size_t>(std::numeric_limits<Underlying>::max()) + 1
               : kReflectedEnumerators;
  }
}

template <class E>
inline constexpr auto kEnumeratorNames = enumerator_names<E>(std::make_index_sequence<reflected_range<E>()>{});

template <class E>
consteval std::size_t enumerator_count() {
  std::size_t count = 0;
  for (const std::string_view name : kEnumeratorNames<E>) count += name.empty() ? 0 : 1;
  return count;
}

template <class E>
consteval auto reflect_enumerators() {
  static_assert(enumerator_count<E>() > 0,
                "RustStream: this enum has no enumerator between 0 and 127, so its names cannot be found; write "
                "ruststream_describe() for it.");
  std::array<Enumerator, enumerator_count<E>()> result;
  std::size_t found = 0;
  for (std::size_t value = 0; value < kEnumeratorNames<E>.size(); ++value) {
    const std::string_view name = kEnumeratorNames<E>[value];
    if (!name.empty()) result[found++] = {name, static_cast<std::int64_t>(value)};
  }
  return result;
}

template <class E>
consteval auto make_enumerators() {
  if constexpr (Described<E>) {
    return ruststream_describe(static_cast<const E*>(nullptr));
  } else {
    static_assert(kHasFixedUnderlyingType<E>,
                  "RustStream: give this enum an underlying type (enum Side : int) or make it an enum class, so that "
                  "its names can be found.");
    if constexpr (kHasFixedUnderlyingType<E>) {
      return reflect_enumerators<E>();
    } else {
      return std::array<Enumerator, 0>{};
    }
  }
}

template <class E>
inline constexpr auto kEnumerators = make_enumerators<E>();

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
