// A panic of an author's method is an INTERNAL error of what was asked, and nothing else: rule L1.
#include <ruststream/abi.h>
#include <ruststream/client.hpp>

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <thread>

namespace ruststream {
namespace {

using namespace std::chrono_literals;

Result<Broker> connect_to(std::string method) {
  ConnectOptions options;
  options.plugin_path = PANICS;
  options.options = {{"in", std::move(method)}};
  return connect("panics:", options).get();
}

template <class T>
void expect_internal(const Result<T>& result) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::internal) << result.error().text;
  EXPECT_NE(result.error().text.find("the plugin panicked: runtime error: invalid memory address"), std::string::npos)
      << result.error().text;
}

void exchange(Broker& broker) {
  auto in = broker.subscribe("a").get();
  ASSERT_TRUE(in.has_value()) << in.error().text;
  auto out = broker.publisher("a").get();
  ASSERT_TRUE(out.has_value()) << out.error().text;
  ASSERT_TRUE(out->publish(Payload("x")).get().has_value());
  auto delivery = in->receive(5s);
  ASSERT_TRUE(delivery.has_value()) << delivery.error().text;
  EXPECT_TRUE(std::move(*delivery).ack().has_value());
}

TEST(GoPanics, OfValidateAndConnectFailTheConnection) {
  expect_internal(connect_to("Validate"));
  expect_internal(connect_to("Connect"));
}

TEST(GoPanics, LeaveThePlanOfTheNextAsItsAuthorWantsIt) {
  expect_internal(connect_to("Validate"));
  void* const library = ::dlopen(PANICS, RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  const rst_plugin* const table = reinterpret_cast<rst_plugin_entry>(::dlsym(library, RST_ENTRY_SYMBOL))();
  rst_subscription_spec spec{};
  spec.struct_size = sizeof spec;
  rst_plan plan{};
  plan.struct_size = sizeof plan;
  EXPECT_EQ(table->validate(RST_SCOPE_SUBSCRIPTION, &spec, &plan, nullptr, nullptr), RST_DONE);
  EXPECT_EQ(plan.default_window, 7U);
  EXPECT_EQ(plan.cap_count, 2U);
}

TEST(GoPanics, OfSubscribeAndOpenPublisherFailThoseAlone) {
  auto subscribes = connect_to("Subscribe");
  ASSERT_TRUE(subscribes.has_value());
  expect_internal(subscribes->subscribe("a").get());
  EXPECT_TRUE(subscribes->publisher("a").get().has_value());
  auto opens = connect_to("OpenPublisher");
  ASSERT_TRUE(opens.has_value());
  expect_internal(opens->publisher("a").get());
  EXPECT_TRUE(opens->subscribe("a").get().has_value());
}

TEST(GoPanics, OfSendFailThePublish) {
  auto broker = connect_to("Send");
  ASSERT_TRUE(broker.has_value());
  auto out = broker->publisher("a").get();
  ASSERT_TRUE(out.has_value());
  const auto sent = out->publish(Payload("x")).get();
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, Code::internal);
}

TEST(GoPanics, OfSettleAreToldByAnEvent) {
  auto broker = connect_to("Settle");
  ASSERT_TRUE(broker.has_value());
  auto in = broker->subscribe("a").get();
  auto out = broker->publisher("a").get();
  ASSERT_TRUE(in.has_value() && out.has_value());
  ASSERT_TRUE(out->publish(Payload("x")).get().has_value());
  auto delivery = in->receive(5s);
  ASSERT_TRUE(delivery.has_value());
  (void)std::move(*delivery).ack();
  std::optional<Event> event;
  for (int tries = 0; tries < 500 && !(event = in->poll_event()); ++tries) std::this_thread::sleep_for(10ms);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, static_cast<std::uint32_t>(RST_EVENT_SETTLE_FAILED));
  EXPECT_EQ(event->error.value().code, Code::internal);
}

TEST(GoPanics, OfClosingDoNotKeepItFromEnding) {
  for (const char* const method : {"Stop", "Subscription.Close", "Publisher.Close", "Connection.Close"}) {
    auto broker = connect_to(method);
    ASSERT_TRUE(broker.has_value());
    exchange(*broker);
    const auto closed = broker->close().get();
    EXPECT_TRUE(closed.has_value()) << method << ": " << closed.error().text;
  }
}

}  // namespace
}  // namespace ruststream
