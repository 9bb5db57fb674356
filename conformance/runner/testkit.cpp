#include "runner/testkit.hpp"

#include "runner/duration.hpp"
#include "runner/nearest.hpp"
#include "runner/testkit_file.hpp"

// toml++ 3.3 asserts on malformed input that the lines after the assertion report properly.
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

namespace conformance {
namespace {

constexpr std::size_t kMostBytes = 1 << 20U;

/// Reads tables whose keys are known, and keeps every problem.
class Reader {
 public:
  using Fields = std::map<std::string, std::function<void(const toml::node&, const std::string& key)>, std::less<>>;

  explicit Reader(const std::string& path) : path_(path) {}

  void table(const toml::node& node, const std::string& name, const Fields& fields) {
    const auto* const table = node.as_table();
    if (table == nullptr) return problem(node, "`" + name + "` is a table");
    for (const auto& [key, value] : *table) {
      const std::string text(key.str());
      if (const auto known = fields.find(text); known != fields.end()) {
        known->second(value, text);
      } else {
        std::vector<std::string> names;
        for (const auto& each : fields) names.push_back(each.first);
        problem(value, "there is no key `" + text + "`" + (name.empty() ? "" : " in `" + name + "`") +
                           did_you_mean(text, names));
      }
    }
  }

  auto text(std::string& into) {
    return [this, &into](const toml::node& node, const std::string& key) {
      const auto* const value = node.as_string();
      if (value == nullptr || value->get().empty()) return problem(node, "`" + key + "` is a text, not empty");
      into = value->get();
    };
  }

  auto texts(std::vector<std::string>& into) {
    return [this, &into](const toml::node& node, const std::string& key) {
      const auto* const array = node.as_array();
      const auto is_text = [](const toml::node& each) { return each.is_string(); };
      if (array == nullptr || !std::ranges::all_of(*array, is_text)) {
        return problem(node, "`" + key + "` is a list of texts");
      }
      for (const toml::node& each : *array) into.push_back(each.as_string()->get());
    };
  }

  auto flag(bool& into) {
    return [this, &into](const toml::node& node, const std::string& key) {
      const auto* const value = node.as_boolean();
      if (value == nullptr) return problem(node, "`" + key + "` is true or false");
      into = value->get();
    };
  }

  auto number(double& into) {
    return [this, &into](const toml::node& node, const std::string& key) {
      const auto value = node.value<double>();
      if (!value || !(*value >= 0)) return problem(node, "`" + key + "` is a number of 0 or more");
      into = *value;
    };
  }

  auto duration(std::chrono::milliseconds& into) {
    return [this, &into](const toml::node& node, const std::string& key) {
      const auto* const value = node.as_string();
      const auto parsed = value != nullptr ? parse_duration(value->get()) : std::nullopt;
      if (!parsed) return problem(node, "`" + key + "` is a time such as \"250ms\", \"5s\" or \"2min\"");
      into = *parsed;
    };
  }

  auto options(OptionTexts& into) {
    return [this, &into](const toml::node& node, const std::string& key) {
      const auto* const table = node.as_table();
      if (table == nullptr) return problem(node, "`" + key + "` is a table of options");
      for (const auto& [name, value] : *table) {
        const auto as_text = scalar(value);
        if (!as_text) {
          problem(value,
                  "option `" + std::string(name.str()) + "` in `" + key + "` is a text, a number or true or false");
        } else {
          into.emplace_back(name.str(), *as_text);
        }
      }
    };
  }

  void problem(const toml::node& node, const std::string& text) {
    problems_ += (problems_.empty() ? "" : "\n") + path_ + ":" + std::to_string(node.source().begin.line) + ": " + text;
  }
  [[nodiscard]] const std::string& problems() const noexcept { return problems_; }

 private:
  static std::optional<std::string> scalar(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    if (const auto* number = node.as_floating_point()) {
      std::array<char, 32> buffer{};
      return std::string(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), number->get()).ptr);
    }
    return std::nullopt;
  }

  const std::string& path_;
  std::string problems_;
};

