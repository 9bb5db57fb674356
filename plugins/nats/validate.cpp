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

bool is_ip(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos || host.find(':') != std::string::npos;
}

void check_security(const Settings& settings, sdk::Report& report) {
  const auto both = [&](std::string_view one, bool has_one, std::string_view other, bool has_other) {
    if (has_one == has_other) return;
    report.issue(RST_E_OPTION, "option `", sdk::subject(has_one ? other : one), "` is missing: `",
                 has_one ? one : other, "` needs it");
  };
  both("nkey", !settings.nkey.empty(), "nkey.seed", !settings.nkey_seed.empty());
  both("tls.cert", !settings.cert.empty(), "tls.key", !settings.key.empty());
  const int ways = (settings.user.empty() ? 0 : 1) + (settings.token.empty() ? 0 : 1) +
                   (settings.creds.empty() ? 0 : 1) + (settings.nkey.empty() ? 0 : 1);
  if (ways > 1) report.issue(RST_E_OPTION, "give one of user, token, creds and nkey, not several");
  if (settings.user.empty() && !settings.password.empty()) {
    report.issue(RST_E_OPTION, "option `", sdk::subject("user"), "` is missing: `password` needs it");
  }
  if (settings.tls != Tls::kVerify || !settings.server_name.empty()) return;
  for (const Server& each : settings.servers) {
    if (!is_ip(each.host)) continue;
    report.issue(RST_E_OPTION, "server `", sdk::subject(each.host),
                 "` has no name to verify; use its host name in the url, or set `tls.server_name`");
  }
}

}  // namespace

void Broker::validate(const rst_connection_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  Settings settings;
  if (!parse_url(sdk::view(spec.url), settings, report)) return;
  settings = settings_of(spec);
  check_security(settings, report);
  if (!is_word(settings.inbox_prefix) || check_subject(settings.inbox_prefix) != SubjectFault::kNone) {
    report.issue(RST_E_OPTION, "option `", sdk::subject("inbox_prefix"), "` is no subject without wildcards");
  }
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
