// What outlives a session, and the numbers about it: rst.admin (rule F4) and rst.stats.
#include "cases/case.hpp"
#include "cases/messages.hpp"

#include <map>
#include <nlohmann/json.hpp>

namespace conformance {
namespace {

/// One action of rst.admin on an object of the case's kind; `report` for what it describes.
Outcome administer(Test& t, std::uint32_t action, const std::string& name, const OptionTexts& options = {},
                   std::uint32_t flags = 0, const rst_report* report = nullptr) {
  const auto* const admin = t.plugin.extension<rst_admin>(RST_EXT_ADMIN);
  if (admin == nullptr || (t.kind.roles & RST_ROLE_ADMIN) == 0) Test::skip("the kind has no role ADMIN");
  const OptionTexts& base = action == RST_ADMIN_CREATE ? t.admin_options(t.kind.name) : OptionTexts{};
  const auto set = OptionArray::make(t.plugin, joined(base, options));
  if (!set) Test::skip("the testkit does not fit the plugin: " + set.error());
  const Lent<char> text = lend_bytes(name, "rst_admin_request.name");
  const Lent<rst_admin_request> request("rst_admin_request");
  const Connection& on = t.instance().connection();
  request->struct_size = sizeof(rst_admin_request);
  request->flags = flags;
  request->connection = on.handle;
  request->action = action;
  request->kind = t.kind.index;
  request->name = {text.get(), name.size()};
  request->options = set->data();
  request->option_count = set->size();
  request->report = report;
  request->timeout_ns = 5'000'000'000;
  return t.instance()
      .call("rst.admin", on.id, 5s,
            [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
              request->op = op;
              return admin->apply(t.instance().raw(), request.get(), error);
            })
      .wait();
}

void expect_done(Test& t, const Outcome& outcome, const char* what) {
  t.expect(outcome.ok(), "cap", std::string(what) + " succeeds", outcome.said());
}

using Numbers = std::map<std::uint32_t, std::uint64_t>;

/// What rst.stats says of a handle, or of an object by name and a connection's handle; empty where it says nothing.
Numbers snapshot(Test& t, std::uint64_t handle, const std::string& name = {}) {
  const auto* const stats = t.plugin.extension<rst_stats>(RST_EXT_STATS);
  if (stats == nullptr) Test::skip("the plugin has no rst.stats");
  constexpr std::uint32_t kMost = 64;
  const Lent<rst_stats_query> query("rst_stats_query");
  query->struct_size = sizeof(rst_stats_query);
  query->handle = handle;
  query->kind = t.kind.index;
  const Lent<char> text = lend_bytes(name, "rst_stats_query.name");
  query->name = {text.get(), name.size()};
  const Lent<rst_stat> all("rst.stats' numbers", kMost);
  std::uint32_t count = 0;
  std::uint64_t age = 0;
  const std::int32_t returned = t.instance().call("rst.stats", [&](rst_error* error) {
    return stats->snapshot(t.instance().raw(), query.get(), all.get(), kMost, &count, &age, error);
  });
  if (returned == -RST_E_UNSUPPORTED) return {};
  t.expect_code(-returned, RST_OK, "cap", "rst.stats of an open handle");
  Numbers numbers;
  if (age != 0) return numbers;  // older than what was just done
  for (std::uint32_t i = 0; i < std::min(count, kMost); ++i) {
    t.expect(all[i].reserved == 0, "V1", "rst_stat.reserved is zero", std::to_string(all[i].reserved));
    t.expect(numbers.insert({all[i].id, all[i].value}).second, "cap", "each number once",
             "id " + std::to_string(all[i].id) + " twice");
  }
  if (count < 2) return numbers;
  const Lent<rst_stat> one("rst.stats' numbers");  // an unreadable page behind it
  std::uint32_t again = 0;
  const std::int32_t short_of = t.instance().call("rst.stats", [&](rst_error* error) {
    return stats->snapshot(t.instance().raw(), query.get(), one.get(), 1, &again, &age, error);
  });
  t.expect(short_of == RST_DONE && again == count, "cap", "the whole count where only one number fits",
           std::to_string(again));
  return numbers;
}

bool is_counter(std::uint32_t id) {
  return (id >= RST_STAT_PUBLISHED && id <= RST_STAT_DROPPED) || id == RST_STAT_RECONNECTS;
}

void expect_risen(Test& t, const Numbers& before, const Numbers& after) {
  for (const auto& [id, value] : before) {
    const auto now = after.find(id);
    if (now != after.end() && is_counter(id))
      t.expect(now->second >= value, "cap", "counter " + std::to_string(id) + " never falls: " + std::to_string(value),
               std::to_string(now->second));
  }
}

void expect_number(Test& t, const Numbers& numbers, std::uint32_t id, std::uint64_t wanted, const char* what) {
  if (const auto found = numbers.find(id); found != numbers.end())
    t.expect(found->second == wanted, "cap", std::string(what) + " is " + std::to_string(wanted),
             std::to_string(found->second));
}

constexpr Case kCases[] = {
    {.name = "admin.create-and-delete",
     .rule = "cap",
     .says = "What is created anew is done, what is there already is done again, what is not there cannot be deleted.",
     .run =
         [](Test& t) {
           const std::string name = t.object("object");
           if (t.creates()) expect_done(t, administer(t, RST_ADMIN_DELETE, name), "delete");
           t.expect_code(administer(t, RST_ADMIN_DELETE, name).code, RST_E_NOT_FOUND, "cap",
                         "delete of what is not there");
           expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create");
           expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create of an equal one");
           const Outcome odd = administer(t, RST_ADMIN_CREATE, name, {}, 0x8000'0000U);
           t.expect_code(odd.code, RST_E_UNSUPPORTED, "V2", "an undefined flag of rst.admin");
           t.expect_code(administer(t, 999, name).code, RST_E_UNSUPPORTED, "V2", "an undefined action of rst.admin");
           expect_done(t, administer(t, RST_ADMIN_DELETE, name), "delete");
           t.expect_code(administer(t, RST_ADMIN_DELETE, name).code, RST_E_NOT_FOUND, "cap", "a second delete");
           if (t.creates()) expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create");
         }},
    {.name = "admin.create-different",
     .rule = "cap",
     .says = "Creating what is there with other options is EXISTS, and leaves it as it is.",
     .run =
         [](Test& t) {
           const std::string name = t.object("object");
           const rst_plugin& table = t.plugin.table();
           OptionTexts other;  // one number that is not its default
           for (std::uint32_t i = 0; i < table.option_count && other.empty(); ++i) {
             const rst_option_decl& option = t.plugin.option(i);
             const bool here = (option.scopes & RST_SCOPE_ADMIN) != 0 &&
                               (option.kinds == 0 || (option.kinds >> t.kind.index & 1U) != 0);
             const bool number = option.type == RST_TYPE_U64 && (option.flags & RST_OPTION_LIST) == 0;
             const std::int64_t value = option.min != 0 || option.max != 0 ? option.max : 7;
             if (here && number && value > 0 && std::to_string(value) != view(option.default_text))
               other = {{std::string(view(option.name)), std::to_string(value)}};
           }
           if (other.empty()) Test::skip("no option of scope ADMIN is a number");
           expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create");
           t.expect_code(administer(t, RST_ADMIN_CREATE, name, other).code, RST_E_EXISTS, "cap",
                         "create with another " + other[0].first);
           expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create of an equal one after that");
           if (!t.creates()) expect_done(t, administer(t, RST_ADMIN_DELETE, name), "delete");
         }},
    {.name = "admin.purge",
     .rule = "cap",
     .says = "Purge removes what waits and tells how many; what it does not count, or comes after it, is delivered.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 0});
           const Publisher out = t.publisher();
           out.send(numbered(6));
           const bool delays = t.publish_kind.can(RST_CAP_DELAY);
           if (delays) out.send(Out{.payload = "later", .delay = 4 * t.tick()});
           const Outcome purged = administer(t, RST_ADMIN_PURGE, t.object());
           if (purged.code == RST_E_UNSUPPORTED || purged.code == RST_E_NOT_FOUND)
             Test::skip("rst.admin knows no object of that name that can be purged");
           expect_done(t, purged, "purge");
           t.expect(purged.value == 6 || purged.value == 0 || (delays && purged.value == 7), "cap",
                    "6 removed, and one if it removes what is delayed, or 0 where it is not known",
                    std::to_string(purged.value));
           out.send("after");
           sub.credit(10);
           const Message message = sub.next("cap", "what is published after a purge is delivered");
           t.expect(message.payload == "after", "cap", "only what came after the purge",
                    conformance::quoted(message.payload));
           finish(sub, message);
           if (!delays || purged.value != 6) return;
           const auto later = sub.try_next(4 * t.tick() + t.testkit.arrival);
           t.expect(later.has_value(), "cap", "what a purge did not count is delivered", "nothing came");
           finish(sub, *later);
         }},
    {.name = "admin.concerns-its-object",
     .rule = "cap",
     .says = "Purge and delete of one address leave what waits at another.",
     .run =
         [](Test& t) {
           const std::string other = t.address("other");
           const Subscription sub = t.subscribe({.credit = 0});
           const Subscription untouched = t.subscribe({.addresses = {other}, .credit = 0});
           t.publisher().send(numbered(3));
           t.publisher({.destination = other}).send(numbered(3, "n"));
           (void)administer(t, RST_ADMIN_PURGE, t.address());
           (void)sub.close().wait();
           (void)administer(t, RST_ADMIN_DELETE, t.address());
           untouched.credit(10);
           const std::vector<Message> came = untouched.next(3, "cap");
           t.expect(payloads(came) == payloads(numbered(3, "n")), "cap", "what waits at another address", "others");
           for (const Message& message : came) finish(untouched, message);
         }},
    {.name = "admin.publisher-of-what-is-deleted",
     .rule = "P1",
     .says = "What a publisher publishes after its address was deleted fails, or reaches who subscribes to it anew; "
             "what the address held is gone.",
     .run =
         [](Test& t) {
           const std::string name = t.object();
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           out.send("before");
           finish(sub, sub.next());
           (void)sub.close().wait();
           const Outcome deleted = administer(t, RST_ADMIN_DELETE, name);
           if (deleted.code == RST_E_PRECONDITION) Test::skip("what a publisher is open for cannot be deleted");
           if (deleted.code == RST_E_NOT_FOUND) Test::skip("rst.admin knows no object of that name");
           expect_done(t, deleted, "delete");
           (void)out.publish(Out{.payload = "to nobody"});
           if (t.creates()) expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create");
           const Subscription anew = t.subscribe();
           if (out.publish(Out{.payload = "after"}).code() != RST_OK) t.publisher().send("after");
           for (std::string came; came != "after";) {
             const Message message = anew.next("P1", "a message with the status OK is delivered");
             came = message.payload;
             t.expect(came != "before", "cap", "what the address held is gone with it", conformance::quoted(came));
             finish(anew, message);
           }
         }},
    {.name = "admin.describe",
     .rule = "cap",
     .says = "What describe tells of an object is one JSON text.",
     .run =
         [](Test& t) {
           std::vector<std::string> texts;
           const Lent<rst_report> report("rst_report");
           report->struct_size = sizeof(rst_report);
           report->ctx = &texts;
           report->issue = [](void*, const rst_error*) {};
           report->text = [](void* ctx, std::uint32_t key, rst_str text) {
             if (key == RST_TEXT_DESCRIPTION_JSON)
               static_cast<std::vector<std::string>*>(ctx)->emplace_back(view(text));
           };
           const std::string name = t.object("object");
           expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create");
           const Outcome described = administer(t, RST_ADMIN_DESCRIBE, name, {}, 0, report.get());
           if (described.code == RST_E_UNSUPPORTED) Test::skip("rst.admin describes nothing");
           expect_done(t, described, "describe");
           t.expect(texts.size() == 1, "cap", "one text", std::to_string(texts.size()));
           t.expect(nlohmann::json::accept(texts[0]), "cap", "a text in JSON", conformance::quoted(texts[0]));
           if (!t.creates()) expect_done(t, administer(t, RST_ADMIN_DELETE, name), "delete");
           t.expect_code(administer(t, RST_ADMIN_DESCRIBE, t.object("nothing"), {}, 0, report.get()).code,
                         t.creates() ? RST_OK : RST_E_NOT_FOUND, "cap", "describe of what is not there");
         }},
    {.name = "stats.agree-with-what-was-done",
     .rule = "cap",
     .says = "Counters never fall and count what was done; gauges are back where they were when all is done.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           const Numbers at_first = snapshot(t, sub.handle), published_first = snapshot(t, out.handle);
           out.send(numbered(10));
           std::vector<Message> taken = sub.next(10);
           sub.nothing("cap", "ten messages come, and what delivered them comes to rest");
           const Numbers between = snapshot(t, sub.handle), published = snapshot(t, out.handle);
           const bool settles = t.kind.can(RST_CAP_SETTLE);
           expect_number(t, between, RST_STAT_UNSETTLED, settles ? 10 : 0, "what is unsettled");
           expect_number(t, between, RST_STAT_WAITING, 0, "what waits");
           expect_number(t, between, RST_STAT_CREDIT, 246, "the credit that is left");
           expect_number(t, between, RST_STAT_DELIVERED, 10, "what was delivered");
           expect_number(t, published, RST_STAT_PUBLISHED, 10, "what the publisher published");
           expect_risen(t, at_first, between);
           expect_risen(t, published_first, published);
           for (const Message& message : taken) finish(sub, message);
           const Numbers at_last = snapshot(t, sub.handle);
           expect_risen(t, between, at_last);
           expect_number(t, at_last, RST_STAT_UNSETTLED, 0, "what is unsettled");
           expect_number(t, at_last, RST_STAT_ACKED, settles ? 10 : 0, "what was acknowledged");
           expect_risen(t, {}, snapshot(t, t.instance().connection().handle));
         }},
    {.name = "stats.of-an-object",
     .rule = "cap",
     .says = "An object that rst.admin has made has numbers by its name; one that is not there is NOT_FOUND.",
     .run =
         [](Test& t) {
           const std::string name = t.object();
           expect_done(t, administer(t, RST_ADMIN_CREATE, name), "create");
           const std::uint64_t on = t.instance().connection().handle;
           const Subscription sub = t.subscribe();
           const Numbers before = snapshot(t, on, name), whole_before = snapshot(t, on);
           const Publisher out = t.publisher();
           out.send(numbered(6));
           out.send("alone");
           const Numbers after = snapshot(t, on, name), whole = snapshot(t, on);
           expect_risen(t, before, after);
           expect_risen(t, whole_before, whole);
           if (const auto had = before.find(RST_STAT_PUBLISHED); had != before.end())
             expect_number(t, after, RST_STAT_PUBLISHED, had->second + 7, "what was published to the object");
           if (const auto had = whole_before.find(RST_STAT_PUBLISHED); had != whole_before.end())
             expect_number(t, whole, RST_STAT_PUBLISHED, had->second + 7, "what was published in all");
           for (const Message& message : sub.next(7)) finish(sub, message);
           expect_number(t, snapshot(t, on), RST_STAT_UNSETTLED, 0, "what is unsettled");
           expect_number(t, snapshot(t, on), RST_STAT_WAITING, 0, "what waits");
         }},
    {.name = "stats.count-each-verdict",
     .rule = "cap",
     .says = "A subscription counts each verdict by itself, and what came again because of it.",
     .needs = {RST_CAP_SETTLE},
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           struct Counted {
             std::uint32_t capability;
             std::uint16_t verdict;
             std::uint32_t counter;
             bool comes_again;
           };
           std::uint64_t again = 0, sent = 0;
           for (const Counted& each : {Counted{RST_CAP_RETRY, RST_VERDICT_RETRY, RST_STAT_RETRIED, true},
                                       Counted{RST_CAP_RELEASE, RST_VERDICT_RELEASE, RST_STAT_RELEASED, true},
                                       Counted{RST_CAP_REJECT, RST_VERDICT_REJECT, RST_STAT_REJECTED, false}}) {
             if (!t.kind.can(each.capability)) continue;
             out.send("m" + std::to_string(++sent));
             t.expect_code(sub.settle(sub.next(), each.verdict), RST_OK, "S2", verdict_name(each.verdict));
             expect_number(t, snapshot(t, sub.handle), each.counter, 1, "what had this verdict");
             if (!each.comes_again) continue;
             sub.ack(sub.next("S2", "it comes again"));
             ++again;
           }
           const Numbers last = snapshot(t, sub.handle);
           expect_number(t, last, RST_STAT_REDELIVERED, again, "what came again");
           expect_number(t, last, RST_STAT_ACKED, again, "what was acknowledged");
           expect_number(t, last, RST_STAT_DELIVERED, sent + again, "what was delivered");
           expect_number(t, last, RST_STAT_UNSETTLED, 0, "what is unsettled");
           expect_number(t, snapshot(t, out.handle), RST_STAT_PUBLISHED, sent, "what was published one by one");
         }},
    {.name = "stats.count-what-is-not-delivered",
     .rule = "cap",
     .says = "What is there and not delivered waits, of whichever partition it is; what was published for later is "
             "delayed.",
     .run =
         [](Test& t) {
           constexpr std::size_t kMessages = 16;
           const Connection on = t.instance().connect({.options = t.testkit.kind(t.kind.name).rebalance_options});
           const Subscription sub = t.subscribe({.credit = 0, .connection = on});
           const Publisher out = t.publisher({.connection = on});
           std::vector<Out> messages = numbered(kMessages);
           for (std::size_t i = 0; i < kMessages && t.publish_kind.can(RST_CAP_KEY); ++i)
             messages[i].key = "key" + std::to_string(i);
           out.send(messages);
           sub.nothing("F1", "nothing is delivered without credit");
           expect_number(t, snapshot(t, sub.handle), RST_STAT_WAITING, kMessages, "what waits");
           if (!t.publish_kind.can(RST_CAP_DELAY)) return;
           Numbers wanted = snapshot(t, on.handle);
           out.send(Out{.payload = "later", .delay = 4 * t.tick()});
           if (wanted.contains(RST_STAT_DELAYED))
             expect_number(t, snapshot(t, on.handle), RST_STAT_DELAYED, ++wanted[RST_STAT_DELAYED], "what is delayed");
         }},
    {.name = "stats.of-what-is-not-there",
     .rule = "L2",
     .says = "Numbers of a handle that was never issued are STALE, of a closed one CLOSED or STALE.",
     .run =
         [](Test& t) {
           const auto* const stats = t.plugin.extension<rst_stats>(RST_EXT_STATS);
           if (stats == nullptr) Test::skip("the plugin has no rst.stats");
           const Subscription sub = t.subscribe();
           (void)sub.close().wait();
           for (const std::uint64_t handle : {sub.handle, ~std::uint64_t{0}}) {
             const Lent<rst_stats_query> query("rst_stats_query");
             query->struct_size = sizeof(rst_stats_query);
             query->handle = handle;
             const Lent<rst_stat> all("rst.stats' numbers", 64);
             std::uint32_t count = 0;
             std::uint64_t age = 0;
             const std::int32_t code = -t.instance().call("rst.stats", [&](rst_error* error) {
               return stats->snapshot(t.instance().raw(), query.get(), all.get(), 64, &count, &age, error);
             });
             t.expect(code == RST_E_STALE || (handle == sub.handle && code == RST_E_CLOSED), "L2",
                      handle == sub.handle ? "CLOSED or STALE of what is closed" : "STALE of what never was",
                      code_name(code));
           }
         }},
};

}  // namespace

std::span<const Case> administration_cases() { return kCases; }

}  // namespace conformance
