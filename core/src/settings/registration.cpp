#include "settings/registration.hpp"

#include "settings/convert.hpp"

#include <algorithm>
#include <utility>

namespace ruststream::inline v0::settings {
namespace {

/// Takes options by name and collects what is wrong with them; what nobody took is the plugin's.
class Taker {
 public:
  explicit Taker(std::span<const Option> options) : rest_(options.begin(), options.end()) {}

  void text(std::string_view name, std::optional<std::string>& out) {
    take(name, out, [](const Setting& setting) { return as_text(setting); });
  }
  void flag(std::string_view name, std::optional<bool>& out) {
    take(name, out, [](const Setting& setting) { return as_bool(setting); });
  }
  void duration(std::string_view name, std::optional<std::chrono::nanoseconds>& out) {
    take(name, out, [](const Setting& setting) { return as_duration(setting); });
  }
  void list(std::string_view name, std::optional<std::vector<std::string>>& out) {
    take(name, out, [](const Setting& setting) -> Result<std::vector<std::string>> { return as_list(setting); });
  }
  void number(std::string_view name, std::int64_t min, std::int64_t max, std::optional<std::uint32_t>& out) {
    take(name, out, [min, max](const Setting& setting) { return as_integer(setting, min, max); });
  }

  Result<void> finish(std::vector<options::Setting>& plugin) {
    for (const Option& option : rest_)
      plugin.push_back(options::Setting{.name = option.name,
                                        .values = option.setting->items,
                                        .is_list = option.setting->is_list,
                                        .source = option.setting->source});
    if (!problems_.empty()) return fail(Code::option, std::move(problems_));
    return {};
  }

 private:
  template <class T, class Convert>
  void take(std::string_view name, std::optional<T>& out, Convert convert) {
    const auto at = std::ranges::find(rest_, name, &Option::name);
    if (at == rest_.end()) return;
    auto value = convert(*at->setting);
    if (value) {
      out = static_cast<T>(std::move(*value));
    } else {
      problems_ += (problems_.empty() ? "" : "\n") + value.error().text;
    }
    rest_.erase(at);
  }

  std::vector<Option> rest_;
  std::string problems_;
};

template <class T>
Result<T> finish(Taker& taker, T out) {
  if (auto done = taker.finish(out.plugin); !done) return std::unexpected(std::move(done.error()));
  return out;
}

}  // namespace

Result<Subscription> read_subscription(std::span<const Option> options) {
  Subscription out;
  Taker taker(options);
  taker.text("kind", out.kind);
  taker.list("address", out.addresses);
  taker.text("group", out.group);
  taker.text("durable", out.durable);
  taker.number("workers", 1, kMaxWorkers, out.workers);
  taker.flag("by_key", out.by_key);
  taker.number("batch", 1, kMaxBatch, out.batch);
  taker.duration("batch_wait", out.batch_wait);
  taker.number("in_flight", 1, kMaxInFlight, out.in_flight);
  taker.duration("max_processing", out.max_processing);
  taker.number("max_attempts", 0, kMaxAttempts, out.max_attempts);
  taker.text("dead_letter", out.dead_letter);
  return finish(taker, std::move(out));
}

Result<Publisher> read_publisher(std::span<const Option> options) {
  Publisher out;
  Taker taker(options);
  taker.text("kind", out.kind);
  taker.text("destination", out.destination);
  taker.flag("confirm", out.confirm);
  return finish(taker, std::move(out));
}

Result<Broker> read_broker(std::span<const Option> options) {
  Broker out;
  Taker taker(options);
  taker.text("url", out.url);
  const auto url = std::ranges::find(options, "url", &Option::name);
  if (url != options.end()) out.url_source = url->setting->source;
  return finish(taker, std::move(out));
}

}  // namespace ruststream::inline v0::settings
