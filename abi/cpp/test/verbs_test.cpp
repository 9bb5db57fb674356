// The table made of a class: the boundary, opening and closing that take their time, extensions.
#include "test_host.hpp"

#include <ruststream/sdk.hpp>

namespace {

namespace sdk = ruststream::sdk;
using test::Session;

constexpr auto kCaps = sdk::caps(RST_CAP_SEEK, RST_CAP_GROUP);

/// Does what the test tells it; one instance at a time.
struct Slow {
  static constexpr rst_kind kKinds[] = {sdk::kind("all", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kCaps, "both"),
                                        sdk::kind("object", RST_ROLE_ADMIN, {}, "no messages")};
  static constexpr sdk::Option kOptions[] = {
      sdk::option("password", RST_TYPE_STRING, RST_SCOPE_CONNECTION, "secret word").secret(),
      sdk::option("size", RST_TYPE_SIZE, RST_SCOPE_ADMIN, "how large").required()};

  struct Connection : sdk::Connection {
    Connection(const sdk::Birth& birth, Slow&, const rst_connection_spec&) : sdk::Connection(birth) {
      if (throws == 1) throw std::runtime_error("no luck");
      if (throws == 2) throw sdk::Failure{RST_E_NOT_FOUND, "no server `", sdk::subject("here"), "`"};
      if (throws == 3) throw 42;
      last_connection = this;
    }
    ~Connection() override { ended.emplace_back("connection"); }
    std::int32_t open(sdk::ErrorOut error) {
      if (opening == -RST_E_DENIED) return error(RST_E_DENIED, "not you");
      return opening;
    }
    void on_close(bool abort, std::uint64_t) override {
      ended.emplace_back(abort ? "abort" : "close");
      if (!holds_close || abort) closed(3);
    }
    std::int32_t apply(const rst_admin_request&, sdk::ErrorOut) { return RST_DONE; }
  };
  struct Subscription : sdk::Subscription {
    Subscription(const sdk::Birth& birth, Slow&, Connection&, const rst_subscription_spec&) : sdk::Subscription(birth) {
      last_subscription = this;
    }
    ~Subscription() override { ended.emplace_back("subscription"); }
    std::int32_t open(sdk::ErrorOut) { return opening; }
    void on_close(bool, std::uint64_t) override {
      if (throws == 4) throw std::runtime_error("closing");
      if (!holds_close) closed();
    }
    std::int32_t seek(std::span<const rst_position> positions, std::uint64_t op, sdk::ErrorOut) {
      next_generation();
      host().complete(op, positions.size());
      return RST_PENDING;
    }
  };

  static void validate(const rst_connection_spec& spec, sdk::Plan& plan, sdk::Report& report) {
    plan.max_payload = 77;
    report.text(RST_TEXT_SERVER_DISPLAY, "display");
    if (spec.url.len > 5) report.issue(RST_E_INVALID, "the URL is long");
  }

  static inline int throws = 0;
  static inline std::int32_t opening = RST_DONE;
  static inline bool holds_close = false;
  static inline Connection* last_connection = nullptr;
  static inline Subscription* last_subscription = nullptr;
  static inline std::vector<std::string> ended;
};

constexpr rst_str kSchemes[] = {{"slow", 4}};
constexpr rst_plugin kTable = sdk::table<Slow>("org.example.slow", "1.2.3", kSchemes);

struct Verbs : testing::Test {
  Verbs() {
    Slow::throws = 0;
    Slow::opening = RST_DONE;
    Slow::holds_close = false;
    Slow::ended.clear();
  }
  std::int32_t connect(std::uint64_t op = 0) {
    auto spec = Session::connection_spec();
    spec.op = op;
    return kTable.connect(session.instance, &spec, &session.connection, &session.error);
  }
  std::int32_t subscribe(std::uint64_t op) {
    auto spec = session.subscription_spec();
    spec.op = op;
    std::uint64_t handle = 0;
    return kTable.subscribe(session.instance, session.connection, &spec, &handle, &session.error);
  }

