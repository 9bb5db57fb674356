#include "host/out_array.hpp"
#include "host/test.hpp"

#include <algorithm>

namespace conformance {

Published Publisher::publish(std::span<const Out> messages, const PublishOptions& options) const {
  struct Borrow {
    OutArray out;
    Lent<std::int32_t> statuses;
    Lent<rst_position> receipts;
    std::vector<std::int32_t> final_statuses;
    std::vector<rst_position> final_receipts;
  };
  auto borrow =
      std::make_shared<Borrow>(OutArray(messages), Lent<std::int32_t>("rst_publish.statuses", messages.size()),
                               Lent<rst_position>("rst_publish.receipts", messages.size()), std::vector<std::int32_t>{},
                               std::vector<rst_position>{});
  std::fill_n(borrow->statuses.get(), messages.size(), -RST_E_INTERNAL);
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
  Published published;
  published.verb =
      instance
          ->call(
              "publish", connection, options.timeout,
              [&](std::uint64_t op, std::uint64_t&, rst_error* error) {
                call->op = options.completes ? op : 0;
                const std::int32_t returned = instance->table().publish(instance->raw(), call.get(), error);
                published.accepted = call->accepted;
                return options.completes ? returned : std::min(returned, RST_DONE);
              },
              [borrow]() mutable {
                borrow->final_statuses.assign(borrow->statuses.get(), borrow->statuses.get() + borrow->statuses.size());
                borrow->final_receipts.assign(borrow->receipts.get(), borrow->receipts.get() + borrow->receipts.size());
                auto statuses = std::move(borrow->statuses);  // taken back now, whoever still holds the rest
                auto receipts = std::move(borrow->receipts);
                auto out = std::move(borrow->out);
              })
          .wait();
  if (options.completes) published.statuses = borrow->final_statuses;
  published.receipts = borrow->final_receipts;
  if (published.accepted > messages.size()) {
    instance->test.fail("P4", "at most the given messages are accepted", std::to_string(published.accepted));
  }
  return published;
}

void Publisher::send(std::span<const Out> messages) const {
  Test& test = instance->test;
  while (!messages.empty()) {
    const Published published = publish(messages);
    if (published.verb.code == RST_E_BACKPRESSURE || (published.verb.ok() && published.accepted < messages.size())) {
      const bool writable = test.wait([&] { return instance->host.take_event(RST_EVENT_PUB_WRITABLE, id).has_value(); },
                                      test.testkit.arrival);
      test.expect(writable, "P4", "one PUB_WRITABLE follows a refusal", "none came");
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
