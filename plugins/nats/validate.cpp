// The pure part: what a spec asks for that NATS cannot do, and how it will behave.
#include "jetstream_consumer.hpp"
#include "jetstream_producer.hpp"
#include "plugin.hpp"
#include "subjects.hpp"

namespace ruststream::nats {
namespace {

void check(std::string_view what, std::string_view text, SubjectFault fault, sdk::Report& report) {
  if (fault == SubjectFault::kNone) return;
  report.issue(RST_E_INVALID, what, " `", sdk::subject(text), "` ", describe(fault));
}

}  // namespace

void Broker::validate(const rst_connection_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  Settings settings;
  if (!parse_url(sdk::view(spec.url), settings, report)) return;
  settings = settings_of(spec);
  plan.max_payload = settings.max_payload;
  std::string display;
  for (const Server& each : settings.servers) display += (display.empty() ? "" : ",") + each.text();
  report.text(RST_TEXT_SERVER_DISPLAY, display);
}

void Broker::validate(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  if (spec.address_count == 0) report.issue(RST_E_INVALID, "a subscription names at least one subject");
  std::string canonical;
  for (std::uint32_t i = 0; i < spec.address_count; ++i) {
    const auto address = sdk::view(spec.addresses[i]);
    check("subject", address, check_pattern(address), report);
    canonical += (i == 0 ? "" : ",") + std::string(address);
  }
  report.text(RST_TEXT_CANONICAL_ADDRESS, canonical);
  if (spec.kind != kCore) return validate_stream(spec, plan, report);
  const auto group = sdk::view(spec.group);
  if (!group.empty() && !is_word(group)) {
    report.issue(RST_E_INVALID, "group `", sdk::subject(group), "` has a space or a control character");
  }
  if (spec.durable.len != 0) {
    report.issue(RST_E_UNSUPPORTED, "durable `", sdk::subject(sdk::view(spec.durable)),
                 "`: kind `core` keeps nothing; use kind `jetstream`");
  }
  plan.max_batch = sdk::BatchPool<>::kMaxBatch;
}

void Broker::validate(const rst_publisher_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  const auto destination = sdk::view(spec.destination);
  if (!destination.empty()) {
    check("subject", destination, check_subject(destination), report);
    report.text(RST_TEXT_CANONICAL_ADDRESS, destination);
  }
  if (spec.kind != kCore) validate_stream(spec, report);
  plan.max_payload = kServerMaxPayload;
}

std::int32_t Broker::match(const rst_subscription_spec& to, const rst_publisher_spec& from,
                           const rst_out_message* message, sdk::ErrorOut error) {
  const auto destination = message != nullptr && message->destination != nullptr
                               ? std::string_view{message->destination, message->destination_len}
                               : sdk::view(from.destination);
  if (const auto fault = check_subject(destination); fault != SubjectFault::kNone) {
    return error(RST_E_INVALID, "subject `", sdk::subject(destination), "` ", describe(fault));
  }
  bool found = false;
  for (std::uint32_t i = 0; i < to.address_count; ++i) {
    const auto pattern = sdk::view(to.addresses[i]);
    if (const auto fault = check_pattern(pattern); fault != SubjectFault::kNone) {
      return error(RST_E_INVALID, "subject `", sdk::subject(pattern), "` ", describe(fault));
    }
    found |= matches(pattern, destination);
  }
  return found ? 1 : 0;
}

}  // namespace ruststream::nats
