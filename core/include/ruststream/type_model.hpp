#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ruststream {
inline namespace v0 {

struct TypeTable;

/// The most fields one struct can have: codecs keep what they have seen in one 64-bit word.
inline constexpr std::size_t kMaxFields = 64;
/// How deep values may nest on the wire and in memory; also for unknown fields that are only stepped over.
inline constexpr std::size_t kMaxNesting = 64;

/// What a value is. `string_view` and `bytes_view` are borrowed from the payload or from the delivery's Arena.
enum class Kind : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  string,       ///< std::string
  string_view,  ///< std::string_view
  bytes,        ///< std::vector<std::byte>
  bytes_view,   ///< std::span<const std::byte>
  enumeration,  ///< by the name of the enumerator
  structure,
  optional,  ///< std::optional<T>
  sequence,  ///< std::vector<T>
  array,     ///< std::array<T, N>: exactly N elements
  map,       ///< std::map or std::unordered_map from std::string or std::string_view to T
};

/// One member of a struct.
struct Field {
  std::string_view name;          ///< on the wire; printable, needs no escape in JSON
  std::string_view quoted;        ///< `,"name":`, in memory that can be read in blocks of 16
  std::uint64_t first_bytes = 0;  ///< the first eight bytes of `name"`, as they lie in memory
  std::uint64_t first_mask = 0;   ///< which of those eight bytes exist
  std::uint64_t bit = 0;          ///< 1 << position, for sets of fields
  std::size_t offset = 0;         ///< of the member inside the object
  const TypeTable* type = nullptr;
  bool optional = false;  ///< may be missing on the wire; everything else must be there
};

/// One named value of an enum; `value` is the enumerator converted to std::int64_t.
struct Enumerator {
  std::string_view name;
  std::int64_t value = 0;
};

/// How to work on a std::optional without knowing its type.
struct OptionalAccess {
  void* (*engage)(void* object);                      ///< makes a value unless there is one, and gives its address
  void (*reset)(void* object) noexcept;               ///< back to nullopt
  const void* (*value)(const void* object) noexcept;  ///< null when there is none
};

/// How to work on a std::vector without knowing its type. Elements lie side by side, TypeTable::size apart.
struct SequenceAccess {
  void (*clear)(void* object) noexcept;
  void* (*append)(void* object);  ///< adds a default-constructed element; earlier addresses are void
  std::size_t (*size)(const void* object) noexcept;
  const void* (*data)(const void* object) noexcept;
};

/// How to work on a map without knowing its type.
struct MapAccess {
  using Visit = bool (*)(void* context, std::string_view key, const void* value);

  void (*clear)(void* object) noexcept;
  void* (*insert)(void* object, std::string_view key);  ///< a default-constructed value, or null: the key is there
  bool (*visit)(const void* object, void* context, Visit visit);  ///< false as soon as `visit` says false
};

/// The description of one C++ type, the same for every codec, schema and check. A constant in the user's translation
/// unit: it is compared by content, never by address. What does not belong to `kind` is empty.
struct TypeTable {
  Kind kind = Kind::structure;
  Kind underlying = Kind::int32;  ///< enumeration: how the value lies in memory
  std::uint32_t size = 0;
  std::uint32_t align = 0;
  std::string_view name;  ///< structure, enumeration: the C++ name without namespaces
  std::span<const Field> fields;
  std::uint64_t required = 0;   ///< structure: the bits of the fields that must be there
  std::uint64_t optionals = 0;  ///< structure: the bits of the others
  std::span<const Enumerator> enumerators;
  const TypeTable* element = nullptr;  ///< optional, sequence, array, map
  std::size_t count = 0;               ///< array: its length
  const OptionalAccess* optional = nullptr;
  const SequenceAccess* sequence = nullptr;
  const MapAccess* map = nullptr;
};

}  // namespace v0
}  // namespace ruststream
