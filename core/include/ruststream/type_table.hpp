#pragma once
#include <ruststream/describe.hpp>
#include <ruststream/detail/access.hpp>
#include <ruststream/detail/enums.hpp>
#include <ruststream/detail/kind_of.hpp>
#include <ruststream/detail/members.hpp>
#include <ruststream/detail/names.hpp>
#include <ruststream/type_model.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {

template <class T>
consteval TypeTable make_table();

template <class T>
inline constexpr TypeTable kTable = make_table<T>();

/// Field::quoted of a name, with the zero bytes that make it readable in blocks.
template <std::size_t Length>
consteval auto quote(std::string_view name) {
  constexpr std::size_t kBlock = 16;
  std::array<char, (Length + 4 + kBlock - 1) / kBlock * kBlock> text{};
  std::size_t at = 0;
  text[at++] = ',';
  text[at++] = '"';
  for (const char c : name) text[at++] = c;
  text[at++] = '"';
  text[at++] = ':';
  return text;
}

consteval bool needs_no_escape(std::string_view name) {
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') return false;
  }
  return true;
}

/// Where the I-th field of T comes from: its description, or the I-th member of the aggregate.
template <class T, std::size_t I>
struct FieldSource {
  static consteval std::size_t end_of_previous() {
    if constexpr (I == 0) {
      return 0;
    } else {
      return FieldSource<T, I - 1>::kOffset + sizeof(typename FieldSource<T, I - 1>::Member);
    }
  }
  using Member = std::remove_cv_t<std::remove_pointer_t<decltype(leaf<I>(members_of<T>()))>>;
  static constexpr std::string_view kName = member_name<leaf<I>(members_of<T>())>();
  static constexpr std::size_t kOffset = offset_of<T>(leaf<I>(members_of<T>()), end_of_previous());
};

template <class T>
inline constexpr auto kDescription = ruststream_describe(static_cast<const T*>(nullptr));

template <Described T, std::size_t I>
struct FieldSource<T, I> {
  static constexpr auto& kField = described<I>(kDescription<T>);
  using Member = std::remove_cvref_t<decltype(std::declval<T&>().*(kField.member))>;
  static constexpr std::string_view kName = kField.name;
  static constexpr std::size_t kOffset = offset_of<T>(kField.member);
};

template <class T, std::size_t I>
inline constexpr auto kQuoted = quote<FieldSource<T, I>::kName.size()>(FieldSource<T, I>::kName);

template <class T, std::size_t I>
consteval Field make_field() {
  using Source = FieldSource<T, I>;
  using Member = typename Source::Member;
  static_assert(needs_no_escape(Source::kName),
                "RustStream: a field's name must not contain quotes, backslashes or control characters.");
  Field field;
  field.quoted = std::string_view(kQuoted<T, I>.data(), Source::kName.size() + 4);
  field.name = field.quoted.substr(2, Source::kName.size());
  const std::size_t known = field.name.size() < 8 ? field.name.size() + 1 : 8;
  for (std::size_t i = 0; i < known; ++i) {
    const std::size_t shift = 8 * (std::endian::native == std::endian::little ? i : 7 - i);
    field.first_bytes |= std::uint64_t{static_cast<unsigned char>(field.quoted[2 + i])} << shift;
    field.first_mask |= std::uint64_t{0xff} << shift;
  }
  field.bit = std::uint64_t{1} << I;
  field.offset = Source::kOffset;
  field.type = &kTable<Member>;
  field.optional = kIsOptional<Member>;
  return field;
}

template <class T, std::size_t... I>
consteval std::array<Field, sizeof...(I)> make_fields(std::index_sequence<I...>) {
  return {make_field<T, I>()...};
}

template <class T>
consteval std::size_t field_count() {
  if constexpr (!check_structure<T>()) {
    return 0;
  } else if constexpr (Described<T>) {
    return decltype(ruststream_describe(static_cast<const T*>(nullptr)))::kCount;
  } else {
    return member_count<T>();
  }
}

template <class T>
inline constexpr auto kFields = make_fields<T>(std::make_index_sequence<field_count<T>()>{});

template <class T>
consteval void fill_container(TypeTable& table) {
  using Container = ContainerOf<T>;
  table.element = &kTable<typename Container::Element>;
  if constexpr (Container::kKind == Kind::optional) table.optional = &kOptionalAccess<T>;
  if constexpr (Container::kKind == Kind::sequence) table.sequence = &kSequenceAccess<T>;
  if constexpr (Container::kKind == Kind::map) table.map = &kMapAccess<T>;
  if constexpr (Container::kKind == Kind::array) table.count = Container::kCount;
}

template <class T>
consteval TypeTable make_table() {
  constexpr Kind kKind = kind_of<T>();
  TypeTable table;
  table.kind = kKind;
  table.size = sizeof(T);
  table.align = alignof(T);
  if constexpr (kKind == Kind::structure) {
    table.name = type_name<T>();
    table.fields = kFields<T>;
    for (const Field& field : table.fields) (field.optional ? table.optionals : table.required) |= field.bit;
  } else if constexpr (kKind == Kind::enumeration) {
    table.name = type_name<T>();
    table.underlying = integer_kind<std::underlying_type_t<T>>();
    table.enumerators = kEnumerators<T>;
  } else if constexpr (kKind >= Kind::optional) {
    fill_container<T>(table);
  }
  return table;
}

}  // namespace detail

/// The description of a message type. Plain aggregates and enums need nothing; RUSTSTREAM_DESCRIBE and
/// ruststream_describe() (describe.hpp) are for private members and other names on the wire. A type that cannot be
/// described stops the compiler with a sentence that says why.
template <class T>
constexpr const TypeTable& type_table() {
  return detail::kTable<std::remove_cv_t<T>>;
}

}  // namespace v0
}  // namespace ruststream
