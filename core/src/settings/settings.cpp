#include "settings/settings.hpp"

#include <utility>

namespace ruststream::inline v0::settings {

void Settings::set(Setting setting) {
  // The layer in the high bits, the sequence below: one comparison settles precedence, also between two spellings of
  // one key (sections.cpp).
  setting.order = (static_cast<std::uint64_t>(setting.layer) << 56U) | ++count_;
  const auto [at, is_new] = values_.try_emplace(setting.key);
  if (is_new || at->second.order < setting.order) at->second = std::move(setting);
}

void Settings::set(Layer layer, std::string key, std::string value, std::string source) {
  Setting setting;
  setting.key = std::move(key);
  setting.items.push_back(std::move(value));
  setting.layer = layer;
  setting.source = std::move(source);
  set(std::move(setting));
}

const Setting* Settings::find(std::string_view key) const {
  const auto at = values_.find(key);
  return at == values_.end() ? nullptr : &at->second;
}

}  // namespace ruststream::inline v0::settings
