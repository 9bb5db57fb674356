#pragma once
// From an author's class to the table: which verbs it has is seen from its functions.

#include <ruststream/abi/note.h>
#include <ruststream/sdk/detail/extensions.hpp>
#include <ruststream/sdk/detail/verbs.hpp>

namespace ruststream::sdk {

/// The static table of a broker class. See abi/cpp/README.md for what the class looks like.
template <typename B>
constexpr rst_plugin table(std::string_view name, std::string_view version, std::span<const rst_str> schemes) {
  static_assert(
      detail::declarations_are_sound<B>(),
      "an option without name, doc, scope or type, with choices that do not fit its type, with a default that does "
      "not parse, or declared twice; or no kind, or more than 64");
  using Verbs = detail::Verbs<B>;
  rst_plugin made{};
  made.struct_size = sizeof made;
  made.abi_major = RST_ABI_MAJOR;
  made.abi_minor = RST_ABI_MINOR;
  made.name = rst(name);
  made.version = rst(version);
  if constexpr (requires { std::string_view{B::kVendor}; }) made.vendor = rst(B::kVendor);
  made.schemes = schemes.data();
  made.scheme_count = static_cast<std::uint32_t>(schemes.size());
  made.kinds = std::data(B::kKinds);
  made.kind_count = static_cast<std::uint32_t>(std::size(B::kKinds));
  made.kind_stride = sizeof(rst_kind);
  const auto options = detail::options_of<B>();
  made.options = options.empty() ? nullptr : &options.data()->decl;
  made.option_count = static_cast<std::uint32_t>(options.size());
  made.option_stride = sizeof(Option);
  const auto fields = detail::fields_of<B>();
  made.fields = fields.data();
  made.field_count = static_cast<std::uint32_t>(fields.size());
  made.field_stride = sizeof(rst_field_decl);
  made.min_host_minor = RST_ABI_MINOR;
  made.validate = &Verbs::validate;
  made.get_extension = detail::Extensions<B>::kAny ? &detail::Extensions<B>::get : nullptr;
  made.init = &Verbs::init;
  made.deinit = &Verbs::deinit;
  made.connect = &Verbs::connect;
  made.close = &Verbs::close;
  if constexpr (detail::HasSubscription<B>) {
    made.subscribe = &Verbs::subscribe;
    made.credit = &Verbs::credit;
    made.settle = Verbs::kSettles ? &Verbs::settle : nullptr;
  }
  if constexpr (detail::HasPublisher<B>) {
    made.open_publisher = &Verbs::open_publisher;
    made.publish = &Verbs::publish;
  }
  made.flush = Verbs::kFlushes ? &Verbs::flush : nullptr;
  made.answer = Verbs::kAnswers ? &Verbs::answer : nullptr;
  return made;
}

namespace detail {

/// The schemes of a comma-separated list.
consteval std::size_t count_schemes(std::string_view list) {
  std::size_t count = 1;
  for (const char each : list) count += each == ',' ? 1U : 0U;
  return count;
}
template <std::size_t N>
consteval std::array<rst_str, N> split_schemes(std::string_view list) {
  std::array<rst_str, N> schemes{};
  for (auto& scheme : schemes) {
    const auto comma = list.find(',');
    scheme = rst(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return schemes;
}

}  // namespace detail
}  // namespace ruststream::sdk

/// Makes a library of a broker class: the entry, the table and the note, from string literals, once, at file scope.
/// Built into an application with RUSTSTREAM_PLUGIN_ENTRY defined as a name, that function is the entry, and there is
/// no note.
#define RUSTSTREAM_PLUGIN(broker, name, version, schemes)                                                   \
  namespace {                                                                                               \
  constexpr auto rst_scheme_list =                                                                          \
      ::ruststream::sdk::detail::split_schemes<::ruststream::sdk::detail::count_schemes(schemes)>(schemes); \
  constexpr rst_plugin rst_plugin_table = ::ruststream::sdk::table<broker>(name, version, rst_scheme_list); \
  }                                                                                                         \
  RUSTSTREAM_PLUGIN_SYMBOL(name, version, schemes)
#ifdef RUSTSTREAM_PLUGIN_ENTRY
#define RUSTSTREAM_PLUGIN_SYMBOL(name, version, schemes)                               \
  extern "C" const rst_plugin* RUSTSTREAM_PLUGIN_ENTRY() { return &rst_plugin_table; } \
  static_assert(true)
#else
#define RUSTSTREAM_PLUGIN_SYMBOL(name, version, schemes)                                \
  extern "C" RST_EXPORT const rst_plugin* rst_plugin_v0() { return &rst_plugin_table; } \
  RST_PLUGIN_NOTE(RST_RUNTIME_NONE, name, version, schemes)
#endif
