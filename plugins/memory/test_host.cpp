#include "test_host.hpp"

#include <dlfcn.h>
#include <stdexcept>
#include <variant>

extern "C" const rst_plugin* rst_plugin_memory();

namespace ruststream::memory::test {
namespace {

std::string text(const auto* bytes, std::size_t length) {
  return bytes == nullptr ? std::string{} : std::string(reinterpret_cast<const char*>(bytes), length);
}

const std::uint8_t* bytes(const std::string& from) { return reinterpret_cast<const std::uint8_t*>(from.data()); }

}  // namespace

const rst_plugin& embedded_table() { return *rst_plugin_memory(); }

const rst_plugin& loaded_table() {
  static const rst_plugin* const table = [] {
    void* library = ::dlopen(MEMORY_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    return reinterpret_cast<rst_plugin_entry>(::dlsym(library, RST_ENTRY_SYMBOL))();
  }();
  return *table;
}

std::string Message::header(std::string_view name) const {
  for (const auto& each : headers) {
    if (each.name == name) return each.value.value_or("");
  }
  return "(none)";
}

std::vector<Message> copy(rst_batch* batch) {
  std::vector<Message> all;
  for (std::uint32_t i = 0; i < batch->count; ++i) {
    const auto& from = *reinterpret_cast<const rst_message*>(reinterpret_cast<const std::byte*>(batch->messages) +
                                                             std::size_t{i} * batch->stride);
    Message message;
    message.subscription = batch->subscription;
    message.token = from.token;
    message.payload = text(from.payload, from.payload_len);
    if (from.key != nullptr) message.key = text(from.key, from.key_len);
    for (std::uint32_t h = 0; h < from.header_count; ++h) {
      const auto& header = from.headers[h];
      message.headers.push_back({text(header.name, header.name_len), {}, header.type});
      if (header.value != nullptr) message.headers.back().value = text(header.value, header.value_len);
    }
    if (const auto* meta = from.meta; meta != nullptr) {
      message.address = text(meta->address, meta->address_len);
      message.reply_to = text(meta->reply_to, meta->reply_to_len);
      message.correlation = text(meta->correlation, meta->correlation_len);
      message.message_id = text(meta->message_id, meta->message_id_len);
      message.content_type = text(meta->content_type, meta->content_type_len);
    }
    message.flags = from.flags;
    message.partition = from.partition;
    message.generation = batch->generation;
    message.batch_size = batch->count;
    message.attempt = from.attempt;
    if (batch->timestamps != nullptr) message.timestamp_ns = batch->timestamps[i];
    if (batch->ops->position != nullptr) {
      EXPECT_EQ(batch->ops->position(batch, i, &message.position), RST_DONE);
    }
    // Rule M5: what the flag promises is read, for the sanitizers to see.
    if ((from.flags & RST_MESSAGE_PADDED) != 0) {
      volatile std::uint8_t last = from.payload[from.payload_len + 63];
      static_cast<void>(last);
    }
    all.push_back(std::move(message));
  }
  return all;
}

std::int32_t Host::deliver(rst_batch* batch) {
  if (on_deliver) return on_deliver(batch);
  auto messages = copy(batch);
  {
    const std::lock_guard lock(mutex_);
    auto& taken = taken_[batch->subscription];
    for (auto& message : messages) taken.push_back(std::move(message));
    if (keep_batches) batches.push_back(batch);
    changed_.notify_all();
  }
  if (!keep_batches) batch->ops->release(batch);
  return RST_DONE;
}

std::vector<Message> Host::await_messages(std::uint64_t subscription_id, std::size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(
      changed_.wait_for(lock, std::chrono::seconds(10), [&] { return taken_[subscription_id].size() >= count; }));
  return std::exchange(taken_[subscription_id], {});
}

Client::Client(const rst_plugin& plugin) : table(plugin) {
  const rst_init_args args{sizeof args, 0};
  EXPECT_EQ(table.init(host.table(), &args, &instance, &error), RST_DONE) << error_text();
}

Client::~Client() {
  std::uint64_t op = 1'000'000;
  for (const auto handle : connections_) {
    if (close(handle, ++op) == RST_PENDING) host.await(op);
  }
  for (auto* batch : host.batches) batch->ops->release(batch);
  EXPECT_EQ(table.deinit(instance, &error), RST_DONE) << error_text();
}

std::vector<rst_option> Client::options_of(const OptionList& options) const {
  std::vector<rst_option> all;
  for (const auto& [name, value] : options) {
    rst_option option{};
    option.name = str(name);
    option.decl = RST_OPTION_PASS_THROUGH;
    option.flags = RST_OPTION_VALUE_EXPLICIT;
    for (std::uint32_t i = 0; i < table.option_count; ++i) {
      const auto& decl = *reinterpret_cast<const rst_option_decl*>(reinterpret_cast<const std::byte*>(table.options) +
                                                                   std::size_t{i} * table.option_stride);
      if (std::string_view(decl.name.ptr, decl.name.len) != name) continue;
      option.decl = static_cast<std::uint16_t>(i);
      option.value.type = decl.type;
    }
    if (const auto* number = std::get_if<std::uint64_t>(&value); number != nullptr) {
      option.value.as.u64 = *number;
    } else {
      option.value.as.ptr = std::get<std::string>(value).data();
      option.value.len = static_cast<std::uint32_t>(std::get<std::string>(value).size());
    }
    all.push_back(option);
  }
  return all;
}

std::uint64_t Client::connect(std::string_view url, const OptionList& options) {
  EXPECT_EQ(try_connect(url, options), RST_DONE) << error_text();
  return connection;
}

std::int32_t Client::try_connect(std::string_view url, const OptionList& options) {
  const auto given = options_of(options);
  rst_connection_spec spec{};
  spec.struct_size = sizeof spec;
  spec.id = ++last_id_;
  spec.url = str(url);
  spec.options = given.data();
  spec.option_count = static_cast<std::uint32_t>(given.size());
  const auto result = table.connect(instance, &spec, &connection, &error);
  if (result == RST_DONE) connections_.push_back(connection);
  return result;
}

std::int32_t Client::try_subscribe(const Subscribe& wanted, Subscription* made) {
  const auto given = options_of(wanted.options);
  std::vector<rst_str> addresses;
  for (const auto& address : wanted.addresses) addresses.push_back(str(address));
  rst_subscription_spec spec{};
  spec.struct_size = sizeof spec;
  spec.id = ++last_id_;
  spec.kind = wanted.kind;
  spec.addresses = addresses.data();
  spec.address_count = static_cast<std::uint32_t>(addresses.size());
  spec.group = str(wanted.group);
  spec.start = wanted.start ? &*wanted.start : nullptr;
  spec.start_count = wanted.start ? 1 : 0;
  spec.options = given.data();
  spec.option_count = static_cast<std::uint32_t>(given.size());
  spec.credit_messages = wanted.credit;
  spec.credit_bytes = wanted.credit > 0 ? wanted.credit_bytes : 0;
  spec.max_batch = wanted.max_batch;
  spec.window_messages = wanted.window;
  spec.max_attempts = wanted.max_attempts;
  spec.dead_letter = str(wanted.dead_letter);
  spec.op = wanted.op;
  Subscription subscription{spec.id, 0};
  const auto result = table.subscribe(instance, wanted.connection != 0 ? wanted.connection : connection, &spec,
                                      &subscription.handle, &error);
  if (result == RST_PENDING) subscription.handle = host.await(wanted.op).value;
  if (made != nullptr) *made = subscription;
  return result;
}

Client::Subscription Client::subscribe(const Subscribe& wanted) {
  Subscription made;
  EXPECT_GE(try_subscribe(wanted, &made), 0) << error_text();
  return made;
}

std::uint64_t Client::publisher(std::string_view destination, std::uint32_t kind, std::uint64_t on,
                                std::uint32_t flags) {
  rst_publisher_spec spec{};
  spec.struct_size = sizeof spec;
  spec.id = ++last_id_;
  spec.kind = kind;
  spec.flags = flags;
  spec.destination = str(destination);
  std::uint64_t handle = 0;
  EXPECT_EQ(table.open_publisher(instance, on != 0 ? on : connection, &spec, &handle, &error), RST_DONE)
      << error_text();
  return handle;
}

namespace {

rst_out_message raw(const Out& from, std::vector<rst_header>& headers) {
  for (const auto& header : from.headers) {
    rst_header each{};
    each.name = header.name.data();
    each.name_len = static_cast<std::uint16_t>(header.name.size());
    each.type = header.value ? header.type : RST_HEADER_NULL;
    if (header.value) {
      each.value = bytes(*header.value);
      each.value_len = static_cast<std::uint32_t>(header.value->size());
    }
    headers.push_back(each);
  }
  rst_out_message message{};
  if (!from.destination.empty()) message.destination = from.destination.data();
  message.destination_len = static_cast<std::uint32_t>(from.destination.size());
  message.payload = bytes(from.payload);
  message.payload_len = from.payload.size();
  message.headers = headers.empty() ? nullptr : headers.data();
  message.header_count = static_cast<std::uint16_t>(headers.size());
  if (from.key) {
    message.key = bytes(*from.key);
    message.key_len = static_cast<std::uint32_t>(from.key->size());
  }
  if (from.props) message.props = &*from.props;
  message.flags = from.flags;
  return message;
}

}  // namespace

std::int32_t Client::publish(std::uint64_t publisher, const std::vector<Out>& messages,
                             std::vector<std::int32_t>* statuses, std::uint32_t* accepted,
                             std::vector<rst_position>* receipts) {
  std::vector<std::vector<rst_header>> headers(messages.size());
  std::vector<rst_out_message> raws;
  for (std::size_t i = 0; i < messages.size(); ++i) raws.push_back(raw(messages[i], headers[i]));
  rst_publish call{};
  call.struct_size = sizeof call;
  call.publisher = publisher;
  call.tx = tx;
  call.messages = raws.data();
  call.count = static_cast<std::uint32_t>(raws.size());
  call.stride = sizeof(rst_out_message);
  if (statuses != nullptr) {
    statuses->assign(raws.size(), -RST_E_INTERNAL);
    call.statuses = statuses->data();
  }
  if (receipts != nullptr) {
    receipts->resize(raws.size());
    call.receipts = receipts->data();
  }
  rst_error told{};
  const auto result = table.publish(instance, &call, &told);
  if (result < 0) error = told;
  if (accepted != nullptr) *accepted = call.accepted;
  return result;
}

std::int32_t Client::request(std::uint64_t publisher, const Out& message, std::uint64_t op, std::uint64_t timeout_ns) {
  std::vector<rst_header> headers;
  const auto one = raw(message, headers);
  rst_publish call{};
  call.struct_size = sizeof call;
  call.publisher = publisher;
  call.messages = &one;
  call.count = 1;
  call.stride = sizeof one;
  call.op = op;
  call.timeout_ns = timeout_ns;
  return extension<rst_request>(RST_EXT_REQUEST).request(instance, &call, &error);
}

std::int32_t Client::settle(const Subscription& subscription, std::uint64_t token, std::uint16_t verdict,
                            std::uint64_t delay_ns, const rst_settle_detail* detail) {
  rst_settlement item{token, delay_ns, detail, verdict, 0, -RST_E_INTERNAL};
  rst_settle call{};
  call.struct_size = sizeof call;
  call.subscription = subscription.handle;
  call.tx = tx;
  call.items = &item;
  call.count = 1;
  call.stride = sizeof item;
  rst_error told{};
  const auto result = table.settle(instance, &call, &told);
  return result < 0 ? result : item.status;
}

std::int32_t Client::credit(const Subscription& subscription, std::uint32_t messages, std::uint64_t credit_bytes) {
  const rst_credit call{sizeof call, RST_CREDIT_ADD, subscription.handle, messages, 0, credit_bytes, 0};
  rst_error told{};
  return table.credit(instance, &call, &told);
}

std::int32_t Client::drain(const Subscription& subscription, std::uint64_t op) {
  const rst_credit call{sizeof call, RST_CREDIT_DRAIN, subscription.handle, 0, 0, 0, op};
  rst_error told{};
  return table.credit(instance, &call, &told);
}

std::int32_t Client::close(std::uint64_t handle, std::uint64_t op) {
  rst_error told{};
  return table.close(instance, handle, 0, 0, op, &told);
}

std::int32_t Client::seek(const Subscription& subscription, const rst_position& position, std::uint64_t op) {
  return extension<rst_seek>(RST_EXT_SEEK).seek(instance, subscription.handle, &position, 1, op, &error);
}

std::int32_t Client::admin(std::uint32_t action, std::string_view name, std::string_view parent, std::uint32_t kind,
                           const OptionList& options, std::uint64_t op) {
  const auto given = options_of(options);
  rst_admin_request request{};
  request.struct_size = sizeof request;
  request.connection = connection;
  request.action = action;
  request.kind = kind;
  request.name = str(name);
  request.parent = str(parent);
  request.options = given.data();
  request.option_count = static_cast<std::uint32_t>(given.size());
  request.op = op;
  return extension<rst_admin>(RST_EXT_ADMIN).apply(instance, &request, &error);
}

std::map<std::uint32_t, std::uint64_t> Client::stats(std::uint64_t handle, std::string_view name,
                                                     std::string_view parent, std::uint32_t kind) {
  const rst_stats_query query{sizeof query, kind, handle, str(name), str(parent)};
  std::vector<rst_stat> found(64);
  std::uint32_t count = 0;
  std::uint64_t age_ns = 1;
  EXPECT_EQ(extension<rst_stats>(RST_EXT_STATS).snapshot(instance, &query, found.data(), 64, &count, &age_ns, &error),
            RST_DONE)
      << error_text();
  EXPECT_EQ(age_ns, 0U);
  std::map<std::uint32_t, std::uint64_t> values;
  for (std::uint32_t i = 0; i < count; ++i) values[found[i].id] = found[i].value;
  return values;
}

std::pair<std::int64_t, std::uint64_t> Client::step(std::int64_t now_ns) {
  std::int64_t due = 0;
  std::uint64_t pending = 0;
  EXPECT_EQ(extension<rst_sim>(RST_EXT_SIM).step(instance, now_ns, &due, &pending, &error), RST_DONE) << error_text();
  return {due, pending};
}

std::vector<std::string> Client::payloads(const Subscription& subscription) {
  std::vector<std::string> all;
  for (const auto& message : take(subscription)) all.push_back(message.payload);
  return all;
}

}  // namespace ruststream::memory::test
