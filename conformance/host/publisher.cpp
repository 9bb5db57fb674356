#include "host/out_array.hpp"
#include "host/test.hpp"

#include <algorithm>
#include <tuple>

namespace conformance {

struct Publishing::Borrow {
  Borrow(std::span<const Out> messages, bool completes)
      : out(messages),
        statuses("rst_publish.statuses", messages.size()),
        receipts("rst_publish.receipts", messages.size()),
        has_statuses(completes) {
    std::fill_n(statuses.get(), messages.size(), kUnwritten);
  }
  /// The plugin may use nothing of it any more.
  void take_back() {
    result.statuses.assign(statuses.get(), statuses.get() + statuses.size());
    result.receipts.assign(receipts.get(), receipts.get() + receipts.size());
    const auto gone = std::tuple(std::move(out), std::move(statuses), std::move(receipts));
  }

  OutArray out;
  Lent<std::int32_t> statuses;
  Lent<rst_position> receipts;
  bool has_statuses;
  Published result;
};

Publishing Publisher::start(std::span<const Out> messages, const PublishOptions& options) const {
  auto borrow = std::make_shared<Publishing::Borrow>(messages, options.completes);
  const bool confirm = options.confirm && kind->can(RST_CAP_PUBLISH_CONFIRM);
  const Lent<rst_publish> call("rst_publish");
  call->struct_size = sizeof(rst_publish);
  call->flags = options.flags | (confirm ? RST_PUBLISH_CONFIRM : 0U);
  call->publisher = handle;
  call->tx = options.tx;
  call->messages = borrow->out.data();
  call->statuses = options.completes ? borrow->statuses.get() : nullptr;
  call->receipts = options.wants_receipts ? borrow->receipts.get() : nullptr;
  call->count = static_cast<std::uint32_t>(messages.size());
  call->stride = sizeof(rst_out_message);
  call->timeout_ns = static_cast<std::uint64_t>(options.timeout.count());
  std::uint32_t accepted = 0;
  Pending verb = instance->call(
      "publish", connection, options.timeout,
      [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
        call->op = options.completes ? op : 0;
        const std::int32_t returned = instance->table().publish(instance->raw(), call.get(), error);
        accepted = call->accepted;
        return options.completes ? returned : std::min(returned, RST_DONE);
      },
      [borrow](std::int32_t) { borrow->take_back(); });
  if (accepted > messages.size()) {
    instance->test.fail("P4", "at most the given messages are accepted", std::to_string(accepted));
  }
  if (verb.returned() < 0 && accepted != 0) {
    instance->test.fail("P4", "a publish that accepted a prefix returns DONE or PENDING",
                        std::to_string(accepted) + " were accepted, and it returned " + code_name(-verb.returned()));
  }
  return {std::move(verb), std::move(borrow), accepted};
}

Published Publishing::wait() {
  Test& test = verb_.instance().test;
  Published published = {verb_.wait(), accepted_, {}, {}};
  if (borrow_->has_statuses) published.statuses = borrow_->result.statuses;
  published.receipts = borrow_->result.receipts;
  for (std::uint32_t i = 0; i < published.statuses.size(); ++i) {
    const bool written = published.statuses[i] != kUnwritten;
    if (i < accepted_ && !written && published.verb.ok()) {
      test.fail("P1", "each accepted message has a status when publish is complete",
                "that of message " + std::to_string(i) + " was not written");
    }
    if (i >= accepted_ && written && accepted_ != 0) {
      test.fail("P4", "what is behind the accepted prefix is not touched",
                "the status of message " + std::to_string(i) + " was written");
    }
  }
  return published;
}

void Publisher::send(std::span<const Out> messages) const {
  Test& test = instance->test;
  while (!messages.empty()) {
    const Published published = publish(messages);
    if (published.verb.code == RST_E_BACKPRESSURE || (published.verb.ok() && published.accepted < messages.size())) {
      const auto writable = instance->await_event(RST_EVENT_PUB_WRITABLE, id, test.testkit.arrival);
      test.expect(writable.has_value(), "P4", "one PUB_WRITABLE follows a refusal", "none came");
    } else if (!published.verb.ok()) {
      test.fail("P1", "publish succeeds", published.verb.said());
    }
    for (std::uint32_t i = 0; i < published.accepted; ++i) {
      if (published.statuses[i] < 0)
        test.fail("P1", "an accepted message gets the status OK", code_name(rst_status_code(published.statuses[i])));
    }
    messages = messages.subspan(published.accepted);
  }
}

Pending Publisher::flush(std::chrono::nanoseconds timeout) const {
  return instance->call("flush", connection, timeout, [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
    return instance->table().flush(instance->raw(), handle, static_cast<std::uint64_t>(timeout.count()), op, error);
  });
}

Pending Publisher::close(std::uint32_t flags, std::chrono::nanoseconds timeout) const {
  return instance->close(id, connection, handle, flags, timeout);
}

}  // namespace conformance
