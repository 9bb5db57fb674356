#pragma once
#include <ruststream/detail/members.hpp>
#include <ruststream/type_model.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

template <class T>
concept Described = requires { ruststream_describe(static_cast<const T*>(nullptr)); };

/// The kinds that need one template each; `void` where a type is none of them.
template <class T>
struct ContainerOf {
  using Element = void;
};
template <class T>
struct ContainerOf<std::optional<T>> {
  static constexpr Kind kKind = Kind::optional;
  using Element = T;
};
template <class T, class Allocator>
struct ContainerOf<std::vector<T, Allocator>> {
  static constexpr Kind kKind = Kind::sequence;
  using Element = T;
};
template <class T, std::size_t N>
struct ContainerOf<std::array<T, N>> {
  static constexpr Kind kKind = Kind::array;
  static constexpr std::size_t kCount = N;
  using Element = T;
};
template <class K, class T, class... Rest>
struct ContainerOf<std::map<K, T, Rest...>> {
  static constexpr Kind kKind = Kind::map;
  using Key = K;
  using Element = T;
};
template <class K, class T, class... Rest>
struct ContainerOf<std::unordered_map<K, T, Rest...>> {
  static constexpr Kind kKind = Kind::map;
  using Key = K;
  using Element = T;
};

template <class T>
inline constexpr bool kIsContainer = !std::is_void_v<typename ContainerOf<T>::Element>;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T, class... Options>
inline constexpr bool kIsOneOf = (std::is_same_v<T, Options> || ...);

template <class T>
inline constexpr bool kIsCharacter = kIsOneOf<T, char, wchar_t, char8_t, char16_t, char32_t>;

template <class T>
consteval Kind integer_kind() {
  constexpr Kind kSigned[] = {Kind::int8, Kind::int16, Kind::int32, Kind::int64};
  constexpr Kind kUnsigned[] = {Kind::uint8, Kind::uint16, Kind::uint32, Kind::uint64};
  constexpr std::size_t kWidth = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
  return std::is_signed_v<T> ? kSigned[kWidth] : kUnsigned[kWidth];
}

/// Says in one sentence why a struct cannot be a message type, if it cannot.
template <class T>
consteval bool check_structure() {
  if constexpr (std::is_union_v<T>) {
    static_assert(!std::is_union_v<T>,
                  "RustStream: a union cannot be a message type, because nobody knows which "
                  "member is alive; use a struct with std::optional members.");
  } else if constexpr (!std::is_default_constructible_v<T>) {
    static_assert(std::is_default_constructible_v<T>,
                  "RustStream: this message type needs a default constructor, because the object is made before it is "
                  "decoded; references and members without one cannot be reflected.");
  } else if constexpr (!Described<T>) {
    static_assert(std::is_aggregate_v<T>,
                  "RustStream: this class has private members, constructors or virtual functions, so its members "
                  "cannot be listed; write RUSTSTREAM_DESCRIBE(Type, member, ...) inside it.");
    if constexpr (std::is_aggregate_v<T>) {
      static_assert(!HasBase<T>,
                    "RustStream: this struct has a base class, so its members cannot be listed; make the base a "
                    "member, or list the members with RUSTSTREAM_DESCRIBE(Type, member, ...).");
      if constexpr (!HasBase<T>) {
        static_assert(member_count<T>() <= kMaxFields,
                      "RustStream: this struct has more than 64 members; group some "
                      "of them in a nested struct.");
        return member_count<T>() <= kMaxFields;
      }
    }
    return false;
  }
  return !std::is_union_v<T> && std::is_default_constructible_v<T>;
}

/// Says in one sentence why a container cannot be a member, if it cannot.
template <class T>
consteval void check_container() {
  using Container = ContainerOf<T>;
  if constexpr (std::is_same_v<T, std::vector<bool>>) {
    static_assert(!std::is_same_v<T, std::vector<bool>>,
                  "RustStream: std::vector<bool> has no addressable elements; use std::vector<std::uint8_t> or a "
                  "vector of an enum.");
  } else if constexpr (Container::kKind == Kind::map) {
    static_assert(kIsOneOf<typename Container::Key, std::string, std::string_view>,
                  "RustStream: the keys of a map must be std::string or std::string_view.");
  } else if constexpr (Container::kKind == Kind::optional) {
    static_assert(!kIsOptional<typename Container::Element>,
                  "RustStream: an optional of an optional cannot be told apart on the wire; use one std::optional.");
  }
}

/// What a type is; a type that is nothing a codec knows gets a sentence from the compiler.
template <class T>
consteval Kind kind_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return Kind::boolean;
  } else if constexpr (std::is_integral_v<T> && !kIsCharacter<T> && sizeof(T) <= 8) {
    return integer_kind<T>();
  } else if constexpr (std::is_same_v<T, float>) {
    return Kind::float32;
  } else if constexpr (std::is_same_v<T, double>) {
    return Kind::float64;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return Kind::string;
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return Kind::string_view;
  } else if constexpr (std::is_same_v<T, std::vector<std::byte>>) {
    return Kind::bytes;
  } else if constexpr (std::is_same_v<T, std::span<const std::byte>>) {
    return Kind::bytes_view;
  } else if constexpr (std::is_enum_v<T> && !std::is_same_v<T, std::byte>) {
    return Kind::enumeration;
  } else if constexpr (kIsContainer<T>) {
    check_container<T>();
    return ContainerOf<T>::kKind;
  } else if constexpr (std::is_array_v<T>) {
    static_assert(!std::is_array_v<T>, "RustStream: a C array cannot be a member of a message type; use std::array.");
  } else if constexpr (std::is_pointer_v<T>) {
    static_assert(!std::is_pointer_v<T>,
                  "RustStream: a pointer cannot be a member of a message type, because nobody "
                  "would own what it points to; use a value, std::optional or std::string.");
  } else if constexpr (std::is_class_v<T> || std::is_union_v<T>) {
    return Kind::structure;
  } else {
    static_assert(std::is_class_v<T>,
                  "RustStream: this type cannot be a member of a message type; use bool, an integer with a width "
                  "(not char), float, double, an enum, std::string, std::string_view, std::vector<std::byte>, a "
                  "struct, or std::optional, std::vector, std::array, std::map of those.");
  }
  return Kind::structure;
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
