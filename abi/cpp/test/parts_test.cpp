// The SDK's smaller parts: errors, options, batches, the command queue.
#include "test_host.hpp"

#include <ruststream/sdk.hpp>

namespace {

namespace sdk = ruststream::sdk;

TEST(ErrorText, IsCutAtACharacter) {
  rst_error error{};
  const std::string long_text(479, 'x');
  sdk::fill_error(error, RST_E_INVALID, 0, long_text, "\xC3\xA9");  // two bytes where one fits
  EXPECT_EQ(error.text_len, 479);
  sdk::fill_error(error, RST_E_INVALID, 0, "number ", -5, ", ", sdk::subject("name"), ", ", UINT64_MAX);
  EXPECT_EQ(test::text_of(error), "number -5, name, 18446744073709551615");
  EXPECT_EQ(std::string(error.text + error.subject_off, error.subject_len), "name");
}

TEST(Status, CarriesCodeAndFlags) {
  const auto status = rst_status(RST_E_TIMEOUT, RST_ERROR_MAYBE_APPLIED | RST_ERROR_RETRYABLE);
  EXPECT_LT(status, 0);
  EXPECT_EQ(rst_status_code(status), RST_E_TIMEOUT);
  EXPECT_EQ(rst_status_flags(status), RST_ERROR_MAYBE_APPLIED | RST_ERROR_RETRYABLE);
  EXPECT_EQ(rst_status_code(-RST_E_STALE), RST_E_STALE);
  EXPECT_EQ(rst_status_code(RST_OK_UNROUTED), 0);
}

TEST(Options, ReadDefaultsAsAUserWouldWriteThem) {
  const struct {
    std::uint16_t type;
    std::uint16_t unit;
    std::string_view text;
    std::uint64_t value;
  } good[] = {{RST_TYPE_DURATION, 0, "5s", 5'000'000'000},
              {RST_TYPE_DURATION, RST_UNIT_MILLISECOND, "7", 7'000'000},
              {RST_TYPE_DURATION, 0, "2h", 7'200'000'000'000},
              {RST_TYPE_SIZE, 0, "64KiB", 65'536},
              {RST_TYPE_SIZE, RST_UNIT_MEBIBYTE, "2", 2097152},
              {RST_TYPE_SIZE, 0, "3MB", 3'000'000},
              {RST_TYPE_U64, 0, "0", 0},
              {RST_TYPE_I64, 0, "-4", static_cast<std::uint64_t>(-4)},
              {RST_TYPE_BOOL, 0, "true", 1}};
  for (const auto& each : good) {
    const auto option = sdk::option("x", each.type, 1, "doc").defaults(each.text).unit(each.unit);
    const auto value = sdk::detail::parse_default(option.decl);
    EXPECT_EQ(value.value_or(rst_value{}).type, each.type) << each.text;
    EXPECT_EQ(value.value_or(rst_value{}).as.u64, each.value) << each.text;
  }
  for (const auto& [type, text] : {std::pair{RST_TYPE_DURATION, "5 s"},
                                   {RST_TYPE_SIZE, "5s"},
                                   {RST_TYPE_U64, "-1"},
                                   {RST_TYPE_U64, "99999999999999999999"},
                                   {RST_TYPE_BOOL, "yes"},
                                   {RST_TYPE_I64, "-"}}) {
    const auto option = sdk::option("x", static_cast<std::uint16_t>(type), 1, "doc").defaults(text);
    EXPECT_FALSE(sdk::detail::parse_default(option.decl).has_value()) << text;
  }
}

TEST(Options, TellTheGivenFromTheDefault) {
  constexpr std::array kDeclared{sdk::option("size", RST_TYPE_U64, 1, "doc").defaults("3"),
                                 sdk::option("name", RST_TYPE_STRING, 1, "doc"),
                                 sdk::option("tags", RST_TYPE_STRING, 1, "doc").with(RST_OPTION_LIST)};
  const rst_value tags[] = {{{.ptr = "a"}, 1, RST_TYPE_STRING, 0}, {{.ptr = "b"}, 1, RST_TYPE_STRING, 0}};
  const rst_option given[] = {
      {test::str("size"), {{.u64 = 9}, 0, RST_TYPE_U64, 0}, nullptr, 0, 0, RST_OPTION_VALUE_EXPLICIT},
      {test::str("tags"), {}, tags, 2, 2, 0}};
  const sdk::Options some{kDeclared, given, 2};
  EXPECT_EQ(some[0].u64(), 9U);
  EXPECT_TRUE(some[0].is_explicit());
  EXPECT_TRUE(some[1].empty());
  EXPECT_EQ(some[1].text(), "");
  EXPECT_EQ(some[2].items().size(), 2U);
  const sdk::Options none{kDeclared, nullptr, 0};
  EXPECT_EQ(none[0].u64(), 3U);
  EXPECT_FALSE(none[0].given());
  EXPECT_TRUE(none[2].items().empty());
}

struct Counted {
  std::shared_ptr<int> held;
  std::int32_t field(const rst_message& message, std::uint32_t id, rst_value& out) const noexcept {
    if (id != 1) return -RST_E_INVALID;
    out = {{.u64 = message.payload_len + static_cast<std::uint64_t>(*held)}, 0, RST_TYPE_U64, 0};
    return RST_DONE;
  }
};

TEST(BatchPool, OutlivesItsOwnerUntilTheLastBatchIsBack) {
  auto pool = sdk::BatchPool<Counted>::make(4);
  auto& batch = pool->acquire();
  const auto held = std::make_shared<int>(5);
  batch.add(batch.slab().copy("hello", 5), 5);
  batch.item().held = held;
  rst_batch* const raw = &batch.raw();
  pool.reset();
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(raw->messages[0].payload), 5), "hello");
  rst_value value{};
  EXPECT_EQ(raw->ops->field(raw, 0, 1, &value), RST_DONE);
  EXPECT_EQ(value.as.u64, 10U);
  EXPECT_EQ(raw->ops->field(raw, 1, 1, &value), -RST_E_INVALID);
  EXPECT_EQ(raw->ops->position, nullptr);
  raw->ops->release(raw);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(BatchPool, GivesTheSameMemoryAgainCleared) {
  auto pool = sdk::BatchPool<>::make(4);
  auto* const first = &pool->acquire();
  first->add(first->slab().copy("hello", 5), 5).token = 9;
  first->meta().address = "x";
  first->timestamp(7);
  sdk::BatchPool<>::release(*first);
  auto& second = pool->acquire();
  EXPECT_EQ(&second, first);
  EXPECT_EQ(second.size(), 0U);
  EXPECT_EQ(second.raw().bytes, 0U);
  EXPECT_EQ(second.raw().timestamps, nullptr);
  EXPECT_EQ(second.add().token, 0U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&second.back()) % 64, 0U);
  sdk::BatchPool<>::release(second);
}

TEST(Slab, PadsEveryPieceAndKeepsEarlierOnesInPlace) {
  sdk::Slab slab;
  const auto* const first = slab.copy("first", 5);
  for (int round = 0; round < 1'000; ++round) {
    const auto* const piece = slab.copy("12345678", 8);
    EXPECT_EQ(std::memcmp(piece, "12345678", 8), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % 8, 0U);
  }
  std::byte* const large = slab.allocate(1U << 20U);
  std::memset(large, 1, (1U << 20U) + sdk::Slab::kPadding);
  EXPECT_EQ(std::memcmp(first, "first", 5), 0);
}

TEST(Host, FormatsALogLineOnlyWhenItIsWanted) {
  test::Host host;
  const sdk::Host wrapped{host.table()};
  wrapped.log(RST_LOG_DEBUG, {}, "part", "hidden");
  wrapped.log(RST_LOG_INFO, {}, "part", "seen ", 3);
  host.set_log_level(RST_LOG_OFF);
  wrapped.log(RST_LOG_ERROR, {}, "part", "hidden");
  EXPECT_EQ(host.take_logs(), std::vector<std::string>{"seen 3"});
}

TEST(Completions, KeepTheirOrderAcrossFailures) {
  test::Host host;
  {
    sdk::Completions completions{sdk::Host{host.table()}};
    for (std::uint64_t op = 1; op <= 70; ++op) completions.add(op);
    rst_error error{};
    sdk::fill_error(error, RST_E_TIMEOUT, 0, "late");
    completions.fail(71, error);
    completions.add(72);
    completions.add(0);
  }
  std::vector<std::uint64_t> expected(72);
  for (std::size_t index = 0; index < 72; ++index) expected[index] = index + 1;
  EXPECT_EQ(host.completion_order(), expected);
  EXPECT_EQ(host.await(71).status, -RST_E_TIMEOUT);
}

TEST(IoThread, EndsWheneverItIsToldTo) {
  for (int round = 0; round < 500; ++round) sdk::IoThread{"brief"}.post([] {});
}

TEST(IoThread, RunsCommandsOfEachThreadInOrderAndAllBeforeItEnds) {
  std::vector<int> ran;
  std::string name(16, '\0');
  sigset_t blocked;
  sigemptyset(&blocked);
  {
    sdk::IoThread io{"testing-a-long-name"};
    io.post([&] {
      pthread_getname_np(pthread_self(), name.data(), name.size());
      pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    });
    for (int each = 0; each < 1'000; ++each) io.post([&ran, each] { ran.push_back(each); });
    io.post([&] { io.post([&] { ran.push_back(-1); }); });
  }
  ASSERT_EQ(ran.size(), 1'001U);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end() - 1));
  EXPECT_EQ(ran.back(), -1);
  EXPECT_STREQ(name.c_str(), "rst-testing-a-l");
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
  sigset_t own;
  pthread_sigmask(SIG_BLOCK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGTERM), 0);
}

TEST(Backoff, DoublesUpToTheMostBetweenHalfAndWholeAndBeginsAnewAfterReset) {
  using std::chrono::milliseconds;
  sdk::Backoff backoff{milliseconds{100}, milliseconds{1000}, 1};
  for (int round = 0; round < 2; ++round) {
    for (const int whole : {100, 200, 400, 800, 1000, 1000}) {
      const auto delay = backoff.next();
      EXPECT_GE(delay, milliseconds{whole} / 2);
      EXPECT_LE(delay, milliseconds{whole});
    }
    EXPECT_EQ(backoff.attempts(), 6U);
    backoff.reset();
  }
  sdk::Backoff other{milliseconds{100}, milliseconds{1000}, 2};
  EXPECT_NE(backoff.next(), other.next());
  EXPECT_GT(sdk::Backoff(milliseconds{0}, milliseconds{0}).next(), milliseconds{0});  // never without spacing
}

}  // namespace
