// Headers come out as they went in, within what a kind declares of them; what is outside is refused by name: rule P3.
#include "cases/case.hpp"
#include "cases/messages.hpp"
#include "cases/texts.hpp"

#include <cctype>
#include <tuple>

namespace conformance {
namespace {

using Headers = std::vector<Header>;

std::string shown(const Headers& headers) {
  std::string all;
  for (const Header& each : headers) {
    all += (all.empty() ? "" : ", ") + quoted(each.name) + "=" + (each.value ? quoted(*each.value) : "null") + "/" +
           std::to_string(each.type);
  }
  return "[" + all + "]";
}

bool declared(const Test& t, std::uint64_t bits) {
  return (t.publish_kind.capability(RST_CAP_HEADERS).limit & bits) == bits;
}

/// The broker's own are not the message's.
Headers only(const Headers& of, const Headers& sent, bool any_case) {
  const auto same = [&](const std::string& a, const std::string& b) {
    return any_case ? std::ranges::equal(
                          a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); })
                    : a == b;
  };
  Headers kept;
  for (const Header& each : of) {
    if (std::ranges::any_of(sent, [&](const Header& one) { return same(one.name, each.name); })) kept.push_back(each);
  }
  return kept;
}

/// What the profile lets a plugin change: order, types, case of names.
Headers as_declared(const Test& t, Headers headers) {
  for (Header& each : headers) {
    if (!declared(t, RST_HEADERS_CASE))
      std::ranges::transform(each.name, each.name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!declared(t, RST_HEADERS_TYPED) && each.value) each.type = RST_HEADER_BYTES;
  }
  if (!declared(t, RST_HEADERS_ORDER)) {
    std::ranges::sort(headers, {}, [](const Header& each) { return std::tuple(each.name, each.value, each.type); });
  }
  return headers;
}

/// Within the profile they come out; outside it publish fails and names the header, or they come out all the same.
void expect_headers(Test& t, const Subscription& sub, const Headers& headers, std::uint64_t needs, const char* what) {
  const Published published = t.publisher().publish(Out{.payload = "x", .headers = headers});
  const bool within = t.publish_kind.can(RST_CAP_HEADERS) && declared(t, needs);
  if (const std::int32_t code = published.code(); code != RST_OK) {
    t.expect(!within, "P3", std::string(what) + " within the declared profile is taken: " + shown(headers),
             code_name(code));
    if (published.verb.ok()) return;
    const bool named = std::ranges::any_of(headers, [&](const Header& each) {
      return !is_line(each.name) || published.verb.text.find(each.name) != std::string::npos;
    });
    t.expect(named, "P3", "the error names the header", quoted(published.verb.text));
    return;
  }
  const Message message = sub.next("P3", "a message that was accepted is delivered");
  const bool any_case = !declared(t, RST_HEADERS_CASE);
  const Headers whole = only(message.headers, headers, any_case);
  const Headers got = as_declared(t, whole);
  t.expect(got == as_declared(t, headers), "P3", std::string(what) + ": " + shown(headers), shown(got));
  constexpr std::uint64_t kGrey = RST_HEADERS_ANY_NAME | RST_HEADERS_ANY_VALUE;  // some bytes may be taken, others not
  if (!within && (needs & kGrey) == 0 && whole == headers)
    t.warn(std::string(what) + " come out as they went in, and HEADERS does not declare it");
  finish(sub, message);
}

Header text(std::string name, std::string value) { return {std::move(name), std::move(value), RST_HEADER_BYTES}; }

