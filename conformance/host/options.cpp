#include "host/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace conformance {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr Unit kDurations[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}};
constexpr Unit kSizes[] = {{"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824.0}};

template <std::size_t N>
std::expected<std::uint64_t, std::string> scaled(std::string_view text, const Unit (&units)[N]) {
  double amount = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (failed != std::errc() || amount < 0) return std::unexpected("`" + std::string(text) + "` is no amount");
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.empty()) return static_cast<std::uint64_t>(amount);
  for (const Unit& each : units) {
    if (each.name == unit) return static_cast<std::uint64_t>(std::llround(amount * each.factor));
  }
  return std::unexpected("`" + std::string(unit) + "` is no unit here");
}

template <class Number>
std::expected<Number, std::string> number(std::string_view text) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) {
    return std::unexpected("`" + std::string(text) + "` is no number");
  }
  return value;
}

/// Writes what `text` means for the type; false: it is text and stays text.
std::expected<bool, std::string> parse(std::uint16_t type, std::string_view text, rst_value& value) {
  const auto put = [&](auto parsed, auto member) -> std::expected<bool, std::string> {
    if (!parsed) return std::unexpected(parsed.error());
    value.as.*member = *parsed;
    return true;
  };
  using As = decltype(rst_value::as);
  switch (type) {
    case RST_TYPE_BOOL:
      if (text != "true" && text != "false") return std::unexpected("`" + std::string(text) + "` is not true or false");
      value.as.i64 = text == "true" ? 1 : 0;
      return true;
    case RST_TYPE_I64: return put(number<std::int64_t>(text), &As::i64);
    case RST_TYPE_U64: return put(number<std::uint64_t>(text), &As::u64);
    case RST_TYPE_F64: return put(number<double>(text), &As::f64);
    case RST_TYPE_DURATION: return put(scaled(text, kDurations), &As::u64);
    case RST_TYPE_SIZE: return put(scaled(text, kSizes), &As::u64);
    default: return false;
  }
}

std::uint16_t find_declaration(const Plugin& plugin, std::string_view name) {
  for (std::uint32_t i = 0; i < plugin.table().option_count; ++i) {
    const rst_option_decl& option = plugin.option(i);
    if (view(option.name) == name || (option.alias.len != 0 && view(option.alias) == name)) {
      return static_cast<std::uint16_t>(i);
    }
  }
  return RST_OPTION_PASS_THROUGH;
}

}  // namespace

OptionTexts joined(const OptionTexts& first, const OptionTexts& second) {
  OptionTexts all = first;
  for (const auto& each : second) {  // the later one wins
    std::erase_if(all, [&](const auto& earlier) { return earlier.first == each.first; });
    all.push_back(each);
  }
  return all;
}

std::expected<OptionArray, std::string> OptionArray::make(const Plugin& plugin, const OptionTexts& texts) {
  OptionArray out(texts.size());
  const auto lend = [&](std::string_view text, const char* what) {
    return out.texts_.emplace_back(lend_bytes(text, what)).get();
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& [name, text] = texts[i];
    rst_option& option = out.array_[i];
    option.name = {lend(name, "rst_option.name"), name.size()};
    option.decl = find_declaration(plugin, name);
    option.flags = RST_OPTION_VALUE_EXPLICIT;
    const rst_option_decl* declared = option.decl == RST_OPTION_PASS_THROUGH ? nullptr : &plugin.option(option.decl);
    if (declared != nullptr && (declared->flags & RST_OPTION_SECRET) != 0) option.flags |= RST_OPTION_VALUE_SECRET;
    rst_value value{};
    value.type = declared != nullptr ? declared->type : std::uint16_t{RST_TYPE_STRING};
    const auto numeric = parse(value.type, text, value);
    if (!numeric) return std::unexpected("option `" + name + "`: " + numeric.error());
    if (!*numeric) {
      value.as.ptr = lend(text, "an option's value");
      value.len = static_cast<std::uint32_t>(text.size());
    }
    if (declared != nullptr && (declared->flags & RST_OPTION_LIST) != 0) {
      Lent<rst_value>& item = out.items_.emplace_back("rst_option.items");
      *item = value;
      option.items = item.get();
      option.item_count = 1;
    } else {
      option.value = value;
    }
  }
  return out;
}

}  // namespace conformance
