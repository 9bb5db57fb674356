#pragma once
#include <cstddef>
#include <string_view>

namespace ruststream {
inline namespace v0 {
namespace detail {

// The compilers spell their template arguments in the pretty name of a function:
//   g++ 12    "… [with auto Value = (& probe<Order>.Probe<Order>::object.Order::id)]", "… [with T = shop::Order]"
//   clang 19  "… [Value = &probe.object.id]", "… [T = shop::Order]"
template <auto Value>
consteval const char* pretty_value() {
  return __PRETTY_FUNCTION__;
}
template <auto... Values>
consteval const char* pretty_values() {
  return __PRETTY_FUNCTION__;
}
template <class T>
consteval const char* pretty_type() {
  return __PRETTY_FUNCTION__;
}

/// What stands between the last "= " of the bracket and its end.
consteval std::string_view argument_of(std::string_view pretty) {
  const std::size_t start = pretty.find("= ", pretty.rfind('[') == std::string_view::npos ? 0 : pretty.find('[')) + 2;
  return pretty.substr(start, pretty.size() - start - 1);
}

/// `a::b::c` or `a.b::c` without what qualifies it; qualifiers inside template arguments stay.
consteval std::string_view unqualified(std::string_view name) {
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (depth == 0 && (c == ':' || c == '.')) start = i + 1;
  }
  return name.substr(start);
}

/// The name of the member that `Pointer` (into a Probe) points to.
template <const auto* Pointer>
consteval std::string_view member_name() {
  std::string_view name = argument_of(pretty_value<Pointer>());
  if (name.ends_with(')')) name = name.substr(1, name.size() - 2);
  return unqualified(name);
}

template <class T>
consteval std::string_view type_name() {
  return unqualified(argument_of(pretty_type<T>()));
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
