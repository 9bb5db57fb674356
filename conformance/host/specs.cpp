#include "host/specs.hpp"

#include "host/test.hpp"

#include <algorithm>

namespace conformance {
namespace {

OptionArray options(Test& test, const OptionTexts& first, const OptionTexts& second) {
  auto made = OptionArray::make(test.plugin, joined(first, second));
  if (!made) Test::skip("the testkit does not fit the plugin: " + made.error());
  return std::move(*made);
}

}  // namespace

SubscriptionSpec::SubscriptionSpec(Test& test, const Kind& kind, const Subscribe& wanted)
    : options_(options(test, test.testkit.kind(kind.name).subscription_options, wanted.options)),
      addresses_("rst_subscription_spec.addresses", std::max<std::size_t>(1, wanted.addresses.size())),
      start_("rst_subscription_spec.start"),
      spec_("rst_subscription_spec") {
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    addresses_[i] = lend(wanted.addresses.empty() ? test.address() : wanted.addresses[i], "an address");
  }
  spec_->struct_size = sizeof(rst_subscription_spec);
  spec_->flags = wanted.flags;
  spec_->kind = kind.index;
  spec_->address_count = static_cast<std::uint32_t>(addresses_.size());
  spec_->addresses = addresses_.get();
  const std::string group = wanted.group.value_or(kind.can(RST_CAP_GROUP) ? "g" : "");
  if (!group.empty()) spec_->group = lend(test.unique(group), "rst_subscription_spec.group");
  if (!wanted.durable.empty()) spec_->durable = lend(test.unique(wanted.durable), "rst_subscription_spec.durable");
  if (!wanted.dead_letter.empty()) spec_->dead_letter = lend(wanted.dead_letter, "rst_subscription_spec.dead_letter");
  if (wanted.start) {
    *start_ = *wanted.start;
    spec_->start = start_.get();
    spec_->start_count = 1;
  }
  spec_->options = options_.data();
  spec_->option_count = options_.size();
  spec_->credit_messages = wanted.credit;
  spec_->credit_bytes = wanted.credit_bytes;
  spec_->max_batch = wanted.max_batch;
  spec_->window_messages = wanted.window;
  spec_->window_bytes = wanted.window_bytes;
  spec_->max_attempts = wanted.max_attempts;
  spec_->timeout_ns = static_cast<std::uint64_t>(wanted.timeout.count());
}

rst_str SubscriptionSpec::lend(std::string_view text, const char* what) {
  return {texts_.emplace_back(lend_bytes(text, what)).get(), text.size()};
}

PublisherSpec::PublisherSpec(Test& test, const Kind& kind, const OpenPublisher& wanted)
    : options_(options(test, test.testkit.kind(kind.name).publisher_options, wanted.options)),
      destination_(
          lend_bytes(wanted.destination ? *wanted.destination : test.address(), "rst_publisher_spec.destination")),
      spec_("rst_publisher_spec") {
  spec_->struct_size = sizeof(rst_publisher_spec);
  spec_->flags = wanted.flags | (kind.can(RST_CAP_PUBLISH_CONFIRM) ? RST_PUBLISHER_CONFIRM : 0U);
  spec_->kind = kind.index;
  spec_->destination = {destination_.get(), destination_.size()};
  spec_->options = options_.data();
  spec_->option_count = options_.size();
  spec_->timeout_ns = static_cast<std::uint64_t>(wanted.timeout.count());
}

Plan validate(Test& test, std::uint32_t scope, const void* spec) {
  constexpr std::uint32_t kMostCapabilities = 64;
  Plan plan;
  const Lent<rst_capability> capabilities("rst_plan.caps", kMostCapabilities);
  const Lent<rst_plan> raw("rst_plan");
  raw->struct_size = sizeof(rst_plan);
  raw->caps = capabilities.get();
  raw->cap_capacity = kMostCapabilities;
  const Lent<rst_report> report("rst_report");
  report->struct_size = sizeof(rst_report);
  report->ctx = &plan;
  report->issue = [](void* to, const rst_error* issue) {
    static_cast<Plan*>(to)->issues.emplace_back(issue->code, std::string(issue->text, issue->text_len));
  };
  report->text = [](void* to, std::uint32_t key, rst_str text) {
    static_cast<Plan*>(to)->texts[key] = std::string(view(text));
  };
  const Lent<rst_error> error("rst_error");
  plan.code = std::max(0, -test.inside("validate", [&] {
    return test.plugin.table().validate(scope, spec, raw.get(), report.get(), error.get());
  }));
  plan.raw = *raw;
  plan.raw.caps = nullptr;
  plan.capabilities.assign(capabilities.get(), capabilities.get() + std::min(raw->cap_count, kMostCapabilities));
  return plan;
}

}  // namespace conformance
