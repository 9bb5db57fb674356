#include "codec/codec_testing.hpp"
#include "codec/json_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace ruststream::inline v0::codec {
namespace {

enum class Side : std::uint8_t { buy, sell, hold = 7 };

struct Order {
  std::uint64_t id;
  std::uint32_t quantity;
};

struct Place {
  std::string type;
  std::array<double, 3> coordinates;
};

struct Event {
  std::optional<double> mag;
  Place geometry;
  std::optional<std::string> alert;
  std::vector<Order> orders;
  std::map<std::string, std::int8_t> counts;
  Side side;
};

constexpr std::string_view kEvent =
    R"({"mag":4.5,"geometry":{"type":"Point","coordinates":[1,-2.5,3e2]},"alert":null,)"
    R"("orders":[{"id":1,"quantity":2},{"quantity":4,"id":3}],"counts":{"a":-1,"b":127},"side":"hold"})";

/// The event with one part of its text replaced.
std::string event_with(std::string_view part, std::string_view instead) {
  std::string document(kEvent);
  return document.replace(document.find(part), part.size(), instead);
}

template <class T>
T decoded(std::string_view document) {
  T object{};
  Arena arena;
  EXPECT_EQ(decode_error(json(), document, object, arena), "") << document;
  return object;
}

TEST(JsonDecode, FillsNestedStructsAndContainers) {
  const auto event = decoded<Event>(kEvent);
  EXPECT_EQ(event.mag, 4.5);
  EXPECT_EQ(event.geometry.type, "Point");
  EXPECT_EQ(event.geometry.coordinates, (std::array{1.0, -2.5, 300.0}));
  EXPECT_EQ(event.alert, std::nullopt);
  ASSERT_EQ(event.orders.size(), 2);
  EXPECT_EQ(event.orders[1].id, 3);
  EXPECT_EQ(event.orders[1].quantity, 4);
  EXPECT_EQ(event.counts, (std::map<std::string, std::int8_t>{{"a", -1}, {"b", 127}}));
  EXPECT_EQ(event.side, Side::hold);
}

TEST(JsonDecode, TakesWhiteSpaceUnknownMembersAndAnyOrder) {
  for (const std::string_view document : {
           R"({"id":1000000,"quantity":37})",
           "\t{ \"quantity\" :\r\n 37 , \"id\" : 1000000 } \n",
           R"({"id":1000000,"i":[1,{"a":[]},[]],"ids":"{","quantity_":{},"quantit":null,"quantity":37})",
           R"({"x":{"y":[true,false,null,-0.5e+3,"\n\u00e9\ud83d\ude00"]},"\u0069d":1000000,"quantity":37,"":0})",
       }) {
    const auto order = decoded<Order>(document);
    EXPECT_EQ(order.id, 1000000) << document;
    EXPECT_EQ(order.quantity, 37) << document;
  }
}

TEST(JsonDecode, ErrorsSayWhereWhatWasExpectedAndWhatWasThere) {
  const struct {
    std::string document;
    std::string_view error;
  } cases[] = {
      {event_with("4.5", "\"secret\""), "mag: expected number, found string"},
      {event_with("4.5", "4.5.6"), "mag: malformed JSON: expected number, found number"},
      {event_with("4.5", "1e400"), "mag: the number does not fit into double"},
      {event_with("-2.5", "{}"), "geometry.coordinates[1]: expected number, found object"},
      {event_with(",3e2", ""), "geometry.coordinates: expected 3 elements, found 2"},
      {event_with("3e2", "3,4"), "geometry.coordinates: expected 3 elements, found more"},
      {event_with("\"Point\"", "null"), "geometry.type: expected string, found null"},
      {event_with("\"type\":\"Point\",", ""), "geometry.type: missing"},
      {event_with("\"alert\":null", "\"alert\":nil"), "alert: malformed JSON: expected null, found null"},
      {event_with("\"alert\":null", "\"alert\":\"\\x\""), "alert: malformed escape in a string"},
      {event_with("\"quantity\":4", "\"quantity\":4294967296"),
       "orders[1].quantity: the number does not fit into uint32"},
      {event_with("\"quantity\":4", "\"quantity\":-4"), "orders[1].quantity: the number does not fit into uint32"},
      {event_with("\"quantity\":4", "\"quantity\":4.0"),
       "orders[1].quantity: expected integer, found number with a fraction or an exponent"},
      {event_with("\"quantity\":4", "\"quantity\":04"),
       "orders[1].quantity: malformed JSON: expected integer, found number"},
      {event_with("\"quantity\":4,", "\"quantity\":4,\"quantity\":4,"), "orders[1].quantity: given twice"},
      {event_with("\"orders\":[", "\"orders\":7,\"o\":["), "orders: expected array, found number"},
      {event_with("127", "128"), "counts[*]: the number does not fit into int8"},
      {event_with("\"b\"", "\"a\""), "counts: a key is given twice"},
      {event_with("hold", "secret"), "side: the string is not a name of Side"},
      {"[]", "expected object, found array"},
      {"7", "expected object, found number"},
      {"", "the payload is empty"},
      {" \n", "the payload is empty"},
      {R"({"mag":1)", "the JSON document is cut off, or something follows it"},
      {R"({"mag":{})", "mag: expected number, found object"},
      {R"({"x":{})", "malformed JSON: expected `,` or `}`, found the end of the payload"},
      {std::string(kEvent) + "7", "the JSON document is cut off, or something follows it"},
      {std::string(kEvent) + "{}", "something follows the end of the JSON document"},
      {R"({"mag" 1})", "malformed JSON: expected `:`, found number"},
      {R"({"mag":1,})", "malformed JSON: expected the name of a member, found punctuation"},
      {R"({mag:1})", "malformed JSON: expected the name of a member, found something that is not JSON"},
      {R"({"mag":1 "x":2})", "malformed JSON: expected `,` or `}`, found string"},
      {R"({"x":tru})", "malformed JSON: expected a value, found boolean"},
      {R"({"x":"\ud800"})", "malformed escape in a string"},
      {R"({"x":01})", "malformed JSON: expected a value, found number"},
      {"{\"mag\":\"\xff\"}", "the payload is not valid UTF-8"},
      {"{\"x\":\"a\nb\"}", "a control character stands in a string without an escape"},
      {R"({"x":"abc})", "a string does not end"},
  };
  for (const auto& [document, error] : cases) EXPECT_EQ(decode_error<Event>(document), error) << document;
}

template <class Int>
void check_range() {
  using Limits = std::numeric_limits<Int>;
  EXPECT_EQ(decoded<Int>(std::to_string(Limits::max())), Limits::max());
  EXPECT_EQ(decoded<Int>(std::to_string(Limits::min())), Limits::min());
  EXPECT_NE(decode_error<Int>(std::to_string(Limits::max()) + "0"), "");
  std::string above = std::to_string(Limits::max());
  ++above.back();
  EXPECT_TRUE(decode_error<Int>(above).starts_with("the number does not fit into")) << above;
  std::string below = Limits::min() == 0 ? "-1" : std::to_string(Limits::min());
  if (Limits::min() != 0) ++below.back();
  EXPECT_TRUE(decode_error<Int>(below).starts_with("the number does not fit into")) << below;
}

TEST(JsonDecode, IntegersOfEveryWidthAreCheckedAgainstTheirRange) {
  check_range<std::int8_t>();
  check_range<std::int16_t>();
  check_range<std::int32_t>();
  check_range<std::int64_t>();
  check_range<std::uint8_t>();
  check_range<std::uint16_t>();
  check_range<std::uint32_t>();
  check_range<std::uint64_t>();
  std::string digits = "1";
  for (std::uint64_t value = 1; digits.size() <= 19;
       value = value * 10 + digits.size() % 10, digits = std::to_string(value)) {
    EXPECT_EQ(decoded<std::vector<std::uint64_t>>("[ " + digits + " ]").at(0), value);
  }
  for (const std::string_view malformed : {"-", "--1", "+1", "1-", "0x1", "1a", "12345678a", "00", "1 2"}) {
    EXPECT_NE(decode_error<std::int64_t>(malformed), "") << malformed;
  }
}

TEST(JsonDecode, NumbersTooSmallBecomeZeroAndTooLargeOnesAreErrors) {
  EXPECT_EQ(decoded<double>("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(decoded<double>("5e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(decoded<double>("1e-400"), 0.0);
  EXPECT_EQ(decoded<double>("0." + std::string(400, '0') + "1"), 0.0);
  EXPECT_TRUE(std::signbit(decoded<double>("-1e-99999999999999999999")));
  EXPECT_EQ(decoded<double>("0e99999999999999999999"), 0.0);
  EXPECT_EQ(decode_error<float>("1e39"), "the number does not fit into float");
  EXPECT_EQ(decode_error<double>("-" + std::string(400, '9') + "e-5"), "the number does not fit into double");
  for (const std::string_view malformed : {"1.", ".5", "1e", "1e+", "-", "NaN", "Infinity", "1.5.", "0x1p3", "00.5"}) {
    EXPECT_NE(decode_error<double>(malformed), "") << malformed;
  }
}

TEST(JsonDecode, EveryKindCanBeTheWholeDocument) {
  EXPECT_TRUE(decoded<bool>(" true "));
  EXPECT_EQ(decoded<std::string>(R"("a\"b")"), "a\"b");
  EXPECT_EQ(decoded<std::optional<int>>("null"), std::nullopt);
  EXPECT_EQ(decoded<Side>("\"sell\""), Side::sell);
  EXPECT_EQ(decoded<std::vector<std::optional<int>>>("[1,null,3]"), (std::vector<std::optional<int>>{1, {}, 3}));
  EXPECT_EQ((decoded<std::unordered_map<std::string, std::vector<int>>>(R"({"a":[],"\u0062":[1]})")),
            (std::unordered_map<std::string, std::vector<int>>{{"a", {}}, {"b", {1}}}));
  EXPECT_EQ(decode_error<int>({}), "the payload is empty");
  struct None {};
  EXPECT_EQ(decode_error<None>(R"({"a":1,"\u0062":{}})"), "");
  EXPECT_EQ(decode_error<int>("1,"), "something follows the end of the JSON document");
  EXPECT_EQ(decode_error<int>("]"), "expected integer, found punctuation");
  EXPECT_EQ(decode_error<std::vector<int>>("[1,"), "the JSON document is cut off, or something follows it");
}

TEST(JsonDecode, BytesAreBase64) {
  const struct {
    std::string_view text, bytes;
  } cases[] = {
      {"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9v+/8A", std::string_view("foo\xfb\xff\0", 6)}};
  for (const auto& [text, bytes] : cases) {
    const std::string document = '"' + std::string(text) + '"';
    const auto owned = decoded<std::vector<std::byte>>(document);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(owned.data()), owned.size()), bytes);
    EXPECT_EQ(encoded(owned), document);
    std::span<const std::byte> view;
    Arena arena;
    EXPECT_EQ(decode_error(json(), document, view, arena), "");
    EXPECT_TRUE(std::equal(view.begin(), view.end(), owned.begin(), owned.end()));
  }
  for (const std::string_view text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v\\n", "Zm-_", "Zg==Zg=="}) {
    EXPECT_EQ(decode_error<std::vector<std::byte>>('"' + std::string(text) + '"'), "the string is not base64") << text;
  }
}

TEST(JsonDecode, StringsAreBorrowedUnlessTheyHaveEscapes) {
  struct Views {
    std::string_view plain, escaped;
    std::map<std::string_view, int> keys;
  };
  const std::string document =
      R"({"plain":"as it is","escaped":"\u20ac\t\\\/\"\ud83d\ude00","keys":{"k":1,"\u006b\n":2}})";
  Views views;
  Arena arena;
  ASSERT_EQ(decode_error(json(), document, views, arena), "");
  EXPECT_EQ(views.plain.data(), document.data() + document.find("as it is"));
  EXPECT_EQ(views.escaped, "\u20ac\t\\/\"\U0001f600");
  EXPECT_EQ(views.keys, (std::map<std::string_view, int>{{"k", 1}, {"k\n", 2}}));
}

