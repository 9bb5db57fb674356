// The contract's table, in the sizes of a later draft: larger structs and strides, unknown capabilities.
#include "adversary.hpp"

#include <csignal>

namespace host_rules {
namespace {

bool g_pipe_kills = false;  // SIGPIPE as it was when the library was loaded (rule H7)

__attribute__((constructor)) void on_load() {
  struct sigaction action{};
  g_pipe_kills = sigaction(SIGPIPE, nullptr, &action) != 0 || action.sa_handler == SIG_DFL;
}

template <std::size_t N>
constexpr rst_str text(const char (&literal)[N]) {
  return {literal, N - 1};
}

template <class T>
struct Later {
  T now{};
  std::uint64_t later[4] = {~0ULL, ~0ULL, ~0ULL, ~0ULL};
};

constexpr std::uint16_t kNative = RST_LEVEL_NATIVE;
constexpr rst_capability kAll[] = {{RST_CAP_SETTLE, kNative, 0, 0},     {RST_CAP_RETRY, kNative, 0, 0},
                                   {RST_CAP_RELEASE, kNative, 0, 0},    {RST_CAP_REJECT, kNative, 0, 0},
                                   {RST_CAP_EXTEND, kNative, 0, 0},     {RST_CAP_PUBLISH_CONFIRM, kNative, 0, 0},
                                   {RST_CAP_PARTITIONS, kNative, 0, 0}, {0x7777, 99, 0x8000, ~0ULL}};
constexpr rst_capability kPlain[] = {{0xFFFF'0001, 77, 0, 1}, {RST_CAP_SETTLE, kNative, 0, 0}};
constexpr Later<rst_kind> kKinds[] = {
    {{text("all"), text("has every verdict"), kAll, std::size(kAll), RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER}},
    {{text("plain"), text("can only acknowledge"), kPlain, std::size(kPlain), RST_ROLE_SUBSCRIPTION}}};
constexpr rst_str kSchemes[] = {text("trial")};

Adversary& it() { return Adversary::get(); }

std::int32_t init(const rst_host* host, const rst_init_args*, void** instance, rst_error*) {
  if (g_pipe_kills) it().breach("H7: SIGPIPE was not ignored before the library was loaded");
  it().begin(host);
  *instance = &it();
  return RST_DONE;
}

std::int32_t validate(std::uint32_t, const void*, rst_plan* plan, const rst_report*, rst_error*) {
  if (plan != nullptr) {
    plan->ack_deadline_ns = it().manners.ack_deadline_ns;
    plan->default_window = it().manners.default_window;
  }
  return RST_DONE;
}

std::int32_t connect(void*, const rst_connection_spec* spec, std::uint64_t* connection, rst_error*) {
  const std::uint64_t handle = it().open(kConnect, spec->id);
  const Adversary::InVerb here(kConnect, spec->id);
  return it().conclude({kConnect, spec->op, handle, {}, {}}, connection);
}

std::int32_t subscribe(void*, std::uint64_t connection, const rst_subscription_spec* spec, std::uint64_t* subscription,
                       rst_error*) {
  const std::uint64_t handle = it().open(kSubscribe, spec->id);
  const Adversary::InVerb here(kSubscribe, spec->id);
  it().open_subscription(*spec, handle, connection);
  return it().conclude({kSubscribe, spec->op, handle, {}, {}}, subscription);
}

std::int32_t open_publisher(void*, std::uint64_t, const rst_publisher_spec* spec, std::uint64_t* publisher,
                            rst_error*) {
  const std::uint64_t handle = it().open(kPublisher, spec->id);
  const Adversary::InVerb here(kPublisher, spec->id);
  return it().conclude({kPublisher, spec->op, handle, {}, {}}, publisher);
}

std::int32_t close(void*, std::uint64_t handle, std::uint32_t flags, std::uint64_t, std::uint64_t op, rst_error*) {
  const Adversary::InVerb here(kClose, 0);
  const std::int32_t status = it().close(handle, flags);
  return status < 0 ? status : it().conclude({kClose, op, 0, {}, {}}, nullptr);
}

std::int32_t credit(void*, const rst_credit* credit, rst_error*) {
  const Adversary::InVerb here(kCredit, 0);
  const std::int32_t status = it().credit(*credit);
  return status < 0 ? status : it().conclude({kCredit, credit->op, 0, {}, {}}, nullptr);
}

std::int32_t settle(void*, const rst_settle* call, rst_error*) {
  const Adversary::InVerb here(kSettle, 0);
  const std::int32_t status = it().settle(*call);
  return status < 0 ? status : it().conclude({kSettle, call->op, 0, {}, {}}, nullptr);
}

std::int32_t publish(void*, rst_publish* call, rst_error*) {
  const Adversary::InVerb here(kPublish, 0);
  if (it().manners.full) return -RST_E_BACKPRESSURE;
  call->accepted = call->count;
  Held held{kPublish, call->op, 0, *call, {}};
  const auto* at = reinterpret_cast<const char*>(call->messages);
  for (std::uint32_t i = 0; i < call->count; ++i, at += call->stride) {
    const auto& message = *reinterpret_cast<const rst_out_message*>(at);
    held.payloads.emplace_back(reinterpret_cast<const char*>(message.payload), message.payload_len);
    if (call->statuses != nullptr) call->statuses[i] = it().manners.message_status;
  }
  if (call->statuses == nullptr || call->op == 0) held.payloads.clear();
  return it().conclude(std::move(held), nullptr);
}

std::int32_t flush(void*, std::uint64_t, std::uint64_t, std::uint64_t op, rst_error*) {
  const Adversary::InVerb here(kFlush, 0);
  return it().conclude({kFlush, op, 0, {}, {}}, nullptr);
}

std::int32_t answer(void*, std::uint64_t id, std::int32_t status, const rst_position*, std::uint32_t, rst_error*) {
  it().answer(id, status);
  const Adversary::InVerb here(kAnswer, 0);
  return RST_DONE;
}

const Later<rst_plugin>& table() {
  static const Later<rst_plugin> made = [] {
    Later<rst_plugin> later;
    rst_plugin& t = later.now;
    t.struct_size = sizeof(later);
    t.abi_major = RST_ABI_MAJOR;
    t.abi_minor = RST_ABI_MINOR;
    t.name = text("org.example.trial");
    t.version = text("1");
    t.schemes = kSchemes;
    t.scheme_count = 1;
    t.kinds = &kKinds[0].now;
    t.kind_count = std::size(kKinds);
    t.kind_stride = sizeof(Later<rst_kind>);
    t.validate = validate;
    t.init = init;
    t.deinit = [](void*, rst_error*) -> std::int32_t { return it().end(), RST_DONE; };
    t.connect = connect;
    t.subscribe = subscribe;
    t.open_publisher = open_publisher;
    t.close = close;
    t.credit = credit;
    t.settle = settle;
    t.publish = publish;
    t.flush = flush;
    t.answer = answer;
    return later;
  }();
  return made;
}

}  // namespace
}  // namespace host_rules

RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.trial", "1", "trial");

extern "C" RST_EXPORT const rst_plugin* rst_plugin_v0(void) { return &host_rules::table().now; }
extern "C" RST_EXPORT host_rules::Judge* host_rules_judge(void) { return &host_rules::Adversary::get(); }
