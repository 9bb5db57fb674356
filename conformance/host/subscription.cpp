#include "host/test.hpp"

namespace conformance {

std::optional<Message> Subscription::try_next(std::chrono::nanoseconds at_most) const {
  (void)instance->test.wait([this] { return instance->host.waiting(id) != 0; }, at_most);
  instance->test.check();
  return instance->host.take(id);
}

Message Subscription::next(std::string_view rule, std::string_view expected) const {
  std::optional<Message> message = try_next(instance->test.testkit.arrival);
  if (!message) instance->test.fail(rule, std::string(expected), "nothing came");
  return std::move(*message);
}

std::vector<Message> Subscription::next(std::size_t count, std::string_view rule) const {
  std::vector<Message> all;
  while (all.size() < count) {
    std::optional<Message> message = try_next(instance->test.testkit.arrival);
    if (!message) {
      instance->test.fail(rule, std::to_string(count) + " messages are delivered",
                          std::to_string(all.size()) + " came");
    }
    all.push_back(std::move(*message));
  }
  return all;
}

void Subscription::nothing(std::string_view rule, std::string_view expected, std::chrono::nanoseconds at_least) const {
  const std::chrono::nanoseconds quiet = instance->test.testkit.quiet;
  if (const auto message = try_next(std::max(at_least, quiet)); message) {
    instance->test.fail(rule, std::string(expected), "a message came: " + quoted(message->payload));
  }
}

Settled Subscription::settle(std::span<const Verdict> verdicts, std::uint32_t flags, std::uint64_t tx) const {
  if (instance->table().settle == nullptr) {
    if (kind->can(RST_CAP_SETTLE)) instance->test.fail("entry", "a kind that declares SETTLE has settle", "it is null");
    return {{RST_E_UNSUPPORTED, 0, 0, "the plugin has no settle"}, {}};
  }
  auto items = std::make_shared<Lent<rst_settlement>>("rst_settlement", verdicts.size());
  auto details = std::make_shared<Lent<rst_settle_detail>>("rst_settle_detail", verdicts.size());
  auto texts = std::make_shared<std::vector<Lent<char>>>();
  const auto lend = [&](std::string_view text) {
    return rst_str{texts->emplace_back(lend_bytes(text, "rst_settle_detail's text")).get(), text.size()};
  };
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& from = verdicts[i];
    (*items)[i] = {from.token, static_cast<std::uint64_t>(from.delay.count()), nullptr, from.verdict, from.flags,
                   kUnwritten};
    if (from.reason.empty() && from.dead_letter.empty()) continue;
    rst_settle_detail& detail = (*details)[i];
    detail.struct_size = sizeof detail;
    if (!from.reason.empty()) detail.reason = lend(from.reason);
    if (!from.dead_letter.empty()) detail.dead_letter = lend(from.dead_letter);
    (*items)[i].detail = &detail;
  }
  auto call = std::make_shared<Lent<rst_settle>>("rst_settle");
  Settled settled;
  settled.statuses.assign(verdicts.size(), kUnwritten);
  std::vector<std::int32_t>& statuses = settled.statuses;
  const auto collect = [&statuses, items, details, texts, call](std::int32_t) {
    for (std::size_t i = 0; i < statuses.size(); ++i) statuses[i] = (*items)[i].status;
  };
  rst_settle& raw = **call;
  raw.struct_size = sizeof raw;
  raw.flags = flags;
  raw.subscription = handle;
  raw.tx = tx;
  raw.items = items->get();
  raw.count = static_cast<std::uint32_t>(verdicts.size());
  raw.stride = sizeof(rst_settlement);
  raw.timeout_ns = 5'000'000'000;
  constexpr auto kTimeout = 5s;
  settled.verb = instance
                     ->call(
                         "settle", 0, kTimeout,
                         [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
                           raw.op = op;
                           return instance->table().settle(instance->raw(), &raw, error);
                         },
                         collect)
                     .wait();
  bool refused = settled.verb.code == RST_E_BACKPRESSURE;
  for (std::size_t i = 0; i < verdicts.size() && settled.verb.ok(); ++i) {
    if (statuses[i] == kUnwritten) {
      instance->test.fail("M4", "each status is written before the completion, or before settle returns",
                          "that of item " + std::to_string(i) + " was not");
    }
    refused = refused || rst_status_code(statuses[i]) == RST_E_BACKPRESSURE;
    if (statuses[i] >= 0 && verdicts[i].verdict != RST_VERDICT_EXTEND && tx == 0)
      instance->host.settled(id, verdicts[i].token);
  }
  if (refused) instance->test.fail("S7", "settle never returns BACKPRESSURE", "it did");
  return settled;
}

std::int32_t Subscription::settle(const Message& message, std::uint16_t verdict, std::chrono::nanoseconds delay) const {
  const Verdict one{message.token, verdict, delay};
  return settle(one, kind->can(RST_CAP_SETTLE_CONFIRM) ? RST_SETTLE_CONFIRM : 0).code();
}

void Subscription::must(const Message& message, std::uint16_t verdict, std::chrono::nanoseconds delay) const {
  if (const std::int32_t code = settle(message, verdict, delay); code != 0) {
    const std::string_view rule = code == RST_E_SETTLED ? "S1" : code == RST_E_STALE ? "S3" : "S2";
    instance->test.fail(rule, "a declared verdict is taken: " + std::string(verdict_name(verdict)), code_name(code));
  }
}

std::int32_t Subscription::credit(std::uint32_t messages, std::uint64_t bytes) const {
  instance->host.add_credit(id, {messages, bytes});
  const Lent<rst_credit> call("rst_credit");
  *call = {sizeof(rst_credit), RST_CREDIT_ADD, handle, messages, 0, bytes, 0};
  const std::int32_t returned = instance->call(
      "credit", [&](rst_error* error) { return instance->table().credit(instance->raw(), call.get(), error); });
  instance->test.check();
  return -returned;
}

Outcome Subscription::try_seek(const rst_position& to) const {
  Test& test = instance->test;
  const auto* const table = test.plugin.extension<rst_seek>(RST_EXT_SEEK);
  if (table == nullptr) test.fail("cap", "a plugin that declares SEEK has rst.seek", "it has none");
  const Lent<rst_position> position("rst.seek's position");
  *position = to;
  Pending pending = instance->call(
      "rst.seek", 0, 5s,
      [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
        return table->seek(instance->raw(), handle, position.get(), 1, op, error);
      },
      [host = &instance->host, id = id](std::int32_t) { host->void_tokens(id); });
  return pending.wait();
}

void Subscription::seek(const rst_position& to) const {
  const Outcome outcome = try_seek(to);
  instance->test.expect(outcome.ok(), "cap", "rst.seek goes to a position that is kept", outcome.said());
}

Pending Subscription::drain() const {
  constexpr auto kTimeout = 5s;
  const Lent<rst_credit> call("rst_credit");
  return instance->call(
      "credit", 0, kTimeout,
      [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
        *call = {sizeof(rst_credit), RST_CREDIT_DRAIN, handle, 0, 0, 0, op};
        return instance->table().credit(instance->raw(), call.get(), error);
      },
      [host = &instance->host, id = id](std::int32_t code) {
        if (code == RST_OK) host->drained(id);
      });
}

Pending Subscription::close(std::uint32_t flags, std::chrono::nanoseconds timeout) const {
  return instance->close(id, 0, handle, flags, timeout);
}

}  // namespace conformance