  Session session{kTable};
};

TEST(Table, HasNoSlotForWhatTheClassHasNot) {
  EXPECT_EQ(kTable.open_publisher, nullptr);
  EXPECT_EQ(kTable.publish, nullptr);
  EXPECT_EQ(kTable.settle, nullptr);
  EXPECT_EQ(kTable.flush, nullptr);
  EXPECT_NE(kTable.subscribe, nullptr);
  EXPECT_NE(kTable.get_extension(test::str(RST_EXT_SEEK)), nullptr);
  EXPECT_NE(kTable.get_extension(test::str(RST_EXT_ADMIN)), nullptr);
  for (const auto* id : {RST_EXT_TX, RST_EXT_REQUEST, RST_EXT_MATCH, RST_EXT_STATS, RST_EXT_SIM, "com.example/1"}) {
    EXPECT_EQ(kTable.get_extension(test::str(id)), nullptr) << id;
  }
}

TEST_F(Verbs, ExceptionsStopAtTheBoundary) {
  const struct {
    int throws;
    std::int32_t code;
    std::string_view text;
  } cases[] = {{1, RST_E_INTERNAL, "the plugin threw: no luck"},
               {2, RST_E_NOT_FOUND, "no server `here`"},
               {3, RST_E_INTERNAL, "the plugin threw something that is no std::exception"}};
  for (const auto& each : cases) {
    Slow::throws = each.throws;
    EXPECT_EQ(connect(), -each.code);
    EXPECT_EQ(test::text_of(session.error), each.text);
  }
}

TEST_F(Verbs, OpeningThatTakesTimeCompletesWithTheHandle) {
  Slow::opening = RST_PENDING;
  ASSERT_EQ(connect(5), RST_PENDING);
  EXPECT_FALSE(session.host.is_complete(5));
  Slow::last_connection->opened();
  session.connection = session.host.await(5).value;
  Slow::opening = RST_DONE;
  session.subscribe();
  session.end();
}

TEST_F(Verbs, OpeningThatFailsLeavesNothingBehind) {
  Slow::opening = -RST_E_DENIED;
  EXPECT_EQ(connect(5), -RST_E_DENIED);
  EXPECT_EQ(test::text_of(session.error), "not you");
  Slow::opening = RST_PENDING;
  ASSERT_EQ(connect(6), RST_PENDING);
  rst_error error{};
  sdk::fill_error(error, RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, "nobody home");
  Slow::last_connection->open_failed(error);
  EXPECT_EQ(session.host.await(6).status, rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE));
  EXPECT_EQ(Slow::ended, (std::vector<std::string>{"connection", "connection"}));
}

TEST_F(Verbs, ClosingAConnectionEndsPendingOpeningsFirst) {
  connect();
  Slow::opening = RST_PENDING;
  ASSERT_EQ(subscribe(6), RST_PENDING);
  EXPECT_EQ(session.end(), 3U);
  EXPECT_EQ(session.host.await(6).status, -RST_E_CLOSED);
  EXPECT_EQ(session.host.completion_order(), (std::vector<std::uint64_t>{6, 1'000'000}));
  EXPECT_EQ(Slow::ended, (std::vector<std::string>{"subscription", "close", "connection"}));
}

TEST_F(Verbs, AbortMayFollowAGracefulClose) {
  connect();
  Slow::holds_close = true;
  EXPECT_EQ(session.close(session.connection, 7), RST_PENDING);
  EXPECT_EQ(session.close(session.connection, 8), -RST_E_CLOSED);
  EXPECT_EQ(subscribe(9), -RST_E_CLOSED);
  EXPECT_FALSE(session.host.is_complete(7));
  EXPECT_EQ(session.close(session.connection, 8, RST_CLOSE_ABORT), RST_PENDING);
  EXPECT_EQ(session.host.await(7).value, 3U);
  EXPECT_EQ(session.host.await(8).value, 3U);
  EXPECT_EQ(Slow::ended, (std::vector<std::string>{"close", "abort", "connection"}));
}

TEST_F(Verbs, AConnectionWaitsForItsChildrenEvenWhenTheyTakeTime) {
  connect();
  Slow::holds_close = true;
  session.subscribe();
  EXPECT_EQ(session.close(session.connection, 7), RST_PENDING);
  EXPECT_TRUE(Slow::ended.empty());
  Slow::holds_close = false;
  Slow::last_subscription->closed(2);
  EXPECT_EQ(session.host.await(7).value, 3U);
  EXPECT_EQ(Slow::ended, (std::vector<std::string>{"subscription", "close", "connection"}));
}

TEST_F(Verbs, AThrowWhileClosingEndsTheObject) {
  connect();
  session.subscribe();
  Slow::throws = 4;
  session.end();
  EXPECT_EQ(session.host.take_logs().size(), 1U);
}

TEST_F(Verbs, APinnedObjectHoldsTheCompletionOfItsCloseBack) {
  connect();
  session.subscribe();
  auto* const subscription = Slow::last_subscription;
  ASSERT_TRUE(subscription->try_pin());
  EXPECT_EQ(session.close(subscription->handle(), 7), RST_PENDING);
  EXPECT_FALSE(subscription->try_pin());
  EXPECT_FALSE(session.host.is_complete(7));
  subscription->unpin();
  EXPECT_TRUE(session.host.is_complete(7));
  session.end();
}