void check_place(Reader& reader, const toml::table& table, const char* key, const std::string& value,
                 const char* place) {
  if (table.contains(key) && !value.empty() && value.find(place) == std::string::npos) {
    reader.problem(*table.get(key), "`" + std::string(key) + "` does not contain " + place +
                                        ", so cases would get into each other's way");
  }
}

}  // namespace

const Testkit::KindKit& Testkit::kind(std::string_view name) const {
  static const KindKit none;
  const auto found = kinds.find(name);
  return found != kinds.end() ? found->second : none;
}

std::optional<Testkit::Place> Testkit::server_place() const {
  std::string_view at = server;
  if (at.empty()) {  // scheme://user:password@host:port/…
    const std::size_t authority = url.find("//");
    if (authority == std::string::npos) return std::nullopt;
    at = std::string_view(url).substr(authority + 2);
    at = at.substr(0, at.find_first_of("/?#"));
    if (const std::size_t user = at.rfind('@'); user != std::string_view::npos) at.remove_prefix(user + 1);
  }
  const std::size_t colon = at.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Place place{std::string(at), std::string(at.substr(0, colon)), 0};
  const char* const end = at.data() + at.size();
  const auto [rest, failed] = std::from_chars(at.data() + colon + 1, end, place.port);
  if (failed != std::errc() || rest != end || place.port == 0 || place.host.contains(',')) return std::nullopt;
  if (place.host.starts_with('[') && place.host.ends_with(']'))
    place.host = place.host.substr(1, place.host.size() - 2);
  return place;
}

std::expected<Testkit, std::string> parse_testkit(std::string_view text, const std::string& path) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    const auto line = std::to_string(parsed.error().source().begin.line);
    return std::unexpected(path + ":" + line + ": " + std::string(parsed.error().description()));
  }
  Testkit kit;
  Reader reader(path);
  const auto kinds = [&](const toml::node& node, const std::string& key) {
    const auto* const table = node.as_table();
    if (table == nullptr) return reader.problem(node, "`" + key + "` is a table of the plugin's kinds");
    for (const auto& [name, value] : *table) {
      Testkit::KindKit& of = kit.kinds[std::string(name.str())];
      reader.table(value, "kinds." + std::string(name.str()),
                   {{"object", reader.text(of.object)},
                    {"publish_kind", reader.text(of.publish_kind)},
                    {"subscription_options", reader.options(of.subscription_options)},
                    {"publisher_options", reader.options(of.publisher_options)},
                    {"admin_options", reader.options(of.admin_options)},
                    {"rebalance_options", reader.options(of.rebalance_options)},
                    {"messages_per_second", reader.number(of.messages_per_second)},
                    {"ack_deadline_options", reader.options(of.ack_deadline_options)}});
      if (value.is_table()) check_place(reader, *value.as_table(), "object", of.object, "{case}");
    }
  };
  reader.table(parsed.table(), "",
               {{"url", reader.text(kit.url)},
                {"options", reader.options(kit.options)},
                {"server", reader.text(kit.server)},
                {"refused_options", reader.options(kit.refused_options)},
                {"disconnect_options", reader.options(kit.disconnect_options)},
                {"address", reader.text(kit.address)},
                {"pattern", reader.text(kit.pattern)},
                {"create", reader.flag(kit.create)},
                {"backpressure_options", reader.options(kit.backpressure_options)},
                {"real_time", reader.flag(kit.real_time)},
                {"client_threads", reader.texts(kit.client_threads)},
                {"kinds", kinds},
                {"arrival", reader.duration(kit.arrival)},
                {"quiet", reader.duration(kit.quiet)}});
  check_place(reader, parsed.table(), "address", kit.address, "{case}");
  check_place(reader, parsed.table(), "address", kit.address, "{name}");
  check_place(reader, parsed.table(), "pattern", kit.pattern, "{case}");
  if (!reader.problems().empty()) return std::unexpected(reader.problems());
  return kit;
}

std::expected<Testkit, std::string> Testkit::read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.fail() && file.gcount() == 0 && !file.eof())) {
    return std::unexpected(path + ": the testkit cannot be read; --testkit takes the path of a TOML file");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMostBytes) return std::unexpected(path + ": too large for a testkit");
  return parse_testkit(text, path);
}

}  // namespace conformance
