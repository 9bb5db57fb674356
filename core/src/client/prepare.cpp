#include "client/prepare.hpp"

#include "client/op.hpp"
#include "options/nearest.hpp"
#include "options/table.hpp"
#include "options/url.hpp"

#include <algorithm>
#include <array>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

rst_str text(const std::string& from) noexcept { return {from.data(), from.size()}; }

std::uint64_t count(std::chrono::nanoseconds duration) noexcept { return static_cast<std::uint64_t>(duration.count()); }

/// The index of a kind with that role, by name, or the first one when none is named.
Result<std::uint32_t> find_kind(const rst_plugin& plugin, const std::string& name, std::uint32_t role,
                                std::string_view what) {
  std::vector<std::string_view> names;
  for (std::uint32_t i = 0; i < plugin.kind_count; ++i) {
    const rst_kind& kind = options::kind_at(plugin, i);
    if ((kind.roles & role) == 0) continue;
    if (name.empty() || options::view(kind.name) == name) return i;
    names.emplace_back(options::view(kind.name));
  }
  const std::string who(options::view(plugin.name));
  if (names.empty()) return fail(Code::unsupported, who + " has no kind that a " + std::string(what) + " can use");
  std::string has;
  for (const std::string_view kind : names) has += (has.empty() ? "" : ", ") + std::string(kind);
  return fail(Code::option,
              "kind `" + name + "`: " + who + " has no such kind for a " + std::string(what) + "; choose from: " + has);
}

struct Sink {
  Plan& plan;
  std::vector<std::string> problems;

  static void issue(void* context, const rst_error* issue) {
    auto& self = *static_cast<Sink*>(context);
    (issue->code == 0 ? self.plan.warnings : self.problems).emplace_back(issue->text, issue->text_len);
  }
  static void text(void* context, std::uint32_t key, rst_str value) {
    Plan& plan = static_cast<Sink*>(context)->plan;
    if (key == RST_TEXT_COPY_ADDRESS) plan.copy_address = options::view(value);
    if (key == RST_TEXT_GROUP_KEY) plan.group_key = options::view(value);
  }
};

Error joined(Code code, const std::vector<std::string>& problems) {
  std::string all;
  for (const std::string& problem : problems) all += (all.empty() ? "" : "\n") + problem;
  return Error(code, std::move(all), kUser);
}

/// Asks the plugin about a spec; every problem in one error.
Result<Plan> validate(const rst_plugin& plugin, std::uint32_t scope, std::uint32_t kind, const void* spec) {
  constexpr std::size_t kMaxCapabilities = 256;
  Plan plan;
  Sink sink{plan, {}};
  std::array<rst_capability, kMaxCapabilities> capabilities{};
  rst_plan raw{};
  raw.struct_size = sizeof(raw);
  raw.caps = capabilities.data();
  raw.cap_capacity = capabilities.size();
  rst_report report{};
  report.struct_size = sizeof(report);
  report.ctx = &sink;
  report.issue = Sink::issue;
  report.text = Sink::text;
  rst_error error{};
  const std::int32_t status = plugin.validate(scope, spec, &raw, &report, &error);
  if (status < 0) {
    if (sink.problems.empty()) return std::unexpected(to_error(status, error));
    return std::unexpected(joined(static_cast<Code>(rst_status_code(status)), sink.problems));
  }
  plan.flags = raw.flags;
  plan.max_unsettled = raw.max_unsettled;
  plan.max_batch = raw.max_batch;
  plan.default_window = raw.default_window;
  plan.max_payload = raw.max_payload;
  plan.max_delay_ns = raw.max_delay_ns;
  plan.ack_deadline = std::chrono::nanoseconds(raw.ack_deadline_ns);
  plan.capabilities.assign(capabilities.begin(),
                           capabilities.begin() + std::min<std::size_t>(raw.cap_count, kMaxCapabilities));
  if (plan.capabilities.empty() && kind < plugin.kind_count) {  // the plugin left it at what the kind declares
    const rst_kind& declared = options::kind_at(plugin, kind);
    plan.capabilities.assign(declared.caps, declared.caps + declared.cap_count);
  }
  return plan;
}

/// Rule H8: where nothing extends the deadline, a message would come again while it is being handled.
Result<void> check_deadline(const SubscriptionPlan& plan) {
  const std::chrono::nanoseconds longest = plan.wanted.max_processing;
  const std::chrono::nanoseconds deadline = plan.plan.ack_deadline;
  if (deadline.count() == 0 || longest <= deadline || plan.plan.can(RST_CAP_EXTEND)) return {};
  const auto ms = [](std::chrono::nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
  };
  return fail(Code::invalid, "max_processing, " + ms(longest) + ", is longer than the acknowledgement deadline of " +
                                 ms(deadline) + ", and this kind cannot extend it: raise the one or lower the other");
}

}  // namespace

rst_capability Plan::capability(std::uint32_t id) const noexcept {
  for (const rst_capability& capability : capabilities) {
    if (capability.id == id) return capability;
  }
  return {.id = id, .level = RST_LEVEL_NONE, .flags = 0, .limit = 0};
}

std::vector<options::Setting> to_settings(const PluginOptions& pairs, const std::string& source) {
  std::vector<options::Setting> settings;
  settings.reserve(pairs.size());
  for (const auto& [name, value] : pairs) settings.push_back({name, {value}, false, source});
  return settings;
}

rst_connection_spec ConnectionPlan::spec() const noexcept {
  rst_connection_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.flags = retry_initial ? RST_CONNECT_RETRY_INITIAL : 0;
  spec.url = text(url);
  spec.client_name = text(client_name);
  spec.options = options.options().data();
  spec.option_count = static_cast<std::uint32_t>(options.options().size());
  spec.timeout_ns = count(timeout);
  return spec;
}

