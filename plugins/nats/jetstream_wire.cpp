#include "jetstream_wire.hpp"

#include "jetstream_config.hpp"

#include <ruststream/abi/error.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

namespace ruststream::nats {
namespace {

constexpr std::string_view kAckPrefix = "$JS.ACK.";

template <class Number>
bool read(std::string_view text, Number& number) noexcept {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size();
}

std::optional<PublishAck> parse_unusual_ack(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || (!json.contains("seq") && !json.contains("error"))) return std::nullopt;
  PublishAck ack;
  ack.sequence = number_in(json, "seq");
  const auto duplicate = json.find("duplicate");
  ack.duplicate = duplicate != json.end() && *duplicate == true;
  if (const auto& error = object_in(json, "error"); !error.empty()) {
    ack.code = static_cast<std::int32_t>(number_in(error, "code", 500));
    ack.error_code = static_cast<std::int32_t>(number_in(error, "err_code"));
    ack.error = text_in(error, "description");
  }
  return ack;
}

}  // namespace

std::optional<AckSubject> parse_ack_subject(std::string_view subject) noexcept {
  constexpr std::size_t kTokens = 7, kAccountTokens = 9;  // behind the prefix, without and with domain and account
  if (!subject.starts_with(kAckPrefix)) return std::nullopt;
  std::array<std::string_view, kAccountTokens> tokens;
  std::size_t count = 0;
  for (auto rest = subject.substr(kAckPrefix.size()); count < tokens.size();) {
    const auto dot = rest.find('.');
    tokens[count++] = rest.substr(0, dot);  // newer servers may put more behind the last
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (count != kTokens && count != kAccountTokens) return std::nullopt;
  const std::string_view* const first = tokens.data() + (count - kTokens);
  AckSubject ack;
  ack.stream = first[0];
  ack.consumer = first[1];
  ack.numbers_at = static_cast<std::size_t>(first[2].data() - subject.data());
  const bool numbers = read(first[2], ack.delivered) && read(first[3], ack.stream_sequence) &&
                       read(first[4], ack.consumer_sequence) && read(first[5], ack.time_ns) &&
                       read(first[6], ack.pending);
  return numbers ? std::optional(ack) : std::nullopt;
}

PullEnd pull_end(std::string_view code, std::string_view description) noexcept {
  const auto says = [&](std::string_view words) { return description.find(words) != std::string_view::npos; };
  if (code == "100") return PullEnd::kAlive;
  if (code == "404" || code == "408") return PullEnd::kExpired;
  if (code == "423") return PullEnd::kRefused;
  if (code != "409") return PullEnd::kUnusable;
  if (says("Message Size Exceeds") || says("Batch Completed")) return PullEnd::kExpired;  // the latter: with bytes left
  if (says("Exceeded MaxWaiting")) return PullEnd::kRefused;
  if (says("Consumer Deleted")) return PullEnd::kDeleted;
  if (says("Leadership Change") || says("Server Shutdown")) return PullEnd::kMoved;
  return PullEnd::kUnusable;
}

std::optional<PublishAck> parse_publish_ack(std::string_view text) {
  constexpr std::string_view kFirst = R"({"stream":")", kSecond = R"(", "seq":)";
  if (text.starts_with(kFirst)) {  // as every server so far writes it; else in whatever form JSON allows
    const auto end = text.find('"', kFirst.size());
    if (end != std::string_view::npos && text.substr(end).starts_with(kSecond)) {
      PublishAck ack;
      const char* const last = text.data() + text.size();
      const auto [behind, failed] = std::from_chars(text.data() + end + kSecond.size(), last, ack.sequence);
      if (failed == std::errc() && behind + 1 == last && *behind == '}') return ack;
    }
  }
  return parse_unusual_ack(text);
}

ApiFault fault_of(std::int32_t code, std::int32_t error_code) noexcept {
  struct Row {
    std::int32_t error_code;
    ApiFault fault;
  };
  static constexpr Row kRows[] = {
      {10013, {RST_E_PRECONDITION, RST_ERROR_USER}},    // consumer name already in use, with other settings
      {10023, {RST_E_EXHAUSTED, RST_ERROR_RETRYABLE}},  // insufficient resources
      {10039, {RST_E_UNSUPPORTED, RST_ERROR_USER}},     // JetStream not enabled for account
      {10047, {RST_E_EXHAUSTED, RST_ERROR_RETRYABLE}},  // insufficient storage resources available
      {10054, {RST_E_TOO_LARGE, RST_ERROR_USER}},       // message size exceeds maximum allowed
      {10058, {RST_E_EXISTS, RST_ERROR_USER}},          // stream name already in use
      {10060, {RST_E_PRECONDITION, RST_ERROR_USER}},    // expected stream does not match
      {10065, {RST_E_EXISTS, RST_ERROR_USER}},          // subjects overlap with an existing stream
      {10070, {RST_E_PRECONDITION, RST_ERROR_USER}},    // wrong last message id
      {10071, {RST_E_PRECONDITION, RST_ERROR_USER}},    // wrong last sequence
      {10076, {RST_E_UNSUPPORTED, RST_ERROR_USER}},     // JetStream not enabled
      {10077, {RST_E_EXHAUSTED, RST_ERROR_RETRYABLE}},  // stream store failed: maximum messages or bytes reached
      {10148, {RST_E_PRECONDITION, RST_ERROR_USER}},    // consumer already exists
  };
  for (const Row& row : kRows) {
    if (row.error_code == error_code) return row.fault;
  }
  switch (code) {
    case 400: return {RST_E_INVALID, RST_ERROR_USER};
    case 403: return {RST_E_DENIED, RST_ERROR_USER};
    case 404: return {RST_E_NOT_FOUND, RST_ERROR_USER};
    case 408: return {RST_E_TIMEOUT, RST_ERROR_RETRYABLE};
    case 503: return {RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE};
    default: return {RST_E_INTERNAL, RST_ERROR_RETRYABLE};
  }
}

rst_position position_at(std::uint64_t sequence, std::int64_t time_ns) noexcept {
  rst_position position{};
  position.kind = RST_POSITION_AT;
  position.len = sizeof sequence;
  position.time_ns = time_ns;
  std::memcpy(position.data, &sequence, sizeof sequence);
  return position;
}

std::optional<std::uint64_t> sequence_of(const rst_position& position) noexcept {
  std::uint64_t sequence = 0;
  if (position.len != sizeof sequence) return std::nullopt;
  std::memcpy(&sequence, position.data, sizeof sequence);
  if (sequence == 0) return std::nullopt;
  return position.kind == RST_POSITION_AFTER ? sequence + 1 : sequence;
}

std::string to_rfc3339(std::int64_t time_ns) {
  namespace chrono = std::chrono;
  const chrono::sys_time<chrono::nanoseconds> time{chrono::nanoseconds(time_ns)};
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  std::array<char, 48> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<std::int64_t> from_rfc3339(std::string_view text) noexcept {
  namespace chrono = std::chrono;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool form = text.size() >= 20 && text.back() == 'Z' && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
                    text[13] == ':' && text[16] == ':';
  const bool numbers = form && read(text.substr(0, 4), year) && read(text.substr(5, 2), month) &&
                       read(text.substr(8, 2), day) && read(text.substr(11, 2), hour) &&
                       read(text.substr(14, 2), minute) && read(text.substr(17, 2), second);
  if (!numbers) return std::nullopt;
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  auto time = chrono::sys_days(date).time_since_epoch() + chrono::hours(hour) + chrono::minutes(minute) +
              chrono::nanoseconds(chrono::seconds(second));
  if (const auto fraction = text.substr(19, text.size() - 20); !fraction.empty()) {
    std::uint32_t number = 0;
    if (fraction.size() < 2 || fraction.size() > 10 || fraction[0] != '.' || !read(fraction.substr(1), number))
      return std::nullopt;
    std::int64_t nanoseconds = number;
    for (auto digits = fraction.size() - 1; digits < 9; ++digits) nanoseconds *= 10;
    time += chrono::nanoseconds(nanoseconds);
  }
  return time.count();
}

}  // namespace ruststream::nats
