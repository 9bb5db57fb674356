// Lines of name=value, resolved in every scope and kind against a table with an option of each type: never a crash,
// every value of the declared type, and no secret in an error.
#include "options/option_set.hpp"
#include "options/table.hpp"
#include "options/test_table.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using ruststream::options::OptionSet;
using ruststream::options::Setting;

std::vector<Setting> settings_of(std::string_view text) {
  std::vector<Setting> settings;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t equals = line.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
    settings.push_back({.name = std::string(line.substr(0, equals)),
                        .values = {std::string(value)},
                        .is_list = equals == std::string_view::npos,
                        .source = "fuzz"});
    text.remove_prefix(line.size() + (line.size() < text.size() ? 1 : 0));
  }
  return settings;
}

void check(const OptionSet& set, const rst_plugin& table) {
  std::size_t bytes = 0;
  for (const rst_option& option : set.options()) {
    if (option.name.len == 0) std::abort();
    if (option.decl == RST_OPTION_PASS_THROUGH) continue;
    const auto& decl = ruststream::options::option_at(table, option.decl);
    if (option.value.type != decl.type) std::abort();
    for (std::uint32_t i = 0; i < option.item_count; ++i) {
      if (option.items[i].type != decl.type) std::abort();
      if (decl.type == RST_TYPE_STRING && option.items[i].len != 0) {
        bytes += *static_cast<const unsigned char*>(option.items[i].as.ptr);
      }
    }
  }
  if (bytes == SIZE_MAX) std::abort();  // so that the reads above are made
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ruststream::options::test::TestTable plugin;
  constexpr std::string_view kSecret = "s3cret-s3cret";
  std::vector<Setting> settings = settings_of({reinterpret_cast<const char*>(data), size});
  for (const std::uint32_t scope : {RST_SCOPE_CONNECTION, RST_SCOPE_SUBSCRIPTION, RST_SCOPE_PUBLISHER}) {
    for (const std::uint32_t kind : {0U, 1U}) {
      if (const auto set = ruststream::options::resolve(plugin.table, scope, kind, settings)) check(*set, plugin.table);
    }
  }
  settings.push_back({.name = "pin", .values = {std::string(kSecret)}, .is_list = false, .source = "fuzz"});
  const auto set = ruststream::options::resolve(plugin.table, RST_SCOPE_CONNECTION, 0, settings);
  if (set || set.error().text.empty()) std::abort();
  const bool given =
      std::string_view(reinterpret_cast<const char*>(data), size).find(kSecret) != std::string_view::npos;
  if (!given && set.error().text.find(kSecret) != std::string::npos) std::abort();
  return 0;
}
