#include "test_host.hpp"

#include <ruststream/abi/ext/admin.h>
#include <ruststream/abi/ext/request.h>
#include <ruststream/abi/ext/stats.h>

#include <array>
#include <span>
#include <thread>

extern "C" const rst_plugin* rst_plugin_nats();

namespace ruststream::nats::test {
namespace {

template <typename Char>
std::string text_of(const Char* text, std::size_t length) {
  return {reinterpret_cast<const char*>(text), length};
}

const std::uint8_t* bytes(const std::string& text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

}  // namespace

std::string Message::text(const std::string& header) const {
  for (const auto& [name, value] : headers) {
    if (name == header) return value;
  }
  return "(none)";
}

std::vector<Message> copy(rst_batch* batch) {
  std::vector<Message> all;
  for (std::uint32_t i = 0; i < batch->count; ++i) {
    const rst_message& from = batch->messages[i];
    Message to;
    to.payload = text_of(from.payload, from.payload_len);
    to.token = from.token;
    to.attempt = from.attempt;
    for (std::uint16_t h = 0; h < from.header_count; ++h) {
      const rst_header& header = from.headers[h];
      to.headers.emplace_back(text_of(header.name, header.name_len), text_of(header.value, header.value_len));
    }
    if (const rst_message_meta* const meta = from.meta; meta != nullptr) {
      to.address = text_of(meta->address, meta->address_len);
      to.reply_to = text_of(meta->reply_to, meta->reply_to_len);
      to.message_id = text_of(meta->message_id, meta->message_id_len);
      to.content_type = text_of(meta->content_type, meta->content_type_len);
      to.correlation = text_of(meta->correlation, meta->correlation_len);
    }
    all.push_back(std::move(to));
  }
  return all;
}

std::int32_t Host::deliver(rst_batch* batch) {
  const auto subscription = batch->subscription;
  auto messages = copy(batch);
  batch->ops->release(batch);
  const std::lock_guard lock(mutex_);
  auto& all = taken_[subscription];
  all.insert(all.end(), std::make_move_iterator(messages.begin()), std::make_move_iterator(messages.end()));
  changed_.notify_all();
  return RST_DONE;
}

std::vector<Message> Host::take(std::uint64_t subscription, std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(10), [&] { return taken_[subscription].size() >= count; });
  return std::exchange(taken_[subscription], {});
}

Event Host::await_event(std::uint32_t kind, std::uint64_t subject) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  while (std::chrono::steady_clock::now() < until) {
    for (const Event& each : take_events()) {
      if (each.kind == kind && (subject == 0 || each.subject == subject)) return each;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "no event of kind " << kind;
  return {};
}

Client::Client() : table(*rst_plugin_nats()) {
  const rst_init_args args{sizeof args, 0};
  rst_error error{};
  EXPECT_EQ(table.init(host.table(), &args, &instance, &error), RST_DONE);
}

Client::~Client() {
  for (const std::uint64_t each : connections_) close(each, RST_CLOSE_ABORT);
  rst_error error{};
  EXPECT_EQ(table.deinit(instance, &error), RST_DONE) << error.text;
}

std::vector<rst_option> Client::options_of(const OptionList& options) const {
  std::vector<rst_option> all;
  for (const auto& [name, value] : options) {
    rst_option made{};
    made.name = str(name);
    made.decl = RST_OPTION_PASS_THROUGH;
    made.flags = RST_OPTION_VALUE_EXPLICIT;
    for (std::uint32_t i = 0; i < table.option_count; ++i) {
      const auto& decl = *reinterpret_cast<const rst_option_decl*>(reinterpret_cast<const std::byte*>(table.options) +
                                                                   std::size_t{i} * table.option_stride);
      if (text_of(decl.name.ptr, decl.name.len) != name) continue;
      made.decl = static_cast<std::uint16_t>(i);
      made.value.type = decl.type;
    }
    if (const auto* number = std::get_if<std::uint64_t>(&value)) made.value.as.u64 = *number;
    if (const auto* flag = std::get_if<bool>(&value)) made.value.as.i64 = *flag ? 1 : 0;
    if (const auto* text = std::get_if<std::string>(&value)) {
      made.value.as.ptr = text->data();
      made.value.len = static_cast<std::uint32_t>(text->size());
    }
    all.push_back(made);
  }
  return all;
}

Outcome Client::outcome(std::int32_t result, std::uint64_t op, const rst_error& error) {
  if (result < 0) return {-result, error.flags, text_of(error.text, error.text_len)};
  if (result == RST_DONE) return {};
  const auto completion = host.await(op);
  return {rst_status_code(completion.status), rst_status_flags(completion.status), completion.text, completion.value};
}

Outcome Client::connect(const std::string& url, const OptionList& options, std::uint32_t flags,
                        std::uint64_t timeout_ns) {
  const auto given = options_of(options);
  rst_connection_spec spec{};
  spec.struct_size = sizeof spec;
  spec.flags = flags;
  spec.id = ++last_id_;
  spec.url = str(url);
  spec.options = given.data();
  spec.option_count = static_cast<std::uint32_t>(given.size());
  spec.op = ++last_id_;
  spec.timeout_ns = timeout_ns;
  rst_error error{};
  std::uint64_t handle = 0;
  const Outcome done = outcome(table.connect(instance, &spec, &handle, &error), spec.op, error);
  if (!done.ok()) return done;
  connection = handle != 0 ? handle : done.value;
  connection_id = spec.id;
  connections_.push_back(connection);
  return done;
}

Client::Subscription Client::subscribe(const Subscribe& wanted) {
  const auto options = options_of(wanted.options);
  std::vector<rst_str> addresses;
  for (const std::string& each : wanted.addresses) addresses.push_back(str(each));
  rst_subscription_spec spec{};
  spec.struct_size = sizeof spec;
  spec.id = ++last_id_;
  spec.kind = wanted.kind;
  spec.addresses = addresses.data();
  spec.address_count = static_cast<std::uint32_t>(addresses.size());
  spec.group = str(wanted.group);
  spec.durable = str(wanted.durable);
  spec.options = options.data();
  spec.option_count = static_cast<std::uint32_t>(options.size());
  spec.credit_messages = wanted.credit;
  spec.credit_bytes = std::uint64_t{1} << 40;
  spec.max_batch = wanted.max_batch;
  spec.window_messages = wanted.window;
  spec.op = ++last_id_;
  rst_error error{};
  Subscription made{spec.id, 0, {}};
  const std::uint64_t on = wanted.connection != 0 ? wanted.connection : connection;
  made.outcome = outcome(table.subscribe(instance, on, &spec, &made.handle, &error), spec.op, error);
  if (made.handle == 0) made.handle = made.outcome.value;
  return made;
}

Client::Publisher Client::publisher(const std::string& destination, std::uint32_t kind) {
  rst_publisher_spec spec{};
  spec.struct_size = sizeof spec;
  spec.id = ++last_id_;
  spec.kind = kind;
  spec.destination = str(destination);
  spec.op = ++last_id_;
  rst_error error{};
  Publisher made{spec.id, 0, {}};
  made.outcome = outcome(table.open_publisher(instance, connection, &spec, &made.handle, &error), spec.op, error);
  if (made.handle == 0) made.handle = made.outcome.value;
  return made;
}

/// An Out as the contract wants it; lives as long as the call.
struct Client::Wire {
  explicit Wire(const Out& from) {
    for (const auto& [name, value] : from.headers) {
      headers.push_back({name.data(), bytes(value), static_cast<std::uint32_t>(value.size()),
                         static_cast<std::uint16_t>(name.size()), RST_HEADER_BYTES, 0});
    }
    message.payload = bytes(from.payload);
    message.payload_len = from.payload.size();
    message.headers = headers.data();
    message.header_count = static_cast<std::uint16_t>(headers.size());
    if (!from.destination.empty()) message.destination = from.destination.data();
    message.destination_len = static_cast<std::uint32_t>(from.destination.size());
    props.struct_size = sizeof props;
    props.priority = -1;
    props.partition = -1;
    const auto set = [](auto*& at, std::uint32_t& length, const std::string& text) {
      at = reinterpret_cast<std::remove_reference_t<decltype(at)>>(text.data());
      length = static_cast<std::uint32_t>(text.size());
    };
    set(props.reply_to, props.reply_to_len, from.reply_to);
    set(props.message_id, props.message_id_len, from.message_id);
    set(props.content_type, props.content_type_len, from.content_type);
    set(props.correlation, props.correlation_len, from.correlation);
    message.props = &props;
    publish.struct_size = sizeof publish;
    publish.messages = &message;
    publish.statuses = &status;
    publish.count = 1;
    publish.stride = sizeof message;
  }
  std::vector<rst_header> headers;
  rst_out_props props{};
  rst_out_message message{};
  std::int32_t status = 0;
  rst_publish publish{};
};

Outcome Client::publish(const Publisher& publisher, const Out& message, std::uint64_t timeout_ns) {
  Wire wire(message);
  wire.publish.publisher = publisher.handle;
  wire.publish.op = ++last_id_;
  wire.publish.timeout_ns = timeout_ns;
  rst_error error{};
  Outcome done = outcome(table.publish(instance, &wire.publish, &error), wire.publish.op, error);
  if (!done.ok()) return done;
  return {rst_status_code(wire.status), rst_status_flags(wire.status), {}};
}

std::pair<Outcome, Message> Client::request(const Publisher& publisher, const Out& message, std::uint64_t timeout_ns) {
  Wire wire(message);
  wire.publish.publisher = publisher.handle;
  wire.publish.op = ++last_id_;
  wire.publish.timeout_ns = timeout_ns;
  rst_error error{};
  const auto* const extension = static_cast<const rst_request*>(table.get_extension(str(RST_EXT_REQUEST)));
  const Outcome done = outcome(extension->request(instance, &wire.publish, &error), wire.publish.op, error);
  if (!done.ok() || done.value == 0) return {done, {}};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): how a completion carries a reply.
  auto* const batch = reinterpret_cast<rst_batch*>(done.value);
  Message reply = copy(batch).at(0);
  batch->ops->release(batch);
  return {done, reply};
}

Outcome Client::flush(std::uint64_t handle, std::uint64_t timeout_ns) {
  const std::uint64_t op = ++last_id_;
  rst_error error{};
  return outcome(table.flush(instance, handle, timeout_ns, op, &error), op, error);
}

Outcome Client::close(std::uint64_t handle, std::uint32_t flags) {
  const std::uint64_t op = ++last_id_;
  rst_error error{};
  return outcome(table.close(instance, handle, flags, 0, op, &error), op, error);
}

Outcome Client::admin(std::uint32_t action, const std::string& name, const OptionList& options,
                      const std::string& parent) {
  const auto given = options_of(options);
  rst_admin_request request{};
  request.struct_size = sizeof request;
  request.connection = connection;
  request.action = action;
  request.kind = 1;
  request.name = str(name);
  request.parent = str(parent);
  request.options = given.data();
  request.option_count = static_cast<std::uint32_t>(given.size());
  request.op = ++last_id_;
  rst_error error{};
  const auto* const extension = static_cast<const rst_admin*>(table.get_extension(str(RST_EXT_ADMIN)));
  return outcome(extension->apply(instance, &request, &error), request.op, error);
}

void Client::credit(const Subscription& subscription, std::uint32_t messages) {
  rst_credit call{};
  call.struct_size = sizeof call;
  call.flags = RST_CREDIT_ADD;
  call.subscription = subscription.handle;
  call.messages = messages;
  call.bytes = 1U << 30U;
  rst_error error{};
  EXPECT_EQ(table.credit(instance, &call, &error), RST_DONE);
}

std::map<std::uint32_t, std::uint64_t> Client::stats(std::uint64_t handle) {
  const auto* const extension = static_cast<const rst_stats*>(table.get_extension(str(RST_EXT_STATS)));
  rst_stats_query query{};
  query.struct_size = sizeof query;
  query.handle = handle;
  std::array<rst_stat, 32> numbers{};
  std::uint32_t count = 0;
  std::uint64_t age = 0;
  rst_error error{};
  EXPECT_EQ(extension->snapshot(instance, &query, numbers.data(), numbers.size(), &count, &age, &error), RST_DONE);
  std::map<std::uint32_t, std::uint64_t> all;
  for (const rst_stat& each : std::span{numbers}.first(count)) all[each.id] = each.value;
  return all;
}

}  // namespace ruststream::nats::test
