#include "host/capability_text.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace conformance {
namespace {

std::string duration(std::uint64_t ns) {
  constexpr std::array<std::pair<std::uint64_t, const char*>, 5> kUnits{
      {{3'600'000'000'000, "h"}, {60'000'000'000, "min"}, {1'000'000'000, "s"}, {1'000'000, "ms"}, {1, "ns"}}};
  for (const auto& [size, name] : kUnits) {
    if (ns >= size && (ns % size == 0 || ns / size >= 10)) return std::to_string(ns / size) + " " + name;
  }
  return std::to_string(ns) + " ns";
}

std::string bytes(std::uint64_t count) {
  constexpr std::array<const char*, 4> kUnits{" B", " KiB", " MiB", " GiB"};
  std::size_t unit = 0;
  for (; unit + 1 < kUnits.size() && count >= 1024 && count % 1024 == 0; ++unit) count /= 1024;
  return std::to_string(count) + kUnits.at(unit);
}

std::string bits(std::uint64_t set, std::initializer_list<const char*> names) {
  std::string all;
  for (const char* const name : names) {
    if ((set & 1U) != 0) all += (all.empty() ? "" : " ") + std::string(name);
    set >>= 1U;
  }
  return all;
}

std::string limit_of(const rst_capability& of) {
  if (of.limit == 0) return {};
  switch (of.id) {
    case RST_CAP_RETRY_AFTER:
    case RST_CAP_TTL:
    case RST_CAP_DELAY:
    case RST_CAP_DEDUPLICATE: return "up to " + duration(of.limit);
    case RST_CAP_RETRY_POSITION: return of.limit == RST_RETRY_FRONT ? "front" : "back";
    case RST_CAP_OVERFLOW: return of.limit == RST_OVERFLOW_BLOCK ? "block" : "drop";
    case RST_CAP_KEY:
    case RST_CAP_MAX_PAYLOAD: return "up to " + bytes(of.limit);
    case RST_CAP_HEADERS:
      return bits(of.limit, {"any-value", "any-name", "order", "duplicates", "empty", "null", "typed", "case"});
    case RST_CAP_PAYLOAD: return bits(of.limit, {"empty", "null", "bytes", "text-only"});
    default: return "up to " + std::to_string(of.limit);
  }
}

}  // namespace

std::string capability_text(const rst_capability& of) {
  constexpr std::array<const char*, 5> kLevels{"", "copy", "held", "fixed", "native"};
  if (of.level == RST_LEVEL_NONE) return {};
  std::string text = of.level < kLevels.size() ? kLevels.at(of.level) : "level " + std::to_string(of.level);
  if (const std::string limit = limit_of(of); !limit.empty()) text += ", " + limit;
  for (const auto& [flag, name] :
       {std::pair{RST_CAP_CONDITIONAL, "conditional"}, std::pair{RST_CAP_COUNTED, "counted"},
        std::pair{RST_CAP_SHARED, "shared"}, std::pair{RST_CAP_LOSES_ORDER, "loses order"}}) {
    if ((of.flags & flag) != 0) text += std::string(", ") + name;
  }
  return text;
}

}  // namespace conformance
