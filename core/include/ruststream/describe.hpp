#pragma once
#include <ruststream/type_model.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace ruststream {
inline namespace v0 {

/// A member and its name on the wire.
template <class Member, class Class>
struct DescribedField {
  std::string_view name;
  Member Class::* member;
};

/// `name` is a literal that JSON needs no escape for.
template <class Member, class Class>
consteval DescribedField<Member, Class> field(std::string_view name, Member Class::* member) {
  return {name, member};
}

namespace detail {
template <std::size_t I, class FieldType>
struct FieldLeaf {
  FieldType field;
};
template <class Indexes, class... FieldTypes>
struct FieldLeaves;
template <std::size_t... I, class... FieldTypes>
struct FieldLeaves<std::index_sequence<I...>, FieldTypes...> : FieldLeaf<I, FieldTypes>... {
  static constexpr std::size_t kCount = sizeof...(I);
};
template <std::size_t I, class FieldType>
consteval const FieldType& described(const FieldLeaf<I, FieldType>& leaf) {
  return leaf.field;
}

/// House style writes private members `name_`; the underscore is not part of the name on the wire.
consteval std::string_view without_underscore(std::string_view name) {
  if (name.ends_with('_')) name.remove_suffix(1);
  return name;
}
}  // namespace detail

/// What `ruststream_describe(const T*)` of a struct returns. Found by argument-dependent lookup, so it stands beside
/// the type, or inside it as a friend when members are private:
///
///   consteval auto ruststream_describe(const Order*) {
///     return ruststream::fields(ruststream::field("order_id", &Order::id), ruststream::field("qty",
///     &Order::quantity));
///   }
///
/// Members that are not listed are left alone by codecs. Inherited members may be listed.
template <class... Member, class... Class>
consteval auto fields(DescribedField<Member, Class>... field) {
  static_assert(sizeof...(field) <= kMaxFields, "RustStream: a described struct has more than 64 fields.");
  return detail::FieldLeaves<std::index_sequence_for<Member...>, DescribedField<Member, Class>...>{{field}...};
}

/// A value of an enum and its name on the wire.
template <class Enum>
consteval Enumerator enumerator(std::string_view name, Enum value) {
  return {name, static_cast<std::int64_t>(value)};
}

/// What `ruststream_describe(const Side*)` of an enum returns, where the names on the wire are not those of the
/// enumerators, or where values lie outside 0 to 127:
///
///   consteval auto ruststream_describe(const Side*) {
///     return ruststream::enumerators(ruststream::enumerator("BUY", Side::buy), …);
///   }
template <class... E>
consteval std::array<Enumerator, sizeof...(E)> enumerators(E... value) {
  return {value...};
}

}  // namespace v0
}  // namespace ruststream

// RUSTSTREAM_DESCRIBE(Order, id_, quantity_) inside the class lists its members, also private ones, under their own
// names without a trailing underscore. For other names write ruststream_describe() as above.
#define RUSTSTREAM_DESCRIBE(Type, ...)                                                                              \
  friend consteval auto ruststream_describe(const Type*) {                                                          \
    return ::ruststream::fields(__VA_OPT__(RUSTSTREAM_DETAIL_EXPAND(RUSTSTREAM_DETAIL_FIELDS(Type, __VA_ARGS__)))); \
  }                                                                                                                 \
  static_assert(true)

#define RUSTSTREAM_DETAIL_FIELD(Type, name) \
  ::ruststream::field(::ruststream::detail::without_underscore(#name), &Type::name)
#define RUSTSTREAM_DETAIL_FIELDS(Type, name, ...) \
  RUSTSTREAM_DETAIL_FIELD(Type, name) __VA_OPT__(, RUSTSTREAM_DETAIL_AGAIN RUSTSTREAM_DETAIL_PARENS(Type, __VA_ARGS__))
#define RUSTSTREAM_DETAIL_PARENS ()
#define RUSTSTREAM_DETAIL_AGAIN() RUSTSTREAM_DETAIL_FIELDS
#define RUSTSTREAM_DETAIL_EXPAND(...) \
  RUSTSTREAM_DETAIL_EXPAND3(RUSTSTREAM_DETAIL_EXPAND3(RUSTSTREAM_DETAIL_EXPAND3(__VA_ARGS__)))
#define RUSTSTREAM_DETAIL_EXPAND3(...) \
  RUSTSTREAM_DETAIL_EXPAND2(RUSTSTREAM_DETAIL_EXPAND2(RUSTSTREAM_DETAIL_EXPAND2(__VA_ARGS__)))
#define RUSTSTREAM_DETAIL_EXPAND2(...) \
  RUSTSTREAM_DETAIL_EXPAND1(RUSTSTREAM_DETAIL_EXPAND1(RUSTSTREAM_DETAIL_EXPAND1(__VA_ARGS__)))
#define RUSTSTREAM_DETAIL_EXPAND1(...) \
  RUSTSTREAM_DETAIL_EXPAND0(RUSTSTREAM_DETAIL_EXPAND0(RUSTSTREAM_DETAIL_EXPAND0(__VA_ARGS__)))
#define RUSTSTREAM_DETAIL_EXPAND0(...) __VA_ARGS__
