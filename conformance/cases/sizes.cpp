// Hosts of older and newer drafts: structs that end at an unreadable page, or have a tail that nobody knows: rule V3.
#include "cases/case.hpp"
#include "cases/life.hpp"
#include "host/out_array.hpp"

namespace conformance {
namespace {

constexpr std::ptrdiff_t kLonger = 64, kShorter = -8;

/// A longer one is taken as if it were the usual one.
void expect_taken(Test& t, std::int32_t code, const char* what) {
  t.expect(code == RST_OK, "V3", std::string("a longer ") + what + " is taken", code_name(code));
}

/// A shorter one is refused or taken; the page behind it says whether it was passed. Its refusal says why.
void expect_answered(Test& t, std::int32_t code, const char* what) {
  t.expect(code == RST_OK || code == RST_E_INVALID || code == RST_E_UNSUPPORTED, "V3",
           std::string("a shorter ") + what + " is taken, or INVALID or UNSUPPORTED", code_name(code));
}

std::int32_t validate_with(Test& t, std::ptrdiff_t plan_by, std::ptrdiff_t report_by, std::uint32_t scope,
                           const void* spec) {
  rst_plan plan{};
  const Lent<rst_capability> caps("rst_plan.caps", 2);  // fewer than most kinds have
  plan.caps = caps.get();
  plan.cap_capacity = 2;
  rst_report report{};
  report.issue = [](void*, const rst_error*) {};
  report.text = [](void*, std::uint32_t, rst_str) {};
  const Lent<char> lent_plan = resized(plan, plan_by, "rst_plan"),
                   lent_report = resized(report, report_by, "rst_report");
  const Lent<rst_error> error("rst_error");
  const std::int32_t code = -t.inside("validate", [&] {
    return t.plugin.table().validate(scope, spec, reinterpret_cast<rst_plan*>(lent_plan.get()),
                                     reinterpret_cast<const rst_report*>(lent_report.get()), error.get());
  });
  const std::string_view tail(lent_plan.get(), lent_plan.size());
  if (plan_by > 0) {
    t.expect(tail.substr(sizeof(rst_plan)) == std::string(static_cast<std::size_t>(plan_by), 0x5A), "V3",
             "what a plugin does not know of rst_plan is not written", "it was");
  }
  return code;
}

std::int32_t publish_with(const Publisher& out, std::ptrdiff_t call_by, std::ptrdiff_t message_by,
                          std::ptrdiff_t props_by) {
  Instance& instance = *out.instance;
  const std::array<Out, 2> messages{{{.payload = "s0"}, {.payload = "s1"}}};
  const OutArray usual(messages);
  const auto stride = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(sizeof(rst_out_message)) + message_by);
  std::array<rst_out_message, 2> copies{usual.data()[0], usual.data()[1]};
  rst_out_props common{};
  common.priority = common.partition = -1;
  const Lent<char> props = resized(common, props_by, "rst_out_props");
  if (props_by != 0) copies[0].props = reinterpret_cast<const rst_out_props*>(props.get());
  const Lent<char> array("rst_out_message", 2 * stride);
  std::memset(array.get(), 0x5A, array.size());
  for (std::size_t i = 0; i < 2; ++i)
    std::memcpy(array.get() + i * stride, &copies.at(i), std::min(stride, sizeof(rst_out_message)));
  rst_publish call{};
  call.publisher = out.handle;
  call.messages = reinterpret_cast<const rst_out_message*>(array.get());
  call.count = 2;
  call.stride = static_cast<std::uint32_t>(stride);
  const Lent<char> lent = resized(call, call_by, "rst_publish");
  return -instance.call("publish", [&](rst_error* error) {
    const std::int32_t returned =
        instance.table().publish(instance.raw(), reinterpret_cast<rst_publish*>(lent.get()), error);
    return std::min(returned, RST_DONE);
  });
}

/// One ack, with the call, the item or its detail of another size.
std::int32_t settle_with(const Subscription& sub, std::uint64_t token, std::ptrdiff_t call_by, std::ptrdiff_t item_by,
                         std::ptrdiff_t detail_by) {
  Instance& instance = *sub.instance;
  rst_settle_detail detail{};
  const Lent<char> reason = lend_bytes("a reason", "rst_settle_detail.reason");
  detail.reason = {reason.get(), reason.size()};
  const Lent<char> lent_detail = resized(detail, detail_by, "rst_settle_detail");
  rst_settlement item{};
  item.token = token;
  item.verdict = RST_VERDICT_ACK;
  if (detail_by != 0) item.detail = reinterpret_cast<const rst_settle_detail*>(lent_detail.get());
  const auto stride = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(sizeof item) + item_by);
  const Lent<char> items("rst_settlement", stride);
  std::memset(items.get(), 0x5A, stride);
  std::memcpy(items.get(), &item, std::min(stride, sizeof item));
  rst_settle call{};
  call.subscription = sub.handle;
  call.items = reinterpret_cast<rst_settlement*>(items.get());
  call.count = 1;
  call.stride = static_cast<std::uint32_t>(stride);
  call.timeout_ns = 1'000'000'000;
  const Lent<char> lent = resized(call, call_by, "rst_settle");
  const std::int32_t code = -instance.call("settle", [&](rst_error* error) {
    return std::min(instance.table().settle(instance.raw(), reinterpret_cast<const rst_settle*>(lent.get()), error),
                    RST_DONE);
  });
  if (code != RST_OK || stride < sizeof item) return code;
  std::memcpy(&item, items.get(), sizeof item);
  if (item.status == RST_OK) instance.host.settled(sub.id, token);
  return rst_status_code(item.status);
}

