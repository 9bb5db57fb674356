#include "bench.hpp"

#include <fstream>
#include <sstream>

namespace bench {
namespace {

rs::ConnectOptions with_plugin(const std::string& file) {
  rs::ConnectOptions options;
  options.plugin_path = file;
  return options;
}

}  // namespace

Broker::Broker(std::string plugin, const std::string& options)
    : plugin_(std::move(plugin)),
      url_("memory:bench" + (options.empty() ? "" : "?" + options)),
      broker_(need(rs::connect(url_, with_plugin(plugin_)).get(), "connect")) {}

void Broker::make_group(const std::string& topic, const std::string& group) {
  need(broker_.admin("create", "topic", topic).get(), "create topic");
  need(broker_.admin("create", "topic", group, topic).get(), "create group");
}

rs::Publisher Broker::publisher(const std::string& topic) {
  rs::PublisherOptions options;
  options.confirm = false;
  return need(broker_.publisher(topic, options).get(), "open publisher");
}

void Broker::fill(const std::string& topic, const std::string& payload, std::uint64_t count) {
  rs::Publisher out = publisher(topic);
  for (; count > 0; --count) need(out.publish(rs::Payload(payload)).get(), "fill");
}

void Broker::fill_keyed(const std::string& topic, const std::string& payload, std::uint64_t count) {
  constexpr std::uint64_t kKeys = 16;
  rs::Publisher out = publisher(topic);
  for (; count > 0; --count) {
    const std::string key = "key-" + std::to_string(count % kKeys);
    need(out.message(rs::Payload(payload)).key(key).publish().get(), "fill");
  }
}

void Broker::warm(const std::string& topic, const std::string& group, const std::string& payload, std::uint64_t count) {
  constexpr std::uint32_t kAtOnce = 64;
  fill(topic, payload, count);
  rs::SubscribeOptions options;
  options.group = group;
  rs::Subscription taken = need(broker_.subscribe(topic, options).get(), "subscribe");
  while (count > 0) {
    rs::DeliveryBatch batch = need(taken.receive_batch(kAtOnce, std::chrono::seconds(5)), "receive");
    count -= batch.size();
    need(std::move(batch).ack(), "ack");
  }
  need(taken.close().get(), "close subscription");
}

rs::App Broker::service(const std::function<void(rs::Scope&)>& declare) const {
  rs::App app{{.title = "bench", .version = "1"}};
  app.set("plugin.path", plugin_).set("log.level", "error");
  app.broker(url_, declare);
  return app;
}

std::string read_file(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "bench: %s: cannot be read\n", path.c_str());
    std::exit(EXIT_FAILURE);
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace bench
