#include "runtime/written.hpp"

#include "settings/sections.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

/// Everything of one kind of thing: `subscription`, its names, and what the code says of each.
struct Section {
  std::string name;
  std::string value_option;  // what `section.NAME = …` sets
  std::vector<std::string> names;
  settings::Settings written;

  void begin(const std::string& of) { names.push_back(of); }
  void say(const std::string& option, const std::string& value) {
    if (value.empty()) return;
    std::string key = name + (names.back().empty() ? "" : "." + names.back());
    if (option != value_option) key += "." + option;
    written.set(settings::Layer::code, std::move(key), value, "code");
  }
  void say(const std::string& option, std::uint64_t value) { say(option, std::to_string(value)); }
  void say(const std::string& option, std::chrono::nanoseconds time) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    if (ms > 0) say(option, std::to_string(ms) + "ms");
  }
  void say(const PluginOptions& options) {
    for (const auto& [option, value] : options) say(option, value);
  }
};

void say(Section& section, const SubscriptionDeclaration& declared) {
  const SubscribeOptions& options = declared.options;
  section.begin(declared.name);
  section.say("address", declared.address);
  section.say("kind", options.kind);
  section.say("group", options.group);
  section.say("durable", options.durable);
  section.say("dead_letter", options.dead_letter);
  if (declared.workers) section.say("workers", *declared.workers);
  if (declared.keyed) section.say("by_key", "true");
  if (declared.batch) section.say("batch", *declared.batch);
  section.say("batch_wait", declared.batch_wait);
  if (options.in_flight != 0) section.say("in_flight", options.in_flight);
  section.say("max_processing", options.max_processing);
  if (declared.max_attempts) section.say("max_attempts", *declared.max_attempts);
  section.say(options.options);
}

void say(Section& section, const PublisherDeclaration& declared) {
  section.begin(declared.name);
  section.say("destination", declared.destination);
  section.say("kind", declared.options.kind);
  if (!declared.options.confirm) section.say("confirm", "false");
  section.say(declared.options.options);
}

/// Of what both say, those that win.
void merge(Section& section, const std::vector<settings::Setting>& said, settings::Settings& into) {
  for (const settings::Setting& setting : said) {
    const std::string_view head = std::string_view(setting.key).substr(0, setting.key.find('.'));
    if (head == section.name) section.written.set(setting);
  }
  const auto winners = settings::assign(section.written, section.name, section.names, section.value_option);
  if (!winners) return;  // the plan has been refused for it
  for (const auto& [name, options] : *winners) {
    for (const settings::Option& option : options) into.set(*option.setting);
  }
}

}  // namespace

settings::Settings as_written(const std::deque<BrokerDeclaration>& brokers, const settings::Settings& settings) {
  std::vector<settings::Setting> said;
  for (const auto& [key, setting] : settings.all()) said.push_back(setting);
  std::ranges::sort(said, {}, &settings::Setting::order);  // set again in the order of the first time

  std::array<Section, 3> sections{Section{"broker", "url", {}, {}}, Section{"subscription", {}, {}, {}},
                                  Section{"publisher", {}, {}, {}}};
  auto& [of_brokers, of_subscriptions, of_publishers] = sections;
  for (const BrokerDeclaration& broker : brokers) {
    of_brokers.begin(broker.name);
    of_brokers.say("url", broker.url);
    for (const SubscriptionDeclaration& each : broker.subscriptions) say(of_subscriptions, each);
    for (const PublisherDeclaration& each : broker.publishers) say(of_publishers, each);
  }
  settings::Settings all;
  for (Section& section : sections) merge(section, said, all);
  for (const settings::Setting& setting : said) {
    const std::string_view head = std::string_view(setting.key).substr(0, setting.key.find('.'));
    if (std::ranges::find(sections, head, &Section::name) == sections.end()) all.set(setting);
  }
  return all;
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
