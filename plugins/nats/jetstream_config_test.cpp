#include "jetstream_config.hpp"

#include "jetstream_ledger.hpp"

#include <gtest/gtest.h>

namespace ruststream::nats {
namespace {

TEST(JetStreamConfig, KnowsNamesThatAServerTakes) {
  for (const char* name : {"S1", "a-b_c", "Bücher", "$x"}) EXPECT_TRUE(is_stream_name(name)) << name;
  for (const char* name : {"", "a.b", "a b", "a*", ">", "a/b", "a\\b", "a\n"})
    EXPECT_FALSE(is_stream_name(name)) << name;
  EXPECT_FALSE(is_stream_name(std::string(kMostNameBytes + 1, 'a')));
}

TEST(JetStreamConfig, NamesASettingThatWasNotKept) {
  ConsumerConfig config{.stream = "S", .name = "c", .filters = {"a.*"}, .durable = true, .ack_wait_ns = 5};
  config.start_time_ns = 500'000'000;
  config.deliver = "by_start_time";
  const auto wanted = config.json();
  auto kept = wanted;
  kept["opt_start_time"] = "1970-01-01T00:00:00.5Z";  // as Go writes it
  kept["max_waiting"] = 512;
  EXPECT_FALSE(difference(wanted, kept));
  kept["ack_wait"] = 7;
  EXPECT_EQ(difference(wanted, kept), "ack_wait is 7, not 5");
  EXPECT_FALSE(difference(wanted, kept, {"filter_subject"}));
  kept.erase("filter_subject");
  EXPECT_EQ(difference(wanted, kept, {"filter_subject"}), "filter_subject is not kept, not \"a.*\"");
}

TEST(JetStreamConfig, PutsOneFilterIntoTheSubject) {
  ConsumerConfig config{.stream = "S", .name = "c", .filters = {"a.*"}};
  EXPECT_EQ(config.create_subject("$JS.API"), "$JS.API.CONSUMER.CREATE.S.c.a.*");
  config.filters.emplace_back("b");
  EXPECT_EQ(config.create_subject("$JS.API"), "$JS.API.CONSUMER.CREATE.S.c");
  EXPECT_EQ(config.json()["filter_subjects"].size(), 2U);
  config.name.clear();
  EXPECT_EQ(config.create_subject("$JS.hub.API"), "$JS.hub.API.CONSUMER.CREATE.S");
}

TEST(PullLedger, AsksForWhatThereIsRoomFor) {
  PullLedger ledger;
  EXPECT_EQ(ledger.want(0), 0U);
  EXPECT_EQ(ledger.want(100), 100U);
  ledger.asked(100);
  EXPECT_EQ(ledger.want(100), 0U);
  ledger.arrived(20);
  EXPECT_EQ(ledger.want(100), 0U) << "a few are not worth a request";
  ledger.arrived(5);
  EXPECT_EQ(ledger.want(100), 25U);
  ledger.asked(25);
  ledger.ended(ledger.epoch(), 30);
  EXPECT_EQ(ledger.outstanding(), 70U);
  ledger.ended(ledger.epoch() + 1, 30);
  EXPECT_EQ(ledger.outstanding(), 70U) << "of another epoch";
}

TEST(PullLedger, HasFewRequestsUnderWay) {
  PullLedger ledger;
  for (std::uint32_t i = 0; i < PullLedger::kMostRequests; ++i) ledger.asked(10);
  EXPECT_EQ(ledger.want(1'000'000), 0U);
  ledger.arrived(10);
  EXPECT_EQ(ledger.want(1'000'000), PullLedger::kMostAtOnce);
}

TEST(PullLedger, NoticesSilence) {
  PullLedger ledger;
  EXPECT_FALSE(ledger.silent()) << "nothing is awaited";
  ledger.asked(5);
  EXPECT_FALSE(ledger.silent());
  ledger.heard();
  EXPECT_FALSE(ledger.silent());
  EXPECT_TRUE(ledger.silent());
  ledger.forget();
  EXPECT_FALSE(ledger.silent());
  EXPECT_EQ(ledger.want(5), 5U);
}

}  // namespace
}  // namespace ruststream::nats
