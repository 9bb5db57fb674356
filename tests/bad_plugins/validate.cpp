// The pure part: every problem of a spec, each named.
#include "model.hpp"

#include <atomic>
#include <stdexcept>

namespace plain {

void set_error(rst_error* error, std::int32_t code, std::string_view text, std::string_view subject,
               std::uint32_t flags) {
  if (error == nullptr) return;
  *error = {};
  error->code = code;
  error->flags = flags;
  error->text_len = static_cast<std::uint16_t>(std::min<std::size_t>(text.size(), sizeof error->text));
  std::memcpy(error->text, text.data(), error->text_len);
  const std::size_t at = subject.empty() ? std::string_view::npos : text.find(subject);
  if (at == std::string_view::npos || at + subject.size() > error->text_len) return;
  error->subject_off = static_cast<std::uint16_t>(at);
  error->subject_len = static_cast<std::uint16_t>(subject.size());
}

std::int32_t fail(rst_error* error, std::int32_t code, std::string_view text, std::uint32_t flags) {
  set_error(error, is(error_code_is_another) ? RST_E_INTERNAL : code, text, {}, flags);
  return -code;
}

void Issues::add(std::int32_t code, const std::string& text, std::string_view subject) {
  if (is(reports_only_the_first) && !all.empty()) return;
  rst_error issue;
  set_error(&issue, code, is(problem_has_no_name) ? "an option is wrong" : text, subject, RST_ERROR_USER);
  all.push_back(issue);
}

std::int32_t Issues::first(rst_error* error) const {
  for (const rst_error& each : all) {
    if (each.code == 0) continue;
    if (error != nullptr) *error = each;
    return -each.code;
  }
  return RST_DONE;
}

void check_options(std::uint32_t scope, std::uint32_t, const rst_option* options, std::uint32_t count, Issues& issues) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const rst_option& each = options[i];
    const std::string name(view(each.name));
    const rst_option_decl* const decl = find_option(each);
    if (decl == nullptr) {
      if (!is(unknown_option_is_taken)) issues.add(RST_E_OPTION, "there is no option " + name, name);
      continue;
    }
    const rst_value& value = each.value;
    if ((decl->scopes & scope) == 0) {
      if (!is(option_is_taken_anywhere)) issues.add(RST_E_OPTION, "option " + name + " has no place here", name);
    } else if (value.type != decl->type) {
      if (!is(wrong_type_is_taken)) issues.add(RST_E_OPTION, "option " + name + " has another type", name);
    } else if (decl->max != 0 && (value.as.u64 < static_cast<std::uint64_t>(decl->min) ||
                                  value.as.u64 > static_cast<std::uint64_t>(decl->max))) {
      if (!is(out_of_range_is_taken)) issues.add(RST_E_OPTION, "option " + name + " is out of its range", name);
    } else if (decl->choice_count != 0) {
      const std::string_view chosen(static_cast<const char*>(value.as.ptr), value.len);
      const auto same = [&](rst_str choice) { return view(choice) == chosen; };
      if (std::none_of(decl->choices, decl->choices + decl->choice_count, same) && !is(any_choice_is_taken))
        issues.add(RST_E_OPTION, "option " + name + " has no such choice", name);
    }
    if (is(secret_in_error) && (decl->flags & RST_OPTION_SECRET) != 0 && count > 1) {
      issues.add(RST_E_OPTION, "password " + std::string(static_cast<const char*>(value.as.ptr), value.len) +
                                   " does not go with the rest");
    }
  }
}

void check(const rst_connection_spec& spec, Issues& issues) {
  if ((spec.flags & ~RST_CONNECT_RETRY_INITIAL) != 0 && !is(unknown_connect_flag_is_taken))
    issues.add(RST_E_UNSUPPORTED, "unknown flag of connect");
  if (!view(spec.url).starts_with("plain:")) issues.add(RST_E_INVALID, "the URL begins with plain:");
  check_options(RST_SCOPE_CONNECTION, 0, spec.options, spec.option_count, issues);
}

void check(const rst_subscription_spec& spec, Issues& issues) {
  if (spec.flags != 0 && !is(unknown_subscribe_flag_is_taken))
    issues.add(RST_E_UNSUPPORTED, "unknown flag of subscribe");
  if (spec.kind >= table().kind_count) return issues.add(RST_E_INVALID, "there is no such kind");
  const std::uint32_t kind = kind_of(spec.kind);
  if (spec.address_count == 0) issues.add(RST_E_INVALID, "an address is missing");
  for (std::uint32_t i = 0; i < spec.address_count; ++i) {
    if (spec.addresses[i].len == 0) issues.add(RST_E_INVALID, "an address is empty");
    if (view(spec.addresses[i]).find('*') != std::string_view::npos && !can(kind, RST_CAP_WILDCARD))
      issues.add(RST_E_UNSUPPORTED, "this kind takes no patterns");
  }
  if (kind == log_kind && spec.address_count > 1) issues.add(RST_E_INVALID, "a log is one address");
  if ((spec.group.len != 0 || spec.durable.len != 0) && !can(kind, RST_CAP_GROUP))
    issues.add(RST_E_UNSUPPORTED, "this kind has no groups");
  if (spec.start_count > (kind == log_kind ? 1U : 0U)) issues.add(RST_E_UNSUPPORTED, "this kind has no such start");
  for (std::uint32_t i = 0; i < spec.start_count; ++i) {
    if (spec.start[i].kind < RST_POSITION_EARLIEST || spec.start[i].kind > RST_POSITION_TIME)
      issues.add(RST_E_UNSUPPORTED, "unknown kind of position");
  }
  check_options(RST_SCOPE_SUBSCRIPTION, kind, spec.options, spec.option_count, issues);
}