TEST(JsonDecode, NestingIsBoundedForKnownAndUnknownValues) {
  struct Node {
    std::vector<Node> children;
  };
  const auto nested = [](std::size_t levels, std::string_view open, std::string_view close) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) text += open;
    for (std::size_t i = 0; i < levels; ++i) text += close;
    return text;
  };
  // Each node is an object and an array, and the innermost array is empty.
  EXPECT_EQ(decode_error<Node>(nested(kMaxNesting / 2, R"({"children":[)", "]}")), "");
  EXPECT_TRUE(decode_error<Node>(nested(kMaxNesting / 2 + 1, R"({"children":[)", "]}"))
                  .ends_with("values nest deeper than 64 levels"));
  for (const bool fits : {true, false}) {
    const std::string unknown = nested(kMaxNesting - (fits ? 1 : 0), "[", "]");
    EXPECT_EQ(decode_error<Node>(R"({"x":)" + unknown + R"(,"children":[]})"),
              fits ? "" : "values nest deeper than 64 levels");
  }
  EXPECT_EQ(decode_error<Node>(nested(100'000, "[", "]")), "expected object, found array");
}

TEST(JsonDecode, NothingOfAnEarlierMessageStaysInAReusedObject) {
  auto event = decoded<Event>(event_with("null", "\"red\""));
  Arena arena;
  constexpr std::string_view kBare =
      R"({"geometry":{"type":"","coordinates":[0,0,0]},"orders":[],"counts":{"b":1},"side":"buy"})";
  ASSERT_EQ(decode_error(json(), kBare, event, arena), "");
  EXPECT_EQ(event.mag, std::nullopt);
  EXPECT_EQ(event.alert, std::nullopt);
  EXPECT_EQ(event.geometry.type, "");
  EXPECT_EQ(event.geometry.coordinates, (std::array<double, 3>{}));
  EXPECT_TRUE(event.orders.empty());
  EXPECT_EQ(event.counts, (std::map<std::string, std::int8_t>{{"b", 1}}));
  EXPECT_EQ(event.side, Side::buy);
}

/// Memory whose last byte is followed by a page that cannot be read.
class GuardedText {
 public:
  explicit GuardedText(std::string_view text) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = static_cast<char*>(mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(mprotect(memory_ + page_, page_, PROT_NONE), 0);
    text_ = {memory_ + page_ - text.size(), text.size()};
    std::memcpy(memory_ + page_ - text.size(), text.data(), text.size());
  }
  GuardedText(const GuardedText&) = delete;
  GuardedText& operator=(const GuardedText&) = delete;
  ~GuardedText() { munmap(memory_, 2 * page_); }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::size_t page_;
  char* memory_;
  std::string_view text_;
};

TEST(JsonDecode, ReadsNoByteBehindThePayload) {
  for (std::size_t cut = 0; cut <= kEvent.size(); ++cut) {
    const GuardedText whole(kEvent.substr(0, cut));
    EXPECT_EQ(decode_error<Event>(whole.text()).empty(), cut == kEvent.size()) << cut;
  }
  for (const std::string_view text :
       {"{\"id\":7,\"quantity\":8}", "{\"quantity\":8,\"id\":7}", "{\"i\":7}", "7", "\"\""}) {
    const GuardedText guarded(text);
    EXPECT_EQ(decode_error<Order>(guarded.text()).empty(), text.size() > 20) << text;
  }
}

TEST(JsonDecode, SmallAndLargeDocumentsAreJudgedAlike) {
  // White space behind a document decides which code finds its tokens.
  const std::string padding(JsonIndex::kSmallDocument + 1, ' ');
  constexpr std::string_view kAlphabet = "{}[]:,\"\"\"aet10.-\\ \n\x01\x80n";
  std::uint32_t random = 1;
  for (int i = 0; i < 20'000; ++i) {
    std::string document = R"({"id":1,"quantity":2})";
    for (int change = 0; change < 3; ++change) {
      random = random * 1664525 + 1013904223;
      document[(random >> 8) % document.size()] = kAlphabet[(random >> 16) % kAlphabet.size()];
    }
    EXPECT_EQ(decode_error<Order>(document), decode_error<Order>(document + padding)) << document;
  }
}

}  // namespace
}  // namespace ruststream::inline v0::codec
