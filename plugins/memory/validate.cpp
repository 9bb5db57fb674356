// The pure part: what a spec asks for that the broker cannot do, and how it will behave.
#include "address.hpp"
#include "plugin.hpp"

#include <algorithm>

namespace ruststream::memory {
namespace {

bool is_name(std::string_view name) noexcept {
  return name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

void check_address(std::string_view what, std::string_view address, AddressFault fault, sdk::Report& report) {
  if (fault == AddressFault::kNone) return;
  report.issue(RST_E_INVALID, what, " `", sdk::subject(address), "` ", describe(fault));
}

std::vector<std::string> addresses_of(const rst_subscription_spec& spec) {
  std::vector<std::string> addresses;
  for (std::uint32_t i = 0; i < spec.address_count; ++i) addresses.emplace_back(sdk::view(spec.addresses[i]));
  return addresses;
}

void check_log(const rst_subscription_spec& spec, sdk::Report& report) {
  if (spec.address_count != 1) report.issue(RST_E_INVALID, "a subscription of kind `log` reads exactly one topic");
  for (std::uint32_t i = 0; i < spec.address_count; ++i) {
    const auto address = sdk::view(spec.addresses[i]);
    if (check_pattern(address) == AddressFault::kNone && has_wildcard(address)) {
      report.issue(RST_E_UNSUPPORTED, "address `", sdk::subject(address),
                   "` is a pattern; a subscription of kind `log` reads one topic, use kind `topic` for patterns");
    }
  }
  if (spec.start_count > 1) report.issue(RST_E_INVALID, "a log has one order of offsets: give one start position");
  for (std::uint32_t i = 0; i < spec.start_count; ++i) {
    if (spec.start[i].kind < RST_POSITION_EARLIEST || spec.start[i].kind > RST_POSITION_TIME) {
      report.issue(RST_E_UNSUPPORTED, "start position of unknown kind ", spec.start[i].kind);
    }
  }
}

}  // namespace

void Instance::validate(const rst_connection_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  const auto name = broker_name(sdk::view(spec.url));
  if (!is_name(name)) {
    report.issue(RST_E_INVALID, "the name in memory:NAME has letters, digits, `.`, `-` and `_`, at most 64 of them");
  }
  const sdk::Options options{kOptionTable, spec.options, spec.option_count};
  const auto partitions = options[kPartitionsOption].u64();
  if (options[kAssignOption].text() == "partitions" && (partitions == 0 || partitions > kMostAssigned)) {
    report.issue(RST_E_OPTION, "option `", sdk::subject("assign"), "` needs `partitions` from 1 to ", kMostAssigned,
                 ", they are ", partitions);
  }
  plan.max_payload = options[kMaxPayloadOption].bytes();
  report.text(RST_TEXT_SERVER_DISPLAY, "memory:" + std::string(is_name(name) ? name : ""));
}

void Instance::validate(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  const auto addresses = addresses_of(spec);
  if (addresses.empty()) report.issue(RST_E_INVALID, "a subscription names at least one address");
  for (const auto& address : addresses) {
    check_address("address", address, check_pattern(address), report);
    if (std::count(addresses.begin(), addresses.end(), address) > 1) {
      report.issue(RST_E_INVALID, "address `", sdk::subject(address), "` is given more than once");
      break;
    }
  }
  if (spec.kind == kLog) check_log(spec, report);
  if (spec.group.len > 0 && spec.durable.len > 0 && sdk::view(spec.group) != sdk::view(spec.durable)) {
    report.issue(RST_E_INVALID, "durable `", sdk::subject(sdk::view(spec.durable)),
                 "` is not the group; a group outlives its members here, name only the group");
  }
  if (const auto dead_letter = sdk::view(spec.dead_letter); !dead_letter.empty()) {
    const auto fault = check_destination(dead_letter);
    check_address("dead letter", dead_letter, fault, report);
    const auto comes_back = [&](const std::string& address) {
      return check_pattern(address) == AddressFault::kNone && matches(address, dead_letter);
    };
    if (fault == AddressFault::kNone && std::any_of(addresses.begin(), addresses.end(), comes_back)) {
      report.issue(RST_E_INVALID, "dead letter `", sdk::subject(dead_letter),
                   "` would come back to this subscription; choose a topic that it does not take");
    }
  }
  const sdk::Options options{kOptionTable, spec.options, spec.option_count};
  plan.flags = RST_PLAN_BROKER_MOVES;
  plan.ack_deadline_ns = options[kAckTimeoutOption].nanoseconds();
  plan.max_unsettled = InFlight::kMaxWindow;
  plan.max_batch = Batches::kMaxMessages;
  auto sorted = addresses;
  std::sort(sorted.begin(), sorted.end());
  const auto canonical = join_addresses(sorted);
  const std::string_view kind = spec.kind == kLog ? "log" : "topic";
  const auto group = sdk::view(spec.group.len > 0 ? spec.group : spec.durable);
  report.text(RST_TEXT_CANONICAL_ADDRESS, canonical);
  if (!group.empty()) {
    report.text(RST_TEXT_GROUP_KEY, std::string(kind) + ' ' + canonical + ' ' + std::string(group));
  }
  report.text(RST_TEXT_BINDINGS_JSON, R"({"x-memory":{"kind":")" + std::string(kind) + R"("}})");
}

void Instance::validate(const rst_publisher_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  const auto destination = sdk::view(spec.destination);
  if (!destination.empty()) {
    check_address("destination", destination, check_destination(destination), report);
    report.text(RST_TEXT_CANONICAL_ADDRESS, destination);
  }
  plan.max_payload = kMaxPayload;
  report.text(RST_TEXT_BINDINGS_JSON,
              spec.kind == kLog ? R"({"x-memory":{"kind":"log"}})" : R"({"x-memory":{"kind":"topic"}})");
}

std::int32_t Instance::match(const rst_subscription_spec& to, const rst_publisher_spec& from,
                             const rst_out_message* message, sdk::ErrorOut error) {
  const auto destination = message != nullptr && message->destination != nullptr
                               ? std::string_view{message->destination, message->destination_len}
                               : sdk::view(from.destination);
  if (const auto fault = check_destination(destination); fault != AddressFault::kNone) {
    return error(RST_E_INVALID, "destination `", sdk::subject(destination), "` ", describe(fault));
  }
  bool found = false;
  for (std::uint32_t i = 0; i < to.address_count; ++i) {
    const auto pattern = sdk::view(to.addresses[i]);
    if (const auto fault = check_pattern(pattern); fault != AddressFault::kNone) {
      return error(RST_E_INVALID, "address `", sdk::subject(pattern), "` ", describe(fault));
    }
    found |= matches(pattern, destination);
  }
  return found ? 1 : 0;
}

}  // namespace ruststream::memory