void check(const rst_publisher_spec& spec, Issues& issues) {
  constexpr std::uint32_t kKnown = RST_PUBLISHER_CONFIRM | RST_PUBLISHER_TRANSACTIONAL;
  if ((spec.flags & ~kKnown) != 0 && !is(unknown_publisher_flag_is_taken))
    issues.add(RST_E_UNSUPPORTED, "unknown flag of open_publisher");
  if (spec.kind >= table().kind_count) return issues.add(RST_E_INVALID, "there is no such kind");
  if (view(spec.destination).find('*') != std::string_view::npos)
    issues.add(RST_E_INVALID, "a destination is no pattern");
  check_options(RST_SCOPE_PUBLISHER, kind_of(spec.kind), spec.options, spec.option_count, issues);
}

std::int32_t check_message(std::uint32_t kind, const rst_out_message& message) {
  const bool settles = can(kind, RST_CAP_SETTLE);
  const std::uint32_t flags =
      (settles ? RST_OUT_NULL_PAYLOAD : 0U) | (can(kind, RST_CAP_UNROUTED) ? RST_OUT_MANDATORY : 0U);
  const std::uint32_t taken = is(unknown_message_flag_is_taken) ? ~std::uint32_t{RST_OUT_NULL_PAYLOAD} : 0U;
  if ((message.flags & ~(flags | taken)) != 0) return -RST_E_UNSUPPORTED;
  if (message.payload_len > kMaxPayload && !is(payload_has_no_limit)) return -RST_E_TOO_LARGE;
  if (message.header_count > kMaxHeaders && !is(further_headers_are_cut_off)) return -RST_E_TOO_LARGE;
  if (message.key != nullptr && !can(kind, RST_CAP_KEY)) return -RST_E_UNSUPPORTED;
  const auto plain = [](const char* text, std::size_t size) {
    return std::all_of(text, text + size, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
  };
  for (std::uint32_t i = 0; i < message.header_count; ++i) {
    const rst_header& header = message.headers[i];
    if (header.type > RST_HEADER_NATIVE || header.flags != 0)
      return is(unknown_header_type_is_taken) ? RST_OK : -RST_E_UNSUPPORTED;
    if (settles || is(controls_are_stripped)) continue;
    if (header.type >= RST_HEADER_NULL || !plain(header.name, header.name_len) ||
        !plain(reinterpret_cast<const char*>(header.value), header.value_len))
      return -RST_E_UNSUPPORTED;
  }
  if (message.props == nullptr) return RST_OK;
  const rst_out_props props = known(message.props);
  if (props.option_count != 0) return -RST_E_OPTION;
  if ((props.ttl_ns != 0 && !can(kind, RST_CAP_TTL)) || (props.delay_ns != 0 && !can(kind, RST_CAP_DELAY)))
    return -RST_E_UNSUPPORTED;
  if (props.ttl_ns > kLongest || (props.delay_ns > kLongest && !is(delays_have_no_limit))) return -RST_E_UNSUPPORTED;
  if (props.priority >= 0 && !can(kind, RST_CAP_PRIORITY)) return is(priority_is_ignored) ? RST_OK : -RST_E_UNSUPPORTED;
  if (props.partition > static_cast<std::int32_t>(kPartitions) || (props.partition >= 0 && kind != log_kind))
    return -RST_E_UNSUPPORTED;
  return RST_OK;
}

namespace {

void text(const rst_report* to, std::uint32_t key, std::string_view value) {
  if (to != nullptr && to->struct_size >= sizeof(rst_report) && to->text != nullptr) to->text(to->ctx, key, str(value));
}

void write_plan(rst_plan* to, const rst_plan& from, const std::uint32_t* kind) {
  if (to == nullptr) return;
  rst_plan plan = from;
  const rst_plan host = known(to);
  plan.struct_size = host.struct_size;
  plan.caps = host.caps;
  plan.cap_capacity = host.cap_capacity;
  if (kind != nullptr) {
    const rst_kind& declared = *reinterpret_cast<const rst_kind*>(reinterpret_cast<const char*>(table().kinds) +
                                                                  std::size_t{*kind} * table().kind_stride);
    plan.cap_count = declared.cap_count;
    const std::uint32_t room =
        is(writes_beyond_plan_caps) ? plan.cap_count : std::min(plan.cap_count, plan.cap_capacity);
    if (plan.caps != nullptr) std::copy_n(declared.caps, room, plan.caps);
  }
  std::memcpy(static_cast<void*>(to), &plan,
              is(writes_beyond_plan) ? sizeof plan : std::min<std::size_t>(host.struct_size, sizeof plan));
}

}  // namespace

std::int32_t validate(std::uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report,
                      rst_error* error) {
  if (is(validate_throws) && scope == RST_SCOPE_SUBSCRIPTION) throw std::runtime_error("no");
  Issues issues;
  rst_plan planned{};
  planned.max_payload = kMaxPayload;
  std::uint32_t kind = 0;
  if (scope == RST_SCOPE_CONNECTION) {
    check(known(static_cast<const rst_connection_spec*>(spec)), issues);
    text(report, RST_TEXT_SERVER_DISPLAY,
         is(secret_in_display) ? view(static_cast<const rst_connection_spec*>(spec)->url) : "plain");
    write_plan(plan, planned, nullptr);
  } else if (scope == RST_SCOPE_SUBSCRIPTION) {
    const auto sub = known(static_cast<const rst_subscription_spec*>(spec));
    check(sub, issues);
    kind = sub.kind;
    static std::atomic<int> asked = 0;
    planned.flags = RST_PLAN_BROKER_MOVES;
    if (is(plan_contradicts_itself)) planned.flags |= RST_PLAN_COPY_PRIVATE | RST_PLAN_COPY_SHARED;
    if (is(plan_is_another_each_time) && ++asked % 2 == 0) planned.flags |= RST_PLAN_ORDERED_SETTLE;
    if (is(longer_structs_are_refused) && static_cast<const rst_subscription_spec*>(spec)->struct_size > sizeof sub)
      issues.add(RST_E_INVALID, "a spec of another draft");
    planned.max_batch = kMaxBatch;
    if (const auto* option = given(sub.options, sub.option_count, "ack_timeout"))
      planned.ack_deadline_ns = option->value.as.u64;
    if (sub.address_count != 0) text(report, RST_TEXT_CANONICAL_ADDRESS, view(sub.addresses[0]));
    if (sub.group.len != 0) text(report, RST_TEXT_GROUP_KEY, view(sub.group));
    if (kind < table().kind_count && sub.group.len == 0 && sub.durable.len == 0 && can(kind_of(kind), RST_CAP_SETTLE)) {
      issues.add(0, "without a group or a durable name, closing loses what is unsettled");
    }
    if (kind < table().kind_count) write_plan(plan, planned, &kind);
  } else if (scope == RST_SCOPE_PUBLISHER) {
    const auto publisher = known(static_cast<const rst_publisher_spec*>(spec));
    check(publisher, issues);
    kind = publisher.kind;
    if (kind < table().kind_count) write_plan(plan, planned, &kind);
  } else if (scope == RST_SCOPE_MESSAGE || scope == RST_SCOPE_ADMIN || scope == RST_SCOPE_TX) {
    const auto options = known(static_cast<const rst_options_spec*>(spec));
    check_options(scope, options.kind, options.options, options.option_count, issues);
  } else {
    if (!is(unknown_scope_is_taken)) issues.add(RST_E_UNSUPPORTED, "unknown scope");
  }
  for (const rst_error& each : issues.all) {
    if (report != nullptr && report->issue != nullptr) report->issue(report->ctx, &each);
  }
  return issues.first(error);
}

std::int32_t match(const rst_subscription_spec* subscription, const rst_publisher_spec* publisher,
                   const rst_out_message* message, rst_error* error) {
  const auto to = known(subscription);
  const auto from = known(publisher);
  const std::string_view destination = message != nullptr && message->destination != nullptr
                                           ? std::string_view(message->destination, message->destination_len)
                                           : view(from.destination);
  if (destination.empty()) return fail(error, RST_E_INVALID, "the destination is empty");
  for (std::uint32_t i = 0; i < (is(match_asks_one_address) ? 1 : to.address_count); ++i) {
    if (to.addresses[i].len == 0) return fail(error, RST_E_INVALID, "an address is empty");
    if (to.kind == from.kind && matches(view(to.addresses[i]), destination)) return is(match_says_no) ? 0 : 1;
  }
  return 0;
}

std::string base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t bit = 0; bit < text.size() * 8; bit += 6) {
    const auto high = static_cast<unsigned char>(text[bit / 8]);
    const auto low = bit / 8 + 1 < text.size() ? static_cast<unsigned char>(text[bit / 8 + 1]) : 0U;
    out += kDigits[(((static_cast<std::uint32_t>(high) << 8U) | low) >> (10U - bit % 8)) & 63U];
  }
  while (out.size() % 4 != 0) out += '=';
  return out;
}

}  // namespace plain
