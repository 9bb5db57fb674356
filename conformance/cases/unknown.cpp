// What nobody has defined yet is UNSUPPORTED before anything is done: rule V2.
#include "cases/case.hpp"
#include "cases/messages.hpp"
#include "host/out_array.hpp"

namespace conformance {
namespace {

constexpr std::uint32_t kUndefined = 0x4000'0000U;

void expect_unsupported(Test& t, std::int32_t code, const char* what) {
  t.expect_code(code, RST_E_UNSUPPORTED, "V2", what);
}

constexpr Case kCases[] = {
    {.name = "unknown.init-flags",
     .rule = "V2",
     .says = "An undefined flag of init is UNSUPPORTED, and no instance is made.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           Host host(t.plugin, t.ledger, Shape::usual);
           const Lent<rst_init_args> args("rst_init_args");
           *args = {sizeof(rst_init_args), kUndefined};
           const Lent<rst_error> error("rst_error");
           void* instance = nullptr;
           expect_unsupported(
               t,
               -t.inside("init",
                         [&] { return t.plugin.table().init(host.table(), args.get(), &instance, error.get()); }),
               "an undefined flag of init");
         }},
    {.name = "unknown.connection-flags",
     .rule = "V2",
     .says = "An undefined flag of a connection is UNSUPPORTED, and nothing is connected.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           auto [on, pending] = t.instance().try_connect({.flags = kUndefined});
           expect_unsupported(t, pending.wait().code, "an undefined flag of connect");
           (void)t.instance().connect();
         }},
    {.name = "unknown.subscription-flags",
     .rule = "V2",
     .says = "An undefined flag of a subscription is UNSUPPORTED, by validate and by subscribe; a kind that is not "
             "there is refused.",
     .run =
         [](Test& t) {
           expect_unsupported(t, t.plan({.flags = kUndefined}).code, "an undefined flag, in validate");
           auto [sub, pending] = t.instance().try_subscribe({.flags = kUndefined});
           expect_unsupported(t, pending.wait().code, "an undefined flag of subscribe");
           const SubscriptionSpec spec(t, t.kind, {});
           spec->id = 1;
           spec->kind = t.plugin.table().kind_count;
           const std::int32_t code = validate(t, RST_SCOPE_SUBSCRIPTION, spec.get()).code;
           t.expect(code == RST_E_INVALID || code == RST_E_UNSUPPORTED, "V2", "a kind that is not there is refused",
                    code_name(code));
         }},
    {.name = "unknown.publisher-flags",
     .rule = "V2",
     .says = "An undefined flag of a publisher is UNSUPPORTED, by validate and by open_publisher.",
     .per = Case::Per::publisher_kind,
     .run =
         [](Test& t) {
           const PublisherSpec spec(t, t.kind, {.flags = kUndefined});
           spec->id = 1;
           expect_unsupported(t, validate(t, RST_SCOPE_PUBLISHER, spec.get()).code, "an undefined flag, in validate");
           auto [out, pending] = t.instance().try_publisher({.flags = kUndefined});
           expect_unsupported(t, pending.wait().code, "an undefined flag of open_publisher");
         }},
    {.name = "unknown.scope",
     .rule = "V2",
     .says = "A scope that nobody defined is UNSUPPORTED, and two at once are no scope.",
     .per = Case::Per::plugin,
     .run =
         [](Test& t) {
           const Lent<rst_options_spec> spec("rst_options_spec");
           spec->struct_size = sizeof(rst_options_spec);
           for (const std::uint32_t scope : {0U, 64U, 0x8000'0000U, RST_SCOPE_MESSAGE | RST_SCOPE_ADMIN}) {
             expect_unsupported(t, validate(t, scope, spec.get()).code, ("scope " + std::to_string(scope)).c_str());
           }
         }},
    {.name = "unknown.close-flags",
     .rule = "V2",
     .says = "An undefined flag of close is UNSUPPORTED, and what was to be closed goes on.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const std::int32_t code = -t.instance().call("close", [&](rst_error* error) {
             return t.plugin.table().close(t.instance().raw(), sub.handle, kUndefined, 1'000'000'000, 0, error);
           });
           expect_unsupported(t, code, "an undefined flag of close");
           t.publisher().send("still open");
           finish(sub, sub.next("V2", "a subscription whose close was refused goes on"));
         }},
    {.name = "unknown.credit-flags",
     .rule = "V2",
     .says = "Credit that is neither ADD nor DRAIN, or both, is UNSUPPORTED and changes no balance.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe({.credit = 0});
           t.publisher().send("waits");
           for (const std::uint32_t flags : {0U, RST_CREDIT_ADD | RST_CREDIT_DRAIN, RST_CREDIT_ADD | kUndefined}) {
             const Lent<rst_credit> call("rst_credit");
             *call = {sizeof(rst_credit), flags, sub.handle, 10, 0, 1000, 0};
             const std::int32_t code = -t.instance().call("credit", [&](rst_error* error) {
               return t.plugin.table().credit(t.instance().raw(), call.get(), error);
             });
             expect_unsupported(t, code, ("flags " + std::to_string(flags) + " of credit").c_str());
           }
           sub.nothing("V2", "credit that was refused brings nothing");
           sub.credit(1);
           finish(sub, sub.next("V2", "the balance is what it was"));
         }},
    {.name = "unknown.publish-flags",
     .rule = "V2",
     .says = "An undefined flag of publish, or of a message, is UNSUPPORTED and nothing of it is published.",
     .run =
         [](Test& t) {
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           expect_unsupported(t, out.publish(Out{.payload = "x"}, {.flags = kUndefined}).verb.code,
                              "an undefined flag of publish");
           expect_unsupported(t, out.publish(Out{.payload = "x", .flags = 0x4000}).code(),
                              "an undefined flag of a message");
           sub.nothing("V2", "what was refused is not delivered");
         }},
    {.name = "unknown.what-is-not-declared",
     .rule = "V2",
     .says = "What a kind does not declare it refuses to publish: TTL, delay, priority, RETAIN, CONFIRM, a key.",
     .run =
         [](Test& t) {
           struct Asked {
             std::uint32_t id;
             Out message;
           };
           const Kind& kind = t.publish_kind;
           const Subscription sub = t.subscribe();
           const Publisher out = t.publisher();
           for (const Asked& each :
                {Asked{RST_CAP_TTL, {.payload = "x", .ttl = 60s}}, Asked{RST_CAP_DELAY, {.payload = "x", .delay = 60s}},
                 Asked{RST_CAP_PRIORITY, {.payload = "x", .priority = 1}},
                 Asked{RST_CAP_RETAINED, {.payload = "x", .flags = RST_OUT_RETAIN}},
                 Asked{RST_CAP_KEY, {.payload = "x", .key = "k"}}}) {
             if (kind.can(each.id)) continue;
             t.expect_code(out.publish(each.message).code(), RST_E_UNSUPPORTED, "cap",
                           capability_name(each.id) + " where it is not declared");
           }
           if (!kind.can(RST_CAP_PUBLISH_CONFIRM)) {
             expect_unsupported(t, out.publish(Out{.payload = "x"}, {.flags = RST_PUBLISH_CONFIRM}).verb.code,
                                "CONFIRM where PUBLISH_CONFIRM is not declared");
           }
           sub.nothing("cap", "what was refused is not delivered");
         }},
};

}  // namespace

std::span<const Case> unknown_cases() { return kCases; }

}  // namespace conformance
