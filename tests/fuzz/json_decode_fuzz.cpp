// What decodes into a rich type encodes and decodes to an equal object; what is only stepped over is accepted exactly
// when simdjson's own parser accepts it.
#include <ruststream/codec.hpp>
#include <ruststream/type_table.hpp>

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rs = ruststream;

namespace {

enum class Side : std::int8_t { buy, sell };

struct Point {
  double x;
  std::optional<float> y;
  bool operator==(const Point&) const = default;
};

struct Rich {
  std::optional<bool> flag;
  std::optional<std::int8_t> tiny;
  std::optional<std::int64_t> number;
  std::optional<std::uint64_t> natural;
  std::optional<std::string> text;
  std::optional<std::string_view> view;
  std::optional<Point> point;
  std::vector<std::optional<Point>> points;
  std::optional<std::array<std::uint16_t, 2>> pair;
  std::map<std::string, std::vector<int>> lists;
  std::unordered_map<std::string, Side> sides;
  std::optional<std::vector<std::byte>> blob;
  std::vector<Rich> children;
  bool operator==(const Rich&) const = default;
};

struct Nothing {};

void check(bool holds) {
  if (!holds) std::abort();
}

/// Views are into the document, which does not live on.
void forget_views(Rich& object) {
  if (object.view.has_value()) object.view = "a view";
  for (Rich& child : object.children) forget_views(child);
}

template <class T>
bool decode(std::string_view document, T& object, rs::Arena& arena, rs::Error& error) {
  // On the heap and without a byte to spare, so that the address sanitizer sees each read beyond the document.
  const std::unique_ptr<char[]> exact(new char[document.size()]);
  document.copy(exact.get(), document.size());
  const bool decoded = rs::json().decode(rs::type_table<T>(), {exact.get(), document.size(), &arena}, &object, error);
  if constexpr (std::is_same_v<T, Rich>) {
    if (decoded) forget_views(object);
  }
  return decoded;
}

void check_round_trip(std::string_view document) {
  rs::Arena arena;
  rs::Error error;
  Rich object{};
  if (!decode(document, object, arena, error)) return check(!error.text.empty() && error.code == rs::Code::corrupt);
  rs::Buffer buffer;
  check(rs::json().encode(rs::type_table<Rich>(), &object, buffer, error));
  Rich again{};
  check(decode(buffer.text(), again, arena, error));
  check(object == again);
}

void check_stepping_over(std::string_view document) {
  static simdjson::dom::parser parser;
  const std::string whole = "{\"x\":" + std::string(document) + "}";
  rs::Arena arena;
  rs::Error error;
  Nothing nothing;
  const bool accepted = decode(whole, nothing, arena, error);
  const simdjson::error_code code = parser.parse(whole).error();
  const bool deep = error.text.find("nest deeper") != std::string::npos;
  // Numbers that fit nowhere are numbers all the same.
  if (accepted != (code == simdjson::SUCCESS)) check(deep || (accepted && code == simdjson::NUMBER_ERROR));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view document(reinterpret_cast<const char*>(data), size);
  check_round_trip(document);
  check_stepping_over(document);
  return 0;
}