rst_subscription_spec SubscriptionPlan::spec(const rst_str& address_storage) const noexcept {
  rst_subscription_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.kind = kind;
  spec.addresses = &address_storage;
  spec.address_count = 1;
  spec.group = text(wanted.group);
  spec.durable = text(wanted.durable);
  spec.start = wanted.start_at ? &*wanted.start_at : nullptr;
  spec.start_count = wanted.start_at ? 1 : 0;
  spec.options = options.options().data();
  spec.option_count = static_cast<std::uint32_t>(options.options().size());
  spec.credit_messages = window;
  spec.max_batch = wanted.max_batch;
  spec.credit_bytes = wanted.window_bytes;
  spec.window_bytes = wanted.window_bytes;
  spec.window_messages = window;
  spec.max_attempts = wanted.max_attempts;
  spec.dead_letter = text(wanted.dead_letter);
  spec.max_processing_ns = count(wanted.max_processing);
  spec.timeout_ns = count(wanted.timeout);
  return spec;
}

rst_publisher_spec PublisherPlan::spec() const noexcept {
  rst_publisher_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.flags = wanted.confirm ? RST_PUBLISHER_CONFIRM : 0;
  spec.kind = kind;
  spec.destination = text(destination);
  spec.options = options.options().data();
  spec.option_count = static_cast<std::uint32_t>(options.options().size());
  spec.timeout_ns = count(wanted.timeout);
  return spec;
}

Result<ConnectionPlan> plan_connection(const rst_plugin& plugin, const std::string& url, const ConnectOptions& wanted,
                                       std::vector<options::Setting> settings) {
  auto parsed = options::parse_url(url);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  std::vector<options::Setting> all = std::move(parsed->settings);  // the URL is the earliest: later ones win
  std::ranges::move(settings, std::back_inserter(all));
  auto set = options::resolve(plugin, RST_SCOPE_CONNECTION, options::kAnyKind, all);
  if (!set) return std::unexpected(std::move(set.error()));
  ConnectionPlan plan;
  plan.url = std::move(parsed->broker);
  plan.display = options::redact(url);
  plan.client_name = wanted.client_name;
  plan.options = std::move(*set);
  plan.retry_initial = wanted.retry_initial;
  plan.timeout = wanted.timeout;
  const rst_connection_spec spec = plan.spec();
  auto answer = validate(plugin, RST_SCOPE_CONNECTION, plugin.kind_count, &spec);
  if (!answer) return std::unexpected(std::move(answer.error()));
  return plan;
}

Result<SubscriptionPlan> plan_subscription(const rst_plugin& plugin, std::string address, SubscribeOptions wanted,
                                           std::vector<options::Setting> settings, std::uint32_t workers) {
  const auto kind = find_kind(plugin, wanted.kind, RST_ROLE_SUBSCRIPTION, "subscription");
  if (!kind) return std::unexpected(kind.error());
  auto set = options::resolve(plugin, RST_SCOPE_SUBSCRIPTION, *kind, settings);
  if (!set) return std::unexpected(std::move(set.error()));
  SubscriptionPlan plan;
  plan.address = std::move(address);
  plan.wanted = std::move(wanted);
  plan.kind = *kind;
  plan.options = std::move(*set);
  plan.wanted.max_batch = std::max<std::uint32_t>(1, plan.wanted.max_batch);
  plan.window = plan.wanted.in_flight != 0 ? plan.wanted.in_flight : 2 * plan.wanted.max_batch * workers;
  const rst_str where = text(plan.address);
  const rst_subscription_spec spec = plan.spec(where);
  auto answer = validate(plugin, RST_SCOPE_SUBSCRIPTION, plan.kind, &spec);
  if (!answer) return std::unexpected(std::move(answer.error()));
  plan.plan = std::move(*answer);
  if (Result<void> in_time = check_deadline(plan); !in_time) return std::unexpected(std::move(in_time.error()));
  if (plan.wanted.in_flight == 0) plan.window = std::max(plan.window, plan.plan.default_window);
  if (plan.plan.max_batch != 0) plan.wanted.max_batch = std::min(plan.wanted.max_batch, plan.plan.max_batch);
  if (plan.plan.max_unsettled != 0) plan.window = std::min(plan.window, plan.plan.max_unsettled);
  return plan;
}

Result<PublisherPlan> plan_publisher(const rst_plugin& plugin, std::string destination, PublisherOptions wanted,
                                     std::vector<options::Setting> settings) {
  const auto kind = find_kind(plugin, wanted.kind, RST_ROLE_PUBLISHER, "publisher");
  if (!kind) return std::unexpected(kind.error());
  auto set = options::resolve(plugin, RST_SCOPE_PUBLISHER, *kind, settings);
  if (!set) return std::unexpected(std::move(set.error()));
  PublisherPlan plan;
  plan.destination = std::move(destination);
  plan.wanted = std::move(wanted);
  plan.kind = *kind;
  plan.options = std::move(*set);
  const rst_kind& declared = options::kind_at(plugin, plan.kind);
  const auto confirms = [](const rst_capability& capability) { return capability.id == RST_CAP_PUBLISH_CONFIRM; };
  // Where a kind has no confirms a publish ends when it was handed over.
  plan.wanted.confirm = plan.wanted.confirm && std::any_of(declared.caps, declared.caps + declared.cap_count, confirms);
  const rst_publisher_spec spec = plan.spec();
  auto answer = validate(plugin, RST_SCOPE_PUBLISHER, plan.kind, &spec);
  if (!answer) return std::unexpected(std::move(answer.error()));
  plan.plan = std::move(*answer);
  if (plan.wanted.confirm && !plan.plan.can(RST_CAP_PUBLISH_CONFIRM)) plan.wanted.confirm = false;
  return plan;
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