constexpr Case kCases[] = {
    {.name = "sizes.newer-host",
     .rule = "V3",
     .says = "A host whose table is longer is a host: a whole life with it is the same.",
     .run =
         [](Test& t) {
           Instance newer(t, Shape::longer);
           live(newer);
         }},
    {.name = "sizes.older-host",
     .rule = "V3",
     .says = "A host whose table is shorter is refused, or used only as far as it goes.",
     .run =
         [](Test& t) {
           void* instance = nullptr;
           Host host(t.plugin, t.ledger, Shape::shorter);
           const Lent<rst_init_args> args("rst_init_args");
           args->struct_size = sizeof(rst_init_args);
           const Lent<rst_error> error("rst_error");
           const std::int32_t code = -t.inside(
               "init", [&] { return t.plugin.table().init(host.table(), args.get(), &instance, error.get()); });
           if (code != RST_OK) return expect_answered(t, code, "rst_host");
           t.expect(t.inside("deinit", [&] { return t.plugin.table().deinit(instance, error.get()); }) == RST_DONE,
                    "L3", "deinit succeeds", "an error");
           Instance older(t, Shape::shorter);
           live(older);
         }},
    {.name = "sizes.init-args",
     .rule = "V3",
     .says = "Longer init args are taken, shorter ones refused or read only as far as they go.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           for (const std::ptrdiff_t by : {kLonger, std::ptrdiff_t{-4}}) {
             void* instance = nullptr;
             Host host(t.plugin, t.ledger, Shape::usual);
             const Lent<char> args = resized(rst_init_args{}, by, "rst_init_args");
             const Lent<rst_error> error("rst_error");
             const std::int32_t code = -t.inside("init", [&] {
               return t.plugin.table().init(host.table(), reinterpret_cast<const rst_init_args*>(args.get()), &instance,
                                            error.get());
             });
             by > 0 ? expect_taken(t, code, "rst_init_args") : expect_answered(t, code, "rst_init_args");
             if (code == RST_OK)
               (void)t.inside("deinit", [&] { return t.plugin.table().deinit(instance, error.get()); });
           }
         }},
    {.name = "sizes.plan-and-report",
     .rule = "V3",
     .says =
         "Validate writes no more of a plan than the host has, capabilities included, and reads no more of a report.",
     .run =
         [](Test& t) {
           const SubscriptionSpec spec(t, t.kind, {});
           spec->id = 1;
           expect_taken(t, validate_with(t, kLonger, kLonger, RST_SCOPE_SUBSCRIPTION, spec.get()), "rst_plan");
           expect_answered(t, validate_with(t, kShorter, 0, RST_SCOPE_SUBSCRIPTION, spec.get()), "rst_plan");
           expect_answered(t, validate_with(t, 0, kShorter, RST_SCOPE_SUBSCRIPTION, spec.get()), "rst_report");
           const Lent<rst_error> error("rst_error");
           const std::int32_t code = -t.inside("validate", [&] {
             return t.plugin.table().validate(RST_SCOPE_SUBSCRIPTION, spec.get(), nullptr, nullptr, error.get());
           });
           t.expect_code(code, RST_OK, "V3", "validate without a plan and a report");
           const std::int32_t silent = -t.inside("validate", [&] {
             return t.plugin.table().validate(RST_SCOPE_SUBSCRIPTION, spec.get(), nullptr, nullptr, nullptr);
           });
           t.expect_code(silent, RST_OK, "V3", "validate without an error either");
         }},
    {.name = "sizes.specs",
     .rule = "V3",
     .says = "Longer specs are taken by validate, shorter ones refused or read only as far as they go.",
     .run =
         [](Test& t) {
           const SubscriptionSpec sub(t, t.kind, {});
           sub->id = 1;
           const PublisherSpec out(t, t.publish_kind, {});
           out->id = 1;
           rst_connection_spec on{};
           const Lent<char> url = lend_bytes(t.testkit.url, "rst_connection_spec.url");
           const auto options = OptionArray::make(t.plugin, t.testkit.options);
           if (!options) Test::skip("the testkit does not fit the plugin: " + options.error());
           on.id = 1;
           on.url = {url.get(), url.size()};
           on.options = options->data();
           on.option_count = options->size();
           rst_options_spec bare{};
           bare.kind = t.kind.index;
           for (const std::ptrdiff_t by : {kLonger, kShorter}) {
             const auto check = [&](std::uint32_t scope, const auto& spec, const char* what) {
               const Lent<char> lent = resized(spec, by, what);
               const std::int32_t code = validate(t, scope, lent.get()).code;
               by > 0 ? expect_taken(t, code, what) : expect_answered(t, code, what);
             };
             check(RST_SCOPE_SUBSCRIPTION, *sub.get(), "rst_subscription_spec");
             check(RST_SCOPE_PUBLISHER, *out.get(), "rst_publisher_spec");
             check(RST_SCOPE_CONNECTION, on, "rst_connection_spec");
             check(RST_SCOPE_TX, bare, "rst_options_spec");
           }
         }},
    {.name = "sizes.publish",
     .rule = "V3",
     .says = "Longer calls, strides and props of publish bring the same messages; shorter ones are not read past their "
             "end.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           const auto arrives = [&](const char* what) {
             Payloads seen;
             for (int i = 0; i < 2; ++i) {
               const Message message = sub.next("V3", "a message of a longer array is delivered");
               seen.insert(message.payload);
               finish(sub, message);
             }
             t.expect(seen == Payloads{"s0", "s1"}, "V3", std::string("both messages of a longer ") + what, "others");
           };
           expect_taken(t, publish_with(out, kLonger, 0, 0), "rst_publish");
           arrives("rst_publish");
           expect_taken(t, publish_with(out, 0, kLonger, 0), "rst_out_message");
           arrives("rst_out_message");
           expect_taken(t, publish_with(out, 0, 0, kLonger), "rst_out_props");
           arrives("rst_out_props");
           expect_answered(t, publish_with(out, kShorter, 0, 0), "rst_publish");
           expect_answered(t, publish_with(out, 0, kShorter, 0), "rst_out_message");
           expect_answered(t, publish_with(out, 0, 0, kShorter), "rst_out_props");
           while (const auto rest = sub.try_next(t.testkit.quiet)) finish(sub, *rest);
         }},
    {.name = "sizes.settle-and-credit",
     .rule = "V3",
     .says = "Longer calls, strides and details of settle and credit work; shorter ones are not read past their end.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 10});
           for (const std::ptrdiff_t by : {kLonger, kShorter}) {
             rst_credit credit{};
             credit.flags = RST_CREDIT_ADD;
             credit.subscription = sub.handle;
             const Lent<char> lent = resized(credit, by, "rst_credit");
             const std::int32_t code = -t.instance().call("credit", [&](rst_error* error) {
               return t.plugin.table().credit(t.instance().raw(), reinterpret_cast<const rst_credit*>(lent.get()),
                                              error);
             });
             by > 0 ? expect_taken(t, code, "rst_credit") : expect_answered(t, code, "rst_credit");
           }
           if (!t.kind.can(RST_CAP_SETTLE) || t.plugin.table().settle == nullptr) return;
           const std::vector<Message> taken = exchange(t, sub, 6);
           expect_taken(t, settle_with(sub, taken[0].token, kLonger, 0, 0), "rst_settle");
           expect_taken(t, settle_with(sub, taken[1].token, 0, kLonger, 0), "rst_settlement");
           expect_taken(t, settle_with(sub, taken[2].token, 0, 0, kLonger), "rst_settle_detail");
           expect_answered(t, settle_with(sub, taken[3].token, kShorter, 0, 0), "rst_settle");
           expect_answered(t, settle_with(sub, taken[4].token, 0, kShorter, 0), "rst_settlement");
           expect_answered(t, settle_with(sub, taken[5].token, 0, 0, kShorter), "rst_settle_detail");
         }},
};

}  // namespace

std::span<const Case> size_cases() { return kCases; }

}  // namespace conformance
