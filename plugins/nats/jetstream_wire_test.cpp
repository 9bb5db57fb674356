#include "jetstream_wire.hpp"

#include <ruststream/abi/error.h>

#include <gtest/gtest.h>

namespace ruststream::nats {
namespace {

TEST(JetStreamWire, ReadsTheNumbersOfADelivery) {
  for (const char* subject :
       {"$JS.ACK.S1.c1.2.5.7.1795680440017836810.3", "$JS.ACK.hub.ACCOUNT.S1.c1.2.5.7.1795680440017836810.3",
        "$JS.ACK._.ACCOUNT.S1.c1.2.5.7.1795680440017836810.3.random.more"}) {
    const auto ack = parse_ack_subject(subject);
    ASSERT_TRUE(ack) << subject;
    EXPECT_EQ(ack->stream, "S1") << subject;
    EXPECT_EQ(ack->consumer, "c1") << subject;
    EXPECT_EQ(ack->delivered, 2U) << subject;
    EXPECT_EQ(ack->stream_sequence, 5U) << subject;
    EXPECT_EQ(ack->consumer_sequence, 7U) << subject;
    EXPECT_EQ(ack->time_ns, 1795680440017836810) << subject;
    EXPECT_EQ(ack->pending, 3U) << subject;
    AckSubject numbers;
    ASSERT_TRUE(parse_ack_numbers(std::string_view(subject).substr(ack->numbers_at), numbers)) << subject;
    EXPECT_EQ(numbers.delivered, 2U) << subject;
    EXPECT_EQ(numbers.stream_sequence, 5U) << subject;
    EXPECT_EQ(numbers.consumer_sequence, 7U) << subject;
    EXPECT_EQ(numbers.time_ns, 1795680440017836810) << subject;
  }
  for (const char* subject : {"", "$JS.ACK.", "$JS.ACK.S1.c1.1.1.1.1", "$JS.ACK.S1.c1.x.1.1.1.0", "_INBOX.a.b.c",
                              "$JS.ACK.d.S1.c1.1.1.1.1.0", "$JS.ACK.S1.c1.1.1.1.1.99999999999999999999"}) {
    EXPECT_FALSE(parse_ack_subject(subject)) << subject;
  }
}

TEST(JetStreamWire, KnowsWhatAStatusEnds) {
  struct Row {
    const char *code, *description;
    PullEnd expected;
  };
  for (const auto& [code, description, expected] :
       {Row{"100", "Idle Heartbeat", PullEnd::kAlive}, Row{"404", "No Messages", PullEnd::kExpired},
        Row{"408", "Request Timeout", PullEnd::kExpired},
        Row{"409", "Message Size Exceeds MaxBytes", PullEnd::kExpired},
        Row{"409", "Exceeded MaxWaiting", PullEnd::kRefused}, Row{"409", "Batch Completed", PullEnd::kExpired},
        Row{"409", "Consumer Deleted", PullEnd::kDeleted}, Row{"409", "Leadership Change", PullEnd::kMoved},
        Row{"409", "Server Shutdown", PullEnd::kMoved}, Row{"409", "Exceeded MaxRequestBatch of 5", PullEnd::kUnusable},
        Row{"500", "", PullEnd::kUnusable}}) {
    EXPECT_EQ(pull_end(code, description), expected) << code << ' ' << description;
  }
}

TEST(JetStreamWire, ReadsAcknowledgementsOfPublishes) {
  const auto stored = parse_publish_ack(R"({"stream":"S1", "seq":42})");
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->sequence, 42U);
  EXPECT_FALSE(stored->duplicate);
  const auto again = parse_publish_ack(R"({"stream":"S1", "seq":42,"duplicate": true})");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sequence, 42U);
  EXPECT_TRUE(again->duplicate);
  const auto domain = parse_publish_ack(R"({"domain":"d","seq":7,"stream":"S"})");
  ASSERT_TRUE(domain);
  EXPECT_EQ(domain->sequence, 7U);
  const auto refused = parse_publish_ack(
      R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"F","seq":0})");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, 400);
  EXPECT_EQ(refused->error, "wrong last sequence: 5");
  EXPECT_EQ(fault_of(refused->code, refused->error_code).code, RST_E_PRECONDITION);
  for (const char* text : {"", "{}", "[1]", "{\"stream\":\"S\", \"seq\":", "hello"}) {
    EXPECT_FALSE(parse_publish_ack(text)) << text;
  }
}

TEST(JetStreamWire, StoresASequenceInAPosition) {
  auto position = position_at(77, 5);
  EXPECT_EQ(position.kind, RST_POSITION_AT);
  EXPECT_EQ(sequence_of(position), 77U);
  position.kind = RST_POSITION_AFTER;
  EXPECT_EQ(sequence_of(position), 78U);
  position.len = 3;
  EXPECT_FALSE(sequence_of(position));
  EXPECT_FALSE(sequence_of(position_at(0)));
}

TEST(JetStreamWire, WritesAndReadsTimes) {
  struct Row {
    std::int64_t time_ns;
    const char* text;
  };
  for (const auto& [time_ns, text] :
       {Row{0, "1970-01-01T00:00:00.000000000Z"}, Row{1795680440017836810, "2026-11-26T08:07:20.017836810Z"},
        Row{-1, "1969-12-31T23:59:59.999999999Z"}}) {
    EXPECT_EQ(to_rfc3339(time_ns), text);
    EXPECT_EQ(from_rfc3339(text), time_ns) << text;
  }
  EXPECT_EQ(from_rfc3339("2026-01-01T00:00:00.5Z"), from_rfc3339("2026-01-01T00:00:00.500000000Z"));
  EXPECT_EQ(from_rfc3339("1970-01-01T00:00:01Z"), 1'000'000'000);
  for (const char* text : {"", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00",
                           "2026-01-01T00:00:00.Z", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00.0000000001Z"}) {
    EXPECT_FALSE(from_rfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace ruststream::nats