std::string bytes_of(const auto& value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

struct Sample {
  const char* what;
  std::uint64_t needs;
  std::vector<Headers> headers;
};

std::vector<Sample> samples() {
  const std::int64_t number = -5'000'000'000;
  const double fraction = 0.25;
  std::string every;
  for (int byte = 1; byte < 256; ++byte) every += static_cast<char>(byte);
  Headers ordered;
  for (const char* const name : {"zeta", "alpha", "mu", "beta", "omega"}) ordered.push_back(text(name, name));
  return {
      {"plain headers", 0, {{text("x-one", "1")}, {text("a", "b"), text("content-length", "1000000")}}},
      {"unicode in values", 0, {{text("x-name", "Grüße, 世界 🐇")}}},
      {"long values", 0, {{text("x-long", std::string(4000, 'v'))}}},
      {"values that look like lines",
       RST_HEADERS_ANY_VALUE,
       {{text("x-line", "a\r\nx-injected: b")}, {text("x-tab", "a\tb")}}},
      {"any bytes in values",
       RST_HEADERS_ANY_VALUE,
       {{text("x-bytes", every)}, {text("x-zero", std::string("\0a\0", 3))}}},
      {"names with spaces and colons",
       RST_HEADERS_ANY_NAME,
       {{text("a b", "1")}, {text("a:b", "1")}, {text("x\n", "1")}}},
      {"names of any bytes", RST_HEADERS_ANY_NAME, {{text("\xFF\xFE", "1")}, {text("größe", "1")}}},
      {"the order", RST_HEADERS_ORDER, {ordered}},
      {"headers of one name",
       RST_HEADERS_DUPLICATES,
       {{text("x-twice", "1"), text("x-twice", "2"), text("x-twice", "1")}}},
      {"empty values", RST_HEADERS_EMPTY, {{text("x-empty", "")}, {text("x-empty", ""), text("x-after", "1")}}},
      {"null values", RST_HEADERS_NULL, {{{"x-null", std::nullopt, RST_HEADER_NULL}}}},
      {"null beside empty values",
       RST_HEADERS_NULL | RST_HEADERS_EMPTY,
       {{{"x-null", std::nullopt, RST_HEADER_NULL}, text("x-empty", "")}}},
      {"types of values",
       RST_HEADERS_TYPED | RST_HEADERS_ANY_VALUE,
       {{{"x-text", "a", RST_HEADER_UTF8}},
        {{"x-i64", bytes_of(number), RST_HEADER_I64}},
        {{"x-f64", bytes_of(fraction), RST_HEADER_F64}},
        {{"x-bool", std::string("\1", 1), RST_HEADER_BOOL}},
        {{"x-time", bytes_of(std::int64_t{1'700'000'000'000}), RST_HEADER_TIME_MS}}}},
      {"the case of names", RST_HEADERS_CASE, {{text("X-Mixed-Case", "1")}, {text("X-A", "1"), text("x-a", "2")}}},
  };
}

constexpr Case kCases[] = {
    {.name = "content.headers",
     .rule = "P3",
     .says = "Headers come out as they went in, in all that HEADERS declares; beyond it publish refuses them by name.",
     .observes = RST_CAP_HEADERS,
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           for (const Sample& sample : samples()) {
             for (const Headers& headers : sample.headers) expect_headers(t, sub, headers, sample.needs, sample.what);
           }
           sub.nothing("P3", "what publish refused is not delivered");
         }},
    {.name = "content.most-headers",
     .rule = "P3",
     .says = "As many headers as declared come out; one more is refused, not cut off.",
     .needs = {RST_CAP_MAX_HEADERS},
     .observes = RST_CAP_MAX_HEADERS,
     .run =
         [](Test& t) {
           constexpr std::uint64_t kMost = 4096;
           const std::uint64_t limit = t.publish_kind.capability(RST_CAP_MAX_HEADERS).limit;
           if (limit == 0 || limit > kMost) Test::skip("the limit is " + std::to_string(limit));
           Headers most;
           for (std::uint64_t i = 0; i < limit; ++i) most.push_back(text("x-" + std::to_string(i), "v"));
           const Subscription sub = t.subscribe();
           expect_headers(t, sub, most, 0, "as many headers as declared");
           most.push_back(text("x-more", "v"));
           const std::int32_t code = t.publisher().publish(Out{.payload = "x", .headers = most}).code();
           t.expect(code != RST_OK, "P3", "one header over the declared limit is refused", "accepted");
           sub.nothing("P3", "what publish refused is not delivered");
         }},
    {.name = "content.unknown-header-type",
     .rule = "V2",
     .says = "A type of header that nobody defined is UNSUPPORTED, and the message is not published.",
     .run =
         [](Test& t) {
           constexpr std::uint8_t kUndefined = 200;
           const Subscription sub = t.subscribe();
           const Published published =
               t.publisher().publish(Out{.payload = "x", .headers = {{"x-odd", "value", kUndefined}}});
           t.expect_code(published.code(), RST_E_UNSUPPORTED, "V2", "an undefined type of header");
           sub.nothing("V2", "what publish refused is not delivered");
         }},
};

}  // namespace

std::span<const Case> header_cases() { return kCases; }

}  // namespace conformance