TEST_F(Verbs, SeekReachesTheSubscriptionAndRaisesItsGeneration) {
  connect();
  const auto handle = session.subscribe();
  const auto& seek = *static_cast<const rst_seek*>(kTable.get_extension(test::str(RST_EXT_SEEK)));
  const rst_position earliest{RST_POSITION_EARLIEST, 0, 0, 0, {}, {}};
  EXPECT_EQ(seek.seek(session.instance, handle, &earliest, 1, 9, nullptr), RST_PENDING);
  EXPECT_EQ(session.host.await(9).value, 1U);
  EXPECT_EQ(Slow::last_subscription->generation(), 2U);
  EXPECT_EQ(seek.seek(session.instance, session.connection, &earliest, 1, 9, nullptr), -RST_E_STALE);
  session.end();
}

TEST_F(Verbs, ValidateTellsThePlanAndEveryTextWithoutAnInstance) {
  auto spec = Session::connection_spec();
  std::string text;
  const rst_report report{sizeof report, 0, &text, nullptr, [](void* ctx, std::uint32_t, rst_str value) {
                            *static_cast<std::string*>(ctx) = sdk::view(value);
                          }};
  rst_plan plan{};
  plan.struct_size = sizeof plan;
  EXPECT_EQ(kTable.validate(RST_SCOPE_CONNECTION, &spec, &plan, &report, nullptr), RST_DONE);
  EXPECT_EQ(plan.max_payload, 77U);
  EXPECT_EQ(text, "display");
  auto subscription = session.subscription_spec();
  rst_capability first{};
  plan.caps = &first;
  plan.cap_capacity = 1;
  EXPECT_EQ(kTable.validate(RST_SCOPE_SUBSCRIPTION, &subscription, &plan, nullptr, nullptr), RST_DONE);
  EXPECT_EQ(plan.cap_count, 2U);
  EXPECT_EQ(first.id, std::uint32_t{RST_CAP_SEEK});
}

TEST_F(Verbs, SpecsOfAnotherContractAreRefused) {
  rst_error error{};
  auto small = Session::connection_spec();
  small.struct_size = 8;
  EXPECT_EQ(kTable.validate(RST_SCOPE_CONNECTION, &small, nullptr, nullptr, &error), -RST_E_INVALID);
  rst_report smaller{};
  smaller.struct_size = sizeof smaller - 8;
  EXPECT_EQ(kTable.validate(RST_SCOPE_CONNECTION, &small, nullptr, &smaller, &error), -RST_E_INVALID);
  EXPECT_NE(std::string_view(error.text, error.text_len).find("rst_report"), std::string_view::npos);
  auto flagged = Session::connection_spec();
  flagged.flags = 0x40;
  EXPECT_EQ(kTable.validate(RST_SCOPE_CONNECTION, &flagged, nullptr, nullptr, &error), -RST_E_UNSUPPORTED);
  auto kind = session.subscription_spec();
  kind.kind = 1;
  EXPECT_EQ(kTable.validate(RST_SCOPE_SUBSCRIPTION, &kind, nullptr, nullptr, &error), -RST_E_UNSUPPORTED);
  EXPECT_EQ(test::text_of(error), "kind `object` has no subscription; choose another kind");
  kind.kind = 9;
  EXPECT_EQ(kTable.validate(RST_SCOPE_SUBSCRIPTION, &kind, nullptr, nullptr, &error), -RST_E_INVALID);
  EXPECT_EQ(kTable.validate(1U << 20U, &kind, nullptr, nullptr, &error), -RST_E_UNSUPPORTED);
}

TEST_F(Verbs, AdministrationChecksActionKindAndRequiredOptions) {
  connect();
  const auto& admin = *static_cast<const rst_admin*>(kTable.get_extension(test::str(RST_EXT_ADMIN)));
  rst_admin_request request{};
  request.struct_size = sizeof request;
  request.connection = session.connection;
  request.action = RST_ADMIN_CREATE;
  request.kind = 1;
  EXPECT_EQ(admin.apply(session.instance, &request, &session.error), -RST_E_OPTION);
  EXPECT_EQ(test::text_of(session.error), "option `size` is required; set it");
  const rst_option size{test::str("size"), {{.u64 = 5}, 0, RST_TYPE_SIZE, 0}, nullptr, 0, 1, 0};
  request.options = &size;
  request.option_count = 1;
  EXPECT_EQ(admin.apply(session.instance, &request, &session.error), RST_DONE);
  request.action = 99;
  EXPECT_EQ(admin.apply(session.instance, &request, &session.error), -RST_E_UNSUPPORTED);
  session.end();
}

TEST_F(Verbs, ASecretsValueIsInNoError) {
  const rst_option secret{test::str("password"),  {{.ptr = "hunter2"}, 7, RST_TYPE_BYTES, 0}, nullptr, 0, 0,
                          RST_OPTION_VALUE_SECRET};
  auto spec = Session::connection_spec();
  spec.options = &secret;
  spec.option_count = 1;
  EXPECT_EQ(kTable.validate(RST_SCOPE_CONNECTION, &spec, nullptr, nullptr, &session.error), -RST_E_OPTION);
  EXPECT_EQ(test::text_of(session.error), "option `password` must be text");
}

}  // namespace
