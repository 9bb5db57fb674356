#include "settings/registration.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace ruststream::settings {
namespace {

/// Options as assign() makes them, with the settings they point to.
class Written {
 public:
  Written(std::initializer_list<std::pair<const char*, const char*>> pairs) {
    for (const auto& [name, value] : pairs) {
      settings_.set(Layer::file, std::string("subscription.s.") + name, value, "q.toml:1");
      names_.emplace_back(name);
    }
    for (const std::string& name : names_) options_.push_back({name, settings_.find("subscription.s." + name)});
  }
  std::span<const Option> options() const { return options_; }

 private:
  Settings settings_;
  std::vector<std::string> names_;
  std::vector<Option> options_;
};

TEST(Registration, ReadsWhatTheRuntimeKnowsAndLeavesTheRestToThePlugin) {
  const Written written({{"kind", "jetstream"},
                         {"address", "a,b"},
                         {"group", "g"},
                         {"durable", "d"},
                         {"workers", "4"},
                         {"by_key", "true"},
                         {"batch", "64"},
                         {"batch_wait", "5ms"},
                         {"in_flight", "128"},
                         {"max_processing", "2m"},
                         {"max_attempts", "0"},
                         {"dead_letter", "dl"},
                         {"tls.ca", "ca.pem"},
                         {"ack_policy", "all"}});
  const auto read = read_subscription(written.options());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->kind, "jetstream");
  EXPECT_EQ(read->addresses, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read->group, "g");
  EXPECT_EQ(read->durable, "d");
  EXPECT_EQ(read->workers, 4U);
  EXPECT_EQ(read->by_key, true);
  EXPECT_EQ(read->batch, 64U);
  EXPECT_EQ(read->batch_wait, std::chrono::milliseconds(5));
  EXPECT_EQ(read->in_flight, 128U);
  EXPECT_EQ(read->max_processing, std::chrono::minutes(2));
  EXPECT_EQ(read->max_attempts, 0U);
  EXPECT_EQ(read->dead_letter, "dl");
  ASSERT_EQ(read->plugin.size(), 2U);
  EXPECT_EQ(read->plugin[0].name, "tls.ca");
  EXPECT_EQ(read->plugin[0].values, std::vector<std::string>{"ca.pem"});
  EXPECT_EQ(read->plugin[1].name, "ack_policy");
  EXPECT_EQ(read->plugin[1].source, "q.toml:1");
  for (const std::string_view key : kSubscriptionKeys)
    for (const options::Setting& option : read->plugin) EXPECT_NE(option.name, key);
}

TEST(Registration, LeavesAbsentWhatNobodyWrote) {
  const auto read = read_subscription({});
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->kind || read->addresses || read->group || read->durable || read->workers || read->by_key ||
               read->batch || read->batch_wait || read->in_flight || read->max_processing || read->max_attempts ||
               read->dead_letter);
}

TEST(Registration, RefusesEveryMistypedValueAtOnce) {
  const Written written({{"workers", "0"}, {"batch", "many"}, {"batch_wait", "5"}, {"by_key", "perhaps"}});
  const auto read = read_subscription(written.options());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::option);
  EXPECT_EQ(read.error().text,
            "subscription.s.workers (q.toml:1): expected a whole number from 1 to 65536, got `0`\n"
            "subscription.s.by_key (q.toml:1): expected true or false, got `perhaps`\n"
            "subscription.s.batch (q.toml:1): expected a whole number from 1 to 65536, got `many`\n"
            "subscription.s.batch_wait (q.toml:1): expected a duration such as 250ms, 5s or 1m30s, got `5`");
}

TEST(Registration, ReadsPublishersAndBrokers) {
  const Written publisher({{"kind", "log"}, {"destination", "alerts"}, {"confirm", "off"}, {"linger", "5"}});
  const auto read = read_publisher(publisher.options());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, "log");
  EXPECT_EQ(read->destination, "alerts");
  EXPECT_EQ(read->confirm, false);
  EXPECT_EQ(read->plugin.size(), 1U);
  const Written broker({{"url", "nats://h"}, {"tls.ca", "x"}});
  const auto connection = read_broker(broker.options());
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->url, "nats://h");
  EXPECT_EQ(connection->url_source, "q.toml:1");
  EXPECT_EQ(connection->plugin.size(), 1U);
}

}  // namespace
}  // namespace ruststream::settings
