#pragma once
#include <ruststream/type_model.hpp>

#include <cstddef>
#include <string_view>

namespace ruststream {
inline namespace v0 {
namespace detail {

template <class Optional>
inline constexpr OptionalAccess kOptionalAccess{
    .engage = [](void* object) -> void* {
      auto& optional = *static_cast<Optional*>(object);
      if (!optional.has_value()) optional.emplace();
      return &*optional;
    },
    .reset = [](void* object) noexcept { static_cast<Optional*>(object)->reset(); },
    .value = [](const void* object) noexcept -> const void* {
      const auto& optional = *static_cast<const Optional*>(object);
      return optional.has_value() ? &*optional : nullptr;
    },
};

template <class Vector>
inline constexpr SequenceAccess kSequenceAccess{
    .clear = [](void* object) noexcept { static_cast<Vector*>(object)->clear(); },
    .append = [](void* object) -> void* { return &static_cast<Vector*>(object)->emplace_back(); },
    .size = [](const void* object) noexcept -> std::size_t { return static_cast<const Vector*>(object)->size(); },
    .data = [](const void* object) noexcept -> const void* { return static_cast<const Vector*>(object)->data(); },
};

template <class Map>
inline constexpr MapAccess kMapAccess{
    .clear = [](void* object) noexcept { static_cast<Map*>(object)->clear(); },
    .insert = [](void* object, std::string_view key) -> void* {
      const auto [at, inserted] = static_cast<Map*>(object)->try_emplace(typename Map::key_type(key));
      return inserted ? &at->second : nullptr;
    },
    .visit =
        [](const void* object, void* context, MapAccess::Visit visit) {
          for (const auto& [key, value] : *static_cast<const Map*>(object)) {
            if (!visit(context, key, &value)) return false;
          }
          return true;
        },
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
