#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What a service is told from outside: dotted keys, each with its value and with where the value was written.
namespace ruststream::inline v0::settings {

/// Who wrote a value. A later layer wins over an earlier one; inside one layer the later value wins.
enum class Layer : std::uint8_t { code, file, environment, flags };

/// One key with its value, as text or as a list of texts: what type it must have is known only to whoever reads it
/// (the runtime, or the plugin's option table), so conversion happens there; convert.hpp has it.
struct Setting {
  std::string key;                 ///< `subscription.billing.kind`
  std::vector<std::string> items;  ///< exactly one unless is_list
  bool is_list = false;
  Layer layer = Layer::code;
  std::string source;       ///< for people: `code`, `quakes.toml:12`, `RUSTSTREAM_LOG_LEVEL`, `--set`
  std::uint64_t order = 0;  ///< given by Settings::set; of two, the larger wins
};

/// The merged settings of one process. Plain data: made at startup on one thread, then only read.
class Settings {
 public:
  /// Keeps `setting` unless a later layer has already given the same key.
  void set(Setting setting);

  /// Shorthand for one text.
  void set(Layer layer, std::string key, std::string value, std::string source);

  /// The winning value, or null when nobody gave one. Valid until the next set().
  [[nodiscard]] const Setting* find(std::string_view key) const;

  /// Every winning value, by key.
  [[nodiscard]] const std::map<std::string, Setting, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, Setting, std::less<>> values_;
  std::uint64_t count_ = 0;
};

}  // namespace ruststream::inline v0::settings
