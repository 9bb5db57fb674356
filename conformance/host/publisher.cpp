#include "host/test.hpp"

#include <algorithm>

namespace conformance {
namespace {

/// Messages in guarded memory, with everything that they point to.
class OutArray {
 public:
  explicit OutArray(std::span<const Out> messages) : array_("rst_out_message", messages.size()) {
    for (std::size_t i = 0; i < messages.size(); ++i) fill(array_[i], messages[i]);
  }
  [[nodiscard]] const rst_out_message* data() const noexcept { return array_.get(); }

 private:
  const char* text(std::string_view from, const char* what) {
    return texts_.emplace_back(lend_bytes(from, what)).get();
  }
  const std::uint8_t* bytes(std::string_view from, const char* what) {
    return reinterpret_cast<const std::uint8_t*>(text(from, what));
  }
  static std::uint32_t length(std::string_view of) noexcept { return static_cast<std::uint32_t>(of.size()); }

  void fill(rst_out_message& to, const Out& from) {
    to.payload = bytes(from.payload, "a payload");
    to.payload_len = from.payload.size();
    to.flags = from.flags;
    if (!from.destination.empty()) {
      to.destination = text(from.destination, "a destination");
      to.destination_len = length(from.destination);
    }
    if (from.key) {
      to.key = bytes(*from.key, "a key");
      to.key_len = length(*from.key);
    }
    if (!from.headers.empty()) {
      Lent<rst_header>& headers = headers_.emplace_back("rst_header", from.headers.size());
      for (std::size_t i = 0; i < from.headers.size(); ++i) fill(headers[i], from.headers[i]);
      to.headers = headers.get();
      to.header_count = static_cast<std::uint16_t>(from.headers.size());
    }
    const bool cold = !from.reply_to.empty() || !from.correlation.empty() || !from.message_id.empty() ||
                      !from.content_type.empty() || from.priority >= 0 || from.partition >= 0 ||
                      from.ttl.count() != 0 || from.delay.count() != 0;
    if (cold) to.props = fill_props(from);
  }

  void fill(rst_header& to, const Header& from) {
    to.name = text(from.name, "a header's name");
    to.name_len = static_cast<std::uint16_t>(from.name.size());
    to.type = from.value ? from.type : std::uint8_t{RST_HEADER_NULL};
    if (!from.value) return;
    to.value = bytes(*from.value, "a header's value");
    to.value_len = length(*from.value);
  }

  const rst_out_props* fill_props(const Out& from) {
    rst_out_props& props = *props_.emplace_back("rst_out_props");
    props.struct_size = sizeof props;
    props.priority = from.priority;
    props.partition = from.partition;
    props.ttl_ns = static_cast<std::uint64_t>(from.ttl.count());
    props.delay_ns = static_cast<std::uint64_t>(from.delay.count());
    const auto put = [&](const std::string& value, const std::uint8_t*& at, std::uint32_t& size) {
      if (value.empty()) return;
      at = bytes(value, "a property");
      size = length(value);
    };
    put(from.reply_to, props.reply_to, props.reply_to_len);
    put(from.correlation, props.correlation, props.correlation_len);
    put(from.message_id, props.message_id, props.message_id_len);
    if (!from.content_type.empty()) {
      props.content_type = text(from.content_type, "a content type");
      props.content_type_len = length(from.content_type);
    }
    return &props;
  }

  Lent<rst_out_message> array_;
  std::vector<Lent<char>> texts_;
  std::vector<Lent<rst_header>> headers_;
  std::vector<Lent<rst_out_props>> props_;
};

}  // namespace

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
  call->statuses = borrow->statuses.get();
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
                call->op = op;
                const std::int32_t returned = instance->table().publish(instance->raw(), call.get(), error);
                published.accepted = call->accepted;
                return returned;
              },
              [borrow]() mutable {
                borrow->final_statuses.assign(borrow->statuses.get(), borrow->statuses.get() + borrow->statuses.size());
                borrow->final_receipts.assign(borrow->receipts.get(), borrow->receipts.get() + borrow->receipts.size());
                auto statuses = std::move(borrow->statuses);  // taken back now, whoever still holds the rest
                auto receipts = std::move(borrow->receipts);
                auto out = std::move(borrow->out);
              })
          .wait();
  published.statuses = borrow->final_statuses;
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
