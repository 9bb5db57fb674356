#include "settings/sections.hpp"

#include "options/nearest.hpp"
#include "settings/convert.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace ruststream::inline v0::settings {
namespace {

constexpr std::size_t kMaxNamesListed = 8;

/// What follows `prefix` and a dot; nothing when `key` is not below it, empty when it is `prefix` itself.
std::optional<std::string_view> below(std::string_view key, std::string_view prefix) {
  if (prefix.empty()) return key;
  if (!key.starts_with(prefix)) return std::nullopt;
  key.remove_prefix(prefix.size());
  if (key.empty()) return key;
  if (key.front() != '.') return std::nullopt;
  return key.substr(1);
}

struct Match {
  const std::string* name = nullptr;
  const std::string* rival = nullptr;  ///< another name that an environment variable cannot tell from `name`
  std::string_view option;
};

Match match(std::string_view rest, bool from_environment, std::span<const std::string> names) {
  Match best;
  std::size_t best_length = 0;
  for (const std::string& name : names) {
    const std::string spelled = from_environment ? environment_name(name) : name;
    const auto option = below(rest, spelled);
    if (!option || (best.name != nullptr && spelled.size() < best_length)) continue;
    const bool equal = best.name != nullptr && spelled.size() == best_length;
    best = Match{.name = &name, .rival = equal ? best.name : nullptr, .option = *option};
    best_length = spelled.size();
  }
  return best;
}

std::string known_names(std::string_view section, std::span<const std::string> names) {
  std::string out;
  std::size_t listed = 0;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    if (++listed > kMaxNamesListed) return out + " and others";
    out += (out.empty() ? "" : ", ") + ("`" + name + "`");
  }
  const std::string noun(section);
  if (!out.empty()) return "the names are " + out;
  return "this service names no " + noun + (names.empty() ? "" : ": leave the name away");
}

/// `--broker NAME=URL`: the flag of a section gives a name, and no option of what is named.
bool is_name(const Setting& setting, std::string_view section) {
  return setting.layer == Layer::flags && setting.source == "--" + std::string(section);
}

/// Where the name ends and the option begins is unknown, so both ends are tried.
std::string unknown(const Setting& setting, std::string_view section, std::string_view rest,
                    std::span<const std::string> names) {
  if (rest.empty())
    return where(setting) + ": expected " + std::string(section) + ".NAME; " + known_names(section, names);
  const std::string_view head = rest.substr(0, rest.find('.'));
  const std::string_view all_but_last = is_name(setting, section) ? rest : rest.substr(0, rest.rfind('.'));
  std::string_view meant = options::nearest(all_but_last, names);
  const std::string_view written = meant.empty() && !is_name(setting, section) ? head : all_but_last;
  if (meant.empty()) meant = options::nearest(written, names);
  return where(setting) + ": no " + std::string(section) + " is named `" + options::printable(written) + "`; " +
         (meant.empty() ? known_names(section, names) : "did you mean `" + std::string(meant) + "`?");
}

}  // namespace

std::string environment_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      out += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  if (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

Result<Sections> assign(const Settings& settings, std::string_view section, std::span<const std::string> names,
                        std::string_view value_option) {
  Sections out;
  std::map<std::string, std::map<std::string, const Setting*>> winners;
  for (const std::string& name : names) out.try_emplace(name);
  std::set<std::string> problems;
  for (const auto& [key, setting] : settings.all()) {
    const auto rest = below(key, section);
    if (!rest) continue;
    Match found = match(*rest, setting.layer == Layer::environment, names);
    if (rest->empty() && names.size() == 1) found.name = names.data();
    if (!rest->empty() && !found.option.empty() && is_name(setting, section)) found.name = nullptr;
    if (found.name == nullptr) {
      problems.insert(unknown(setting, section, *rest, names));
    } else if (found.rival != nullptr) {
      problems.insert(where(setting) + ": fits both `" + *found.rival + "` and `" + *found.name +
                      "`; a file or --set can tell them apart");
    } else if (found.option.empty() && value_option.empty()) {
      problems.insert(where(setting) + ": expected " + std::string(section) + ".NAME.OPTION, got no option");
    } else {
      const Setting*& winner = winners[*found.name][std::string(found.option.empty() ? value_option : found.option)];
      if (winner == nullptr || winner->order < setting.order) winner = &setting;
    }
  }
  if (!problems.empty()) {
    std::string text;
    for (const std::string& problem : problems) text += (text.empty() ? "" : "\n") + problem;
    return fail(Code::option, std::move(text));
  }
  for (const auto& [name, chosen] : winners)
    for (const auto& [option, setting] : chosen) out[name].push_back(Option{option, setting});
  return out;
}

}  // namespace ruststream::inline v0::settings
