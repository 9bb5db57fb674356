// What a message carries comes out as it went in, or is refused: rule P3. Headers are in headers.cpp.
#include "cases/case.hpp"
#include "cases/messages.hpp"

namespace conformance {
namespace {

/// Publishes one and takes it. Nothing when publishing it is refused, which then says so.
std::optional<Message> round_trip(Test& t, const Subscription& sub, const Out& message) {
  if (t.publisher().publish(message).code() != RST_OK) return std::nullopt;
  return sub.next("P3", "a message that was accepted is delivered");
}

void expect_payload(Test& t, const Subscription& sub, const std::string& payload) {
  const auto message = round_trip(t, sub, {.payload = payload});
  t.expect(message.has_value(), "P3", "a payload of the declared profile is taken: " + quoted(payload), "refused");
  t.expect(message->payload == payload && !message->null_payload, "P3", "the payload " + quoted(payload),
           message->null_payload ? "null" : quoted(message->payload));
  finish(sub, *message);
}

bool payloads_may(const Test& t, std::uint64_t bit) {
  return (t.publish_kind.capability(RST_CAP_PAYLOAD).limit & bit) != 0;
}

/// Not declared: it is refused, or comes out all the same; never altered.
void expect_refused_or_whole(Test& t, const Subscription& sub, const Out& message, const char* what) {
  const auto got = round_trip(t, sub, message);
  if (!got) return sub.nothing("P3", "what publish refused is not delivered");
  const bool null = (message.flags & RST_OUT_NULL_PAYLOAD) != 0;
  t.expect(got->payload == message.payload && got->null_payload == null, "P3",
           std::string(what) + " outside the declared profile is refused, never altered",
           got->null_payload ? "null" : quoted(got->payload));
  t.warn(std::string(what) + " comes out as it went in, and PAYLOAD does not declare it");
  finish(sub, *got);
}

constexpr std::int64_t kDay = 86'400'000'000'000;

std::int64_t wall_now() { return std::chrono::system_clock::now().time_since_epoch().count(); }

/// By clocks that may differ, but not by a day.
void expect_near(Test& t, std::int64_t time_ns, std::int64_t now_ns) {
  t.expect(time_ns > now_ns - kDay && time_ns < now_ns + kDay, "cap", "nanoseconds since the epoch, of today",
           std::to_string(time_ns));
}

/// One of the fields that travel beside the payload.
struct Beside {
  const char* name;
  std::string Out::* in;
  std::string Message::* out;
};
constexpr std::array<Beside, 4> kBeside{{{"reply_to", &Out::reply_to, &Message::reply_to},
                                         {"correlation", &Out::correlation, &Message::correlation},
                                         {"message id", &Out::message_id, &Message::message_id},
                                         {"content type", &Out::content_type, &Message::content_type}}};

constexpr Case kCases[] = {
    {.name = "content.payload-sizes",
     .rule = "P3",
     .says = "A payload of one byte, of a mebibyte, and of sizes around those of buffers comes out as it went in.",
     .run =
         [](Test& t) {
           std::uint64_t limit = t.publish_kind.capability(RST_CAP_MAX_PAYLOAD).limit;
           if (limit == 0) limit = 1U << 20U;
           const Subscription sub = t.subscribe();
           for (const std::size_t size : {1U, 2U, 63U, 64U, 65U, 255U, 256U, 4095U, 4096U, 65535U, 65536U, 1U << 20U}) {
             if (size > limit) break;
             std::string payload(size, 'a');
             for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
             expect_payload(t, sub, payload);
           }
         }},
    {.name = "content.payload-bytes",
     .rule = "P3",
     .says = "Bytes of every value, zeros and what is no UTF-8 included, come out as they went in.",
     .needs = {RST_CAP_PAYLOAD},
     .observes = RST_CAP_PAYLOAD,
     .run =
         [](Test& t) {
           std::string all;
           for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
           const Subscription sub = t.subscribe();
           if (!payloads_may(t, RST_PAYLOAD_BYTES))
             return expect_refused_or_whole(t, sub, {.payload = all}, "payload of bytes");
           for (const std::string& payload :
                {all, std::string("\0", 1), std::string("a\0b", 3), std::string("\xFF\xFE"), std::string("\r\n\r\n"),
                 std::string("+OK\r\nMSG a 1\r\n")}) {
             expect_payload(t, sub, payload);
           }
         }},
    {.name = "content.payload-empty-and-null",
     .rule = "P3",
     .says = "An empty payload comes out empty and a null one null, where declared; else publish refuses them.",
     .run =
         [](Test& t) {
           const Out empty{}, null{.flags = RST_OUT_NULL_PAYLOAD};
           const Subscription sub = t.subscribe();
           if (payloads_may(t, RST_PAYLOAD_EMPTY)) {
             expect_payload(t, sub, "");
           } else {
             expect_refused_or_whole(t, sub, empty, "an empty payload");
           }
           if (!payloads_may(t, RST_PAYLOAD_NULL)) return expect_refused_or_whole(t, sub, null, "a null payload");
           const auto got = round_trip(t, sub, null);
           t.expect(got.has_value(), "P3", "a null payload is taken", "refused");
           t.expect(got->null_payload && got->payload.empty(), "P3", "a null payload", quoted(got->payload));
           finish(sub, *got);
         }},
    {.name = "content.keys",
     .rule = "P3",
     .says = "A key of any bytes comes out as it went in, an empty one empty, none as none.",
     .needs = {RST_CAP_KEY},
     .observes = RST_CAP_KEY,
     .run =
         [](Test& t) {
           const std::uint64_t limit = t.publish_kind.capability(RST_CAP_KEY).limit;
           const Subscription sub = t.subscribe();
           const std::string bytes("\0k\xFF\n", 4);
           const std::string longest(limit == 0 ? 200 : std::min<std::uint64_t>(limit, 65536), 'k');
           for (const std::optional<std::string>& key :
                {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("key"),
                 std::optional<std::string>(bytes), std::optional<std::string>(longest)}) {
             const auto got = round_trip(t, sub, {.payload = "x", .key = key});
             const std::string name = key ? quoted(*key) : "none";
             t.expect(got.has_value(), "P3", "the key " + name + " is taken", "refused");
             t.expect(got->key == key, "P3", "the key " + name, got->key ? quoted(*got->key) : "none");
             finish(sub, *got);
           }
           if (limit == 0 || limit >= 65536) return;
           t.expect(!round_trip(t, sub, {.payload = "x", .key = std::string(limit + 1, 'k')}), "P3",
                    "a key longer than the declared limit is refused", "accepted");
         }},
    {.name = "content.meta",
     .rule = "P3",
     .says = "Reply address, correlation, message id and content type come out as they went in, or are refused.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::string reply = t.address("replies");
           for (const Beside& each : kBeside) {
             Out message{.payload = "x"};
             message.*each.in = each.in == &Out::reply_to       ? reply
                                : each.in == &Out::content_type ? "text/plain"
                                                                : "id-1";
             const auto got = round_trip(t, sub, message);
             if (!got) continue;  // the kind cannot carry it, and says so
             for (const Beside& other : kBeside) {
               t.expect(got.value().*other.out == message.*other.in, "P3",
                        std::string(other.name) + " " + quoted(message.*other.in), quoted(got.value().*other.out));
             }
             finish(sub, *got);
           }
         }},
    {.name = "content.reply-address-is-usable",
     .rule = "P3",
     .says = "The reply address that a delivery shows is a destination: what is published there arrives.",
     .run =
         [](Test& t) {
           const std::string reply = t.address("replies");
           const Subscription sub = t.subscribe(), replies = t.subscribe({.addresses = {reply}});
           const auto got = round_trip(t, sub, {.payload = "question", .reply_to = reply});
           if (!got) Test::skip("the kind carries no reply address");
           finish(sub, *got);
           t.publisher({.destination = ""}).send(Out{.payload = "answer", .destination = got->reply_to});
           const Message answer = replies.next("P3", "what is published to the reply address arrives");
           t.expect(answer.payload == "answer", "P3", "the answer", quoted(answer.payload));
           finish(replies, answer);
         }},
    {.name = "content.broker-fields",
     .rule = "cap",
     .says = "A declared broker field is readable in its type or NOT_FOUND; an undeclared id is INVALID.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           t.publisher().send(numbered(3));

           for (const Message& message : sub.next(3)) {
             rst_batch& batch = message.batch->raw();
             const auto* const ops = batch.ops;
             if (ops->field == nullptr) Test::skip("the plugin has no fields");
             std::uint32_t unknown = 1;
             for (std::uint32_t i = 0; i < t.plugin.table().field_count; ++i) {
               const rst_field_decl& field = t.plugin.field(i);
               unknown = std::max(unknown, field.id + 1);
               const Lent<rst_value> value("rst_batch_ops.field's value");
               const std::int32_t code = -ops->field(&batch, message.index, field.id, value.get());
               const bool here = field.kinds == 0 || (field.kinds >> t.kind.index & 1U) != 0;
               t.expect(code == RST_OK || code == RST_E_NOT_FOUND || (!here && code == RST_E_INVALID), "cap",
                        "field " + std::string(view(field.name)) + " is readable, or NOT_FOUND", code_name(code));
               t.expect(code != RST_OK || value->type == field.type, "cap",
                        std::string(view(field.name)) + " has the declared type " + std::to_string(field.type),
                        std::to_string(value->type));
             }
             const Lent<rst_value> none("rst_batch_ops.field's value");
             t.expect_code(-ops->field(&batch, message.index, unknown, none.get()), RST_E_INVALID, "cap",
                           "a field that is not declared");
             finish(sub, message);
           }
         }},
    {.name = "content.positions",
     .rule = "cap",
     .says = "A delivery tells its position; reading from it begins with it, reading after it with the next one.",
     .needs = {RST_CAP_POSITION, RST_CAP_SEEK},
     .observes = RST_CAP_POSITION,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::vector<Message> taken = exchange(t, sub, 5);
           rst_position at = position_of(t, taken[2]);
           t.expect(at.kind == RST_POSITION_AT, "cap", "a position of kind AT", std::to_string(at.kind));
           for (const auto& [kind, wanted] : {std::pair{RST_POSITION_AT, "m2"}, std::pair{RST_POSITION_AFTER, "m3"}}) {
             at.kind = static_cast<std::uint16_t>(kind);
             const Subscription from = t.subscribe({.group = t.kind.can(RST_CAP_GROUP) ? wanted : "", .start = at});
             const Message first = from.next("cap", "reading from a position brings what is there");
             t.expect(first.payload == wanted, "cap", std::string(wanted) + " first", quoted(first.payload));
             finish(from, first);
           }
           for (const Message& message : taken) finish(sub, message);
           at.kind = RST_POSITION_AT;
           sub.seek(at);
           const Message again = sub.next("cap", "seek to a position brings what is there");
           t.expect(again.payload == "m2", "cap", "m2 first, after seek", quoted(again.payload));
           finish(sub, again);
         }},
    {.name = "content.position-of-a-time",
     .rule = "cap",
     .says = "A position of kind TIME is the first message at or after that time, for start and for rst.seek.",
     .needs = {RST_CAP_SEEK},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 4});
           std::vector<std::int64_t> times;
           for (const char* payload : {"m0", "m1", "m2", "m3"}) {
             Out out{.payload = payload};
             if (t.publish_kind.can(RST_CAP_KEY)) out.key = "k";  // of one partition
             t.publisher().send(out);
             const Message message = sub.next();
             if (!message.time_ns) Test::skip("the plugin's batches have no timestamps");
             times.push_back(*message.time_ns);
             finish(sub, message);
             t.pass(t.tick() / 4);
           }
           std::vector<std::int64_t> places = times;
           for (const std::int64_t each : times) places.push_back(each + 50'000'000);
           std::ranges::sort(places);
           for (const std::int64_t place : places) {
             const auto first = std::ranges::find_if(times, [&](std::int64_t each) { return each >= place; });
             rst_position at = position(RST_POSITION_TIME);
             at.time_ns = place;
             const auto expect_first = [&](const Subscription& from, const char* how) {
               if (first == times.end()) return from.nothing("cap", "no message is at or after that time");
               const std::string wanted = "m" + std::to_string(first - times.begin());
               const Message message = from.next("cap", "reading from a time brings what is there");
               t.expect(message.payload == wanted, "cap", wanted + " first, after " + how, quoted(message.payload));
               finish(from, message);
             };
             const std::string group = t.kind.can(RST_CAP_GROUP) ? "at" + std::to_string(place) : "";
             auto [from, starting] = t.instance().try_subscribe({.group = group, .credit = 1, .start = at});
             const Outcome started = starting.wait();
             if (started.code == RST_E_UNSUPPORTED) Test::skip("positions of kind TIME are UNSUPPORTED");
             t.expect(started.ok(), "cap", "a subscription starts at a time", started.said());
             from.handle = started.value;
             expect_first(from, "start");
             sub.seek(at);
             sub.credit(1);
             expect_first(sub, "seek");
           }
         }},
    {.name = "content.timestamps",
     .rule = "cap",
     .says = "Where batches have timestamps, each message has that of its publication, by the broker's clock or the "
             "producer's; the same when it comes again.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 3});
           const Publisher out = t.publisher();
           std::vector<Message> taken;
           for (const Out& each : numbered(3)) {
             out.send(each);
             Message message = sub.next();
             if (!message.time_ns) Test::skip("the plugin's batches have no timestamps");
             expect_near(t, *message.time_ns, wall_now());
             t.expect(taken.empty() || *message.time_ns >= *taken.back().time_ns, "cap",
                      "not before what was published earlier", std::to_string(*message.time_ns));
             taken.push_back(std::move(message));
             t.pass(t.tick() / 4);
           }
           if (t.kind.capability(RST_CAP_RELEASE).level <= RST_LEVEL_COPY) return;
           for (const Message& message : taken) sub.release(message);
           sub.credit(3);
           for (const Message& again : sub.next(3, "S2")) {
             const auto before = std::ranges::find(taken, again.payload, &Message::payload);
             t.expect(before != taken.end() && again.time_ns == before->time_ns, "cap",
                      "the same timestamp when a message comes again", std::to_string(again.time_ns.value_or(0)));
             sub.ack(again);
           }
         }},
    {.name = "content.event-time",
     .rule = "cap",
     .says = "Where a batch says that its timestamps are the producer's, a message has the one that it was published "
             "with; else it has the broker's.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::int64_t given = (wall_now() - 2 * kDay) / 1'000'000 * 1'000'000;
           const auto message = round_trip(t, sub, {.payload = "m", .timestamp_ns = given});
           if (!message) Test::skip("publish takes no timestamp");
           if (!message->time_ns) Test::skip("the plugin's batches have no timestamps");
           const bool created = (message->batch->raw().flags & RST_BATCH_TIME_IS_CREATE) != 0;
           if (created) {
             t.expect(*message->time_ns == given, "cap", "the timestamp that it was published with",
                      std::to_string(*message->time_ns - given) + " ns later");
           } else {
             expect_near(t, *message->time_ns, wall_now());
           }
           finish(sub, *message);
         }},
};

}  // namespace

std::span<const Case> content_cases() { return kCases; }

}  // namespace conformance
