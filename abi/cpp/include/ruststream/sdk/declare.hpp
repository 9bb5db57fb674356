#pragma once
// What a plugin declares, as constexpr data: options, kinds with their capabilities, broker fields.

#include <ruststream/abi/kind.h>
#include <ruststream/abi/option.h>
#include <ruststream/sdk/text.hpp>

#include <span>
#include <type_traits>

namespace ruststream::sdk {

/// One option, said in a sentence:
///   option("capacity", RST_TYPE_U64, RST_SCOPE_ADMIN, "most messages that wait").defaults("1000").range(1, 1'000'000)
struct Option {
  rst_option_decl decl;

  constexpr Option defaults(std::string_view text) const {
    Option next = *this;
    next.decl.default_text = rst(text);
    return next;
  }
  constexpr Option range(std::int64_t min, std::int64_t max) const {
    Option next = *this;
    next.decl.min = min;
    next.decl.max = max;
    return next;
  }
  /// `choices` is a static array.
  constexpr Option one_of(std::span<const rst_str> choices) const {
    Option next = *this;
    next.decl.choices = choices.data();
    next.decl.choice_count = static_cast<std::uint32_t>(choices.size());
    return next;
  }
  constexpr Option alias(std::string_view old_name) const {
    Option next = *this;
    next.decl.alias = rst(old_name);
    return next;
  }
  constexpr Option unit(std::uint16_t unit) const {
    Option next = *this;
    next.decl.unit = unit;
    return next;
  }
  /// Only for these kinds: a bit per index.
  constexpr Option kinds(std::uint64_t mask) const {
    Option next = *this;
    next.decl.kinds = mask;
    return next;
  }
  constexpr Option with(std::uint32_t flags) const {
    Option next = *this;
    next.decl.flags |= flags;
    return next;
  }
  constexpr Option required() const { return with(RST_OPTION_REQUIRED); }
  constexpr Option secret() const { return with(RST_OPTION_SECRET); }
};

constexpr Option option(std::string_view name, std::uint16_t type, std::uint32_t scopes, std::string_view doc) {
  Option made{};
  made.decl.name = rst(name);
  made.decl.doc = rst(doc);
  made.decl.type = type;
  made.decl.scopes = scopes;
  return made;
}

constexpr rst_capability cap(std::uint32_t id, std::uint16_t level = RST_LEVEL_NATIVE, std::uint64_t limit = 0,
                             std::uint16_t flags = 0) {
  return {id, level, flags, limit};
}

/// A kind's capabilities: ids alone are native and unlimited, cap() says more.
template <typename... Caps>
consteval std::array<rst_capability, sizeof...(Caps)> caps(Caps... each) {
  constexpr auto kMake = [](auto one) {
    if constexpr (std::is_same_v<decltype(one), rst_capability>) {
      return one;
    } else {
      return cap(static_cast<std::uint32_t>(one));
    }
  };
  return {kMake(each)...};
}

/// `caps` is a static array.
constexpr rst_kind kind(std::string_view name, std::uint32_t roles, std::span<const rst_capability> caps,
                        std::string_view doc) {
  return {rst(name), rst(doc), caps.data(), static_cast<std::uint32_t>(caps.size()), roles};
}

constexpr rst_field_decl field(std::uint32_t id, std::string_view name, std::uint16_t type, std::string_view doc,
                               std::uint64_t kinds = 0) {
  return {rst(name), rst(doc), kinds, id, type, 0};
}

/// The index of a declared option, for Options::operator[]; a name that is not declared does not compile.
consteval std::size_t index_of(std::span<const Option> options, std::string_view name) {
  for (std::size_t index = 0; index < options.size(); ++index) {
    if (view(options[index].decl.name) == name) return index;
  }
  throw "no option of that name is declared";
}

[[nodiscard]] constexpr const rst_capability* find_cap(const rst_kind& kind, std::uint32_t id) noexcept {
  for (std::uint32_t index = 0; index < kind.cap_count; ++index) {
    if (kind.caps[index].id == id && kind.caps[index].level != RST_LEVEL_NONE) return &kind.caps[index];
  }
  return nullptr;
}

}  // namespace ruststream::sdk
