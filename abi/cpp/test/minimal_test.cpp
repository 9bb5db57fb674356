// The example broker, loaded as a library: what an author gets from the SDK, seen from a host.
#include "test_host.hpp"

#include <dlfcn.h>

namespace {

using test::Session;

const rst_plugin& minimal() {
  static const rst_plugin* const table = [] {
    void* library = ::dlopen(MINIMAL_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    return reinterpret_cast<rst_plugin_entry>(::dlsym(library, RST_ENTRY_SYMBOL))();
  }();
  return *table;
}

std::vector<std::string> payloads(const std::vector<test::Taken>& taken) {
  std::vector<std::string> all;
  all.reserve(taken.size());
  for (const auto& each : taken) all.push_back(each.payload);
  return all;
}

struct Minimal : testing::Test {
  Minimal() {
    session.connect();
    publisher = session.open_publisher();
  }
  ~Minimal() override { session.end(); }

  Session session{minimal()};
  std::uint64_t publisher = 0;
};

TEST(MinimalTable, NamesItselfAndLeavesOutWhatItHasNot) {
  EXPECT_EQ(std::string_view(minimal().name.ptr, minimal().name.len), "org.example.minimal");
  EXPECT_EQ(std::string_view(minimal().schemes[0].ptr, minimal().schemes[0].len), "minimal");
  EXPECT_NE(minimal().settle, nullptr);
  EXPECT_EQ(minimal().flush, nullptr);
  EXPECT_EQ(minimal().answer, nullptr);
  EXPECT_EQ(minimal().get_extension, nullptr);
}

TEST_F(Minimal, DeliversInOrderPaddedAndOnce) {
  const auto subscription = session.subscribe();
  ASSERT_EQ(session.publish(publisher, {"a", "b", ""}), RST_DONE);
  const auto taken = session.host.take();
  EXPECT_EQ(payloads(taken), (std::vector<std::string>{"a", "b", ""}));
  for (const auto& each : taken) {
    EXPECT_EQ(each.attempt, 1);
    EXPECT_EQ(each.flags, RST_MESSAGE_PADDED);
    EXPECT_EQ(session.settle(subscription, each.token, RST_VERDICT_ACK), RST_OK);
  }
  EXPECT_TRUE(session.host.take().empty());
}

TEST_F(Minimal, RetriesNextInLineAndCountsOnlyRetries) {
  const auto subscription = session.subscribe(session.subscription_spec(1));
  session.publish(publisher, {"a", "b"});
  auto first = session.host.take().at(0);
  EXPECT_EQ(session.settle(subscription, first.token, RST_VERDICT_RETRY), RST_OK);
  session.credit(subscription, RST_CREDIT_ADD, 1, 100);
  first = session.host.take().at(0);
  EXPECT_EQ(first.payload, "a");
  EXPECT_EQ(first.attempt, 2);
  EXPECT_EQ(session.settle(subscription, first.token, RST_VERDICT_RELEASE), RST_OK);
  session.credit(subscription, RST_CREDIT_ADD, 2, 100);
  const auto rest = session.host.take();
  EXPECT_EQ(payloads(rest), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rest[0].attempt, 2);
}

TEST_F(Minimal, SettlesEachTokenAtMostOnce) {
  const auto subscription = session.subscribe();
  session.publish(publisher, {"a"});
  const auto token = session.host.take().at(0).token;
  EXPECT_EQ(session.settle(subscription, 0, RST_VERDICT_ACK), -RST_E_INVALID);
  EXPECT_EQ(session.settle(subscription, token, RST_VERDICT_EXTEND), -RST_E_UNSUPPORTED);
  EXPECT_EQ(session.settle(subscription, token, 77), -RST_E_UNSUPPORTED);
  EXPECT_EQ(session.settle(subscription, token + 1, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_EQ(session.settle(subscription, token, RST_VERDICT_ACK), RST_OK);
  EXPECT_EQ(session.settle(subscription, token, RST_VERDICT_ACK), -RST_E_SETTLED);
}

TEST_F(Minimal, ConcurrentSettlementsOfOneTokenHaveOneWinner) {
  const auto subscription = session.subscribe();
  for (int round = 0; round < 200; ++round) {
    session.publish(publisher, {"a"});
    const auto token = session.host.take().at(0).token;
    std::array<std::int32_t, 2> statuses{};
    std::thread other{[&] { statuses[0] = session.settle(subscription, token, RST_VERDICT_ACK); }};
    statuses[1] = session.settle(subscription, token, RST_VERDICT_REJECT);
    other.join();
    std::sort(statuses.begin(), statuses.end());
    EXPECT_EQ(statuses, (std::array<std::int32_t, 2>{-RST_E_SETTLED, RST_OK}));
  }
}

TEST_F(Minimal, NeverExceedsMessageCreditAndStopsAtSpentBytes) {
  auto spec = session.subscription_spec(2);
  spec.credit_bytes = 4;
  spec.max_batch = 1;
  const auto subscription = session.subscribe(spec);
  session.publish(publisher, {"abcdef", "b", "c", "d"});
  EXPECT_EQ(payloads(session.host.take()), std::vector<std::string>{"abcdef"});  // bytes are at -2 now
  session.credit(subscription, RST_CREDIT_ADD, 0, 3);
  EXPECT_EQ(payloads(session.host.take()), std::vector<std::string>{"b"});
  session.credit(subscription, RST_CREDIT_ADD, 0, 100);
  EXPECT_TRUE(session.host.take().empty());
  session.credit(subscription, RST_CREDIT_ADD, 5, 0);
  EXPECT_EQ(payloads(session.host.take()), (std::vector<std::string>{"c", "d"}));
}

TEST_F(Minimal, DrainStopsDeliveriesUntilNewCredit) {
  const auto subscription = session.subscribe();
  EXPECT_EQ(session.credit(subscription, RST_CREDIT_DRAIN, 0, 0, 7), RST_DONE);
  session.publish(publisher, {"a"});
  EXPECT_TRUE(session.host.take().empty());
  session.credit(subscription, RST_CREDIT_ADD, 1, 1);
  EXPECT_EQ(session.host.take().size(), 1U);
  EXPECT_EQ(session.credit(subscription, RST_CREDIT_ADD | RST_CREDIT_DRAIN), -RST_E_UNSUPPORTED);
}

TEST_F(Minimal, DrainDuringADeliveryCompletesBehindIt) {
  const auto subscription = session.subscribe();
  std::int32_t drained = 0;
  session.host.on_deliver([&] {
    drained = session.credit(subscription, RST_CREDIT_DRAIN, 0, 0, 7);
    EXPECT_FALSE(session.host.is_complete(7));
  });
  session.publish(publisher, {"a"});
  EXPECT_EQ(drained, RST_PENDING);
  EXPECT_EQ(session.host.await(7).status, RST_OK);
}

TEST_F(Minimal, AcceptsAPrefixWhenFullAndSaysOnceWhenThereIsRoom) {
  const rst_value capacity{{.u64 = 3}, 0, RST_TYPE_U64, 0};
  const rst_option option{test::str("capacity"), capacity, nullptr, 0, 0, RST_OPTION_VALUE_EXPLICIT};
  auto spec = session.subscription_spec(0);
  spec.options = &option;
  spec.option_count = 1;
  const auto subscription = session.subscribe(spec);
  std::uint32_t accepted = 0;
  EXPECT_EQ(session.publish(publisher, {"a", "b", "c", "d"}, &accepted), RST_DONE);
  EXPECT_EQ(accepted, 3U);
  EXPECT_EQ(session.publish(publisher, {"d"}, &accepted), -RST_E_BACKPRESSURE);
  EXPECT_EQ(accepted, 0U);
  EXPECT_TRUE(session.host.take_events().empty());
  session.credit(subscription, RST_CREDIT_ADD, 3, 100);
  const auto events = session.host.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, RST_EVENT_PUB_WRITABLE);
  EXPECT_EQ(session.publish(publisher, {"d"}), RST_DONE);
}

TEST_F(Minimal, RoomThatComesAfterARefusedPublisherEndedIsNobodys) {
  const rst_option option{test::str("capacity"), {{.u64 = 1}, 0, RST_TYPE_U64, 0}, nullptr, 0, 0, 0};
  auto spec = session.subscription_spec(0);
  spec.options = &option;
  spec.option_count = 1;
  const auto subscription = session.subscribe(spec);
  EXPECT_EQ(session.publish(publisher, {"a"}), RST_DONE);
  EXPECT_EQ(session.publish(publisher, {"b"}), -RST_E_BACKPRESSURE);
  EXPECT_EQ(session.close(publisher, 5), RST_PENDING);
  session.host.await(5);
  session.credit(subscription, RST_CREDIT_ADD, 3, 100);
  EXPECT_EQ(session.host.take().size(), 1U);
  EXPECT_TRUE(session.host.take_events().empty());
}

TEST_F(Minimal, KeepsMessagesThatTheHostRefused) {
  const auto subscription = session.subscribe();
  session.host.refuse_deliveries(RST_E_EXHAUSTED);
  session.publish(publisher, {"a", "b"});
  session.host.refuse_deliveries(0);
  session.credit(subscription, RST_CREDIT_ADD, 0, 0);
  const auto taken = session.host.take();
  EXPECT_EQ(payloads(taken), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(taken[0].attempt, 1);
}

TEST_F(Minimal, RefusesWhatItCannotCarry) {
  session.subscribe();
  rst_header header{"name", nullptr, 0, 4, RST_HEADER_UTF8, 0};
  std::array<rst_out_message, 4> messages{};
  messages[0].headers = &header;
  messages[0].header_count = 1;
  messages[1].flags = RST_OUT_RETAIN;
  const rst_option option{test::str("capacity"), {{.u64 = 3}, 0, RST_TYPE_U64, 0}, nullptr, 0, 0, 0};  // no message's
  rst_out_props props{};
  props.struct_size = sizeof props;
  props.priority = -1;
  props.options = &option;
  props.option_count = 1;
  messages[2].props = &props;
  std::array<std::int32_t, 4> statuses{};
  rst_publish call{};
  call.struct_size = sizeof call;
  call.publisher = publisher;
  call.messages = messages.data();
  call.statuses = statuses.data();
  call.count = 4;
  call.stride = sizeof(rst_out_message);
  EXPECT_EQ(minimal().publish(session.instance, &call, nullptr), RST_DONE);
  EXPECT_EQ(statuses, (std::array<std::int32_t, 4>{-RST_E_UNSUPPORTED, -RST_E_UNSUPPORTED, -RST_E_OPTION, RST_OK}));
  EXPECT_EQ(session.host.take().size(), 1U);
  call.flags = RST_PUBLISH_CONFIRM;
  EXPECT_EQ(minimal().publish(session.instance, &call, nullptr), -RST_E_UNSUPPORTED);
}

TEST_F(Minimal, ClosedHandlesAreClosedAndUnknownOnesStale) {
  const auto subscription = session.subscribe();
  session.publish(publisher, {"a"});
  const auto token = session.host.take().at(0).token;
  EXPECT_EQ(session.close(subscription, 5), RST_PENDING);
  EXPECT_EQ(session.host.await(5).value, 1U);
  EXPECT_EQ(session.settle(subscription, token, RST_VERDICT_ACK), -RST_E_CLOSED);
  EXPECT_EQ(session.close(subscription, 6), -RST_E_CLOSED);
  session.subscribe();  // takes the slot
  EXPECT_EQ(session.settle(subscription, token, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_EQ(session.settle(0, token, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_EQ(session.settle(publisher, token, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_EQ(session.close(subscription + (std::uint64_t{1} << 40U), 6), -RST_E_STALE);
  EXPECT_EQ(session.close(publisher, 6, 0x80), -RST_E_UNSUPPORTED);
}

TEST_F(Minimal, BatchesAreReleasedByAnyThreadAlsoAfterClose) {
  session.host.keep_batches();
  const auto subscription = session.subscribe();
  for (int round = 0; round < 50; ++round) session.publish(publisher, {"one", "two"});
  EXPECT_EQ(session.close(subscription, 5), RST_PENDING);
  session.host.await(5);
  auto batches = session.host.take_batches();
  ASSERT_FALSE(batches.empty());
  EXPECT_EQ(batches[0]->messages[0].payload[0], 'o');
  std::thread other{[&] {
    for (std::size_t index = 0; index < batches.size(); index += 2) batches[index]->ops->release(batches[index]);
  }};
  for (std::size_t index = 1; index < batches.size(); index += 2) batches[index]->ops->release(batches[index]);
  other.join();
}

TEST_F(Minimal, ReportsEveryWrongOption) {
  const rst_value text{{.ptr = "many"}, 4, RST_TYPE_STRING, 0};
  const rst_value zero{{.u64 = 0}, 0, RST_TYPE_U64, 0};
  const std::array options{rst_option{test::str("capacity"), text, nullptr, 0, 0, 0},
                           rst_option{test::str("capacity"), zero, nullptr, 0, 0, 0},
                           rst_option{test::str("capacitee"), zero, nullptr, 0, RST_OPTION_PASS_THROUGH, 0}};
  auto spec = session.subscription_spec();
  spec.options = options.data();
  spec.option_count = options.size();
  spec.group = test::str("g");
  std::vector<std::string> issues;
  const rst_report report{sizeof report, 0, &issues,
                          [](void* ctx, const rst_error* issue) {
                            static_cast<std::vector<std::string>*>(ctx)->push_back(test::text_of(*issue));
                          },
                          nullptr};
  rst_error error{};
  EXPECT_EQ(minimal().validate(RST_SCOPE_SUBSCRIPTION, &spec, nullptr, &report, &error), -RST_E_OPTION);
  EXPECT_EQ(issues, (std::vector<std::string>{"option `capacity` must be a number from 0",
                                              "option `capacity` must be from 1 to 1000000",
                                              "option `capacitee` is not known; remove it or correct its name",
                                              "kind `topic` has no groups; leave it out or choose another kind"}));
  EXPECT_EQ(std::string(error.text + error.subject_off, error.subject_len), "capacity");
  std::uint64_t handle = 0;
  EXPECT_EQ(minimal().subscribe(session.instance, session.connection, &spec, &handle, nullptr), -RST_E_OPTION);
}

TEST_F(Minimal, VerbsMayRaceClose) {
  for (std::uint64_t round = 0; round < 100; ++round) {
    const auto subscription = session.subscribe();
    std::thread publishing{[&] { session.publish(publisher, {"a", "b", "c"}); }};
    std::thread crediting{[&] {
      const rst_credit call{sizeof call, RST_CREDIT_ADD, subscription, 1, 0, 1, 0};
      const auto result = minimal().credit(session.instance, &call, nullptr);
      EXPECT_TRUE(result == RST_DONE || result == -RST_E_CLOSED) << result;
    }};
    EXPECT_EQ(session.close(subscription, 10 + round), RST_PENDING);
    session.host.await(10 + round);
    publishing.join();
    crediting.join();
    session.host.take();
  }
}

TEST(MinimalInstance, ConnectionsCompleteAfterTheirChildrenAndBeforeDeinit) {
  Session session{minimal()};
  const auto connection = session.connect();
  const auto subscription = session.subscribe();
  rst_error error{};
  EXPECT_EQ(minimal().deinit(session.instance, &error), -RST_E_STATE);
  EXPECT_EQ(session.close(connection, 9), RST_PENDING);
  session.host.await(9);
  EXPECT_EQ(session.close(subscription, 10), -RST_E_CLOSED);
  const auto spec = session.subscription_spec();
  std::uint64_t handle = 0;
  EXPECT_EQ(minimal().subscribe(session.instance, connection, &spec, &handle, nullptr), -RST_E_CLOSED);
}

}  // namespace
