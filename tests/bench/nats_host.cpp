#include "nats_host.hpp"

#include "nats.hpp"

#include <bit>
#include <dlfcn.h>

namespace bench {
namespace {

constexpr std::uint64_t kOpenNs = 10'000'000'000;
constexpr std::uint64_t kFlushNs = 60'000'000'000;
constexpr std::uint64_t kWindowBytes = 64U << 20U;

rst_str text(std::string_view of) { return {of.data(), of.size()}; }
std::string_view view(rst_str of) { return {of.ptr, of.len}; }

Host& self(const rst_host* host) { return *static_cast<Host*>(host->ctx); }

}  // namespace

Host::Host(const std::string& plugin, const std::string& url) {
  void* const file = dlopen(plugin.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (file == nullptr) fail(plugin, dlerror());
  table_ = reinterpret_cast<rst_plugin_entry>(dlsym(file, RST_ENTRY_SYMBOL))();
  host_ = {.struct_size = sizeof(rst_host),
           .abi_major = RST_ABI_MAJOR,
           .abi_minor = RST_ABI_MINOR,
           .ctx = this,
           .name = text("bench"),
           .version = text("1"),
           .deliver = deliver,
           .complete = complete,
           .event = event,
           .log = log,
           .log_level = &log_level_,
           .now = now,
           .get_extension = no_extension,
           .reserved = {}};
  const rst_init_args arguments{.struct_size = sizeof(rst_init_args), .flags = 0};
  rst_error error{};
  if (table_->init(&host_, &arguments, &instance_, &error) != RST_DONE) fail("init", error.text);
  rst_connection_spec spec{};
  spec.struct_size = sizeof spec;
  spec.id = ++names_;
  spec.url = text(url);
  spec.op = begin();
  spec.timeout_ns = kOpenNs;
  std::uint64_t made = 0;
  const std::int32_t returned = table_->connect(instance_, &spec, &made, &error);
  connection_ = handle(returned, error, spec.op, made);
}

Host::~Host() {
  rst_error error{};
  const std::uint64_t operation = begin();
  if (table_->close(instance_, connection_, 0, kOpenNs, operation, &error) == RST_PENDING) await(operation);
  while (arrived_.load() != nullptr || waiting_ != nullptr) {
    rst_batch* const batch = next();
    batch->ops->release(batch);
  }
  (void)table_->deinit(instance_, &error);
}

std::uint64_t Host::subscribe(std::string_view kind_name, const std::string& address, std::string_view durable,
                              std::uint32_t credit, const NumberOptions& given, std::uint32_t max_batch) {
  const rst_str addresses = text(address);
  const std::vector<rst_option> chosen = options(given, RST_SCOPE_SUBSCRIPTION);
  rst_subscription_spec spec{};
  spec.struct_size = sizeof spec;
  spec.id = ++names_;
  spec.kind = kind(kind_name);
  spec.addresses = &addresses;
  spec.address_count = 1;
  spec.durable = text(durable);
  spec.options = chosen.data();
  spec.option_count = static_cast<std::uint32_t>(chosen.size());
  spec.credit_messages = credit;
  spec.max_batch = max_batch;
  spec.credit_bytes = kWindowBytes;
  spec.window_messages = credit;
  spec.window_bytes = kWindowBytes;
  spec.op = begin();
  spec.timeout_ns = kOpenNs;
  rst_error error{};
  std::uint64_t made = 0;
  const std::int32_t returned = table_->subscribe(instance_, connection_, &spec, &made, &error);
  return handle(returned, error, spec.op, made);
}

std::uint64_t Host::open_publisher(std::string_view kind_name, const std::string& destination,
                                   const NumberOptions& given, std::uint32_t flags) {
  const std::vector<rst_option> chosen = options(given, RST_SCOPE_PUBLISHER);
  rst_publisher_spec spec{};
  spec.struct_size = sizeof spec;
  spec.flags = flags;
  spec.id = ++names_;
  spec.kind = kind(kind_name);
  spec.destination = text(destination);
  spec.options = chosen.data();
  spec.option_count = static_cast<std::uint32_t>(chosen.size());
  spec.op = begin();
  spec.timeout_ns = kOpenNs;
  rst_error error{};
  std::uint64_t made = 0;
  const std::int32_t returned = table_->open_publisher(instance_, connection_, &spec, &made, &error);
  return handle(returned, error, spec.op, made);
}

rst_batch* Host::next() {
  if (waiting_ == nullptr) {
    arrived_.wait(nullptr);
    for (rst_batch* each = arrived_.exchange(nullptr); each != nullptr;) {
      auto* const older = std::bit_cast<rst_batch*>(each->host[0]);
      each->host[0] = std::bit_cast<std::uint64_t>(waiting_);
      waiting_ = std::exchange(each, older);
    }
  }
  rst_batch* const oldest = waiting_;
  waiting_ = std::bit_cast<rst_batch*>(oldest->host[0]);
  return oldest;
}

void Host::credit(std::uint64_t subscription, std::uint32_t messages) {
  rst_credit more{};
  more.struct_size = sizeof more;
  more.flags = RST_CREDIT_ADD;
  more.subscription = subscription;
  more.messages = messages;
  more.bytes = std::uint64_t{messages} * 1024;
  rst_error error{};
  if (table_->credit(instance_, &more, &error) < 0) fail("credit", error.text);
}

void Host::acknowledge(std::uint64_t subscription, const rst_batch& batch) {
  settlements_.resize(batch.count);
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    settlements_[i] = {};
    settlements_[i].token = batch.messages[i].token;
    settlements_[i].verdict = RST_VERDICT_ACK;
  }
  rst_settle settle{};
  settle.struct_size = sizeof settle;
  settle.subscription = subscription;
  settle.items = settlements_.data();
  settle.count = batch.count;
  settle.stride = sizeof(rst_settlement);
  rst_error error{};
  if (table_->settle(instance_, &settle, &error) < 0) fail("settle", error.text);
  for (const rst_settlement& each : settlements_) {
    if (each.status < 0) fail("settle", "status " + std::to_string(each.status));
  }
}

void Host::publish(std::uint64_t publisher, std::span<const rst_out_message> messages, std::uint64_t operation) {
  rst_publish call{};
  call.struct_size = sizeof call;
  call.flags = operation == 0 ? 0 : RST_PUBLISH_CONFIRM;
  call.publisher = publisher;
  call.op = operation;
  call.messages = messages.data();
  call.count = static_cast<std::uint32_t>(messages.size());
  call.stride = sizeof(rst_out_message);
  rst_error error{};
  while (true) {
    const std::int32_t returned = table_->publish(instance_, &call, &error);
    if (returned == RST_DONE && operation != 0)
      ended({.op = operation, .status = RST_OK, .flags = 0, .value = 0, .error = nullptr});
    if (returned < 0 && returned != -RST_E_BACKPRESSURE) fail("publish", error.text);
    if (returned >= 0 && call.accepted == call.count) return;
    if (returned >= 0) {
      call.messages += call.accepted;
      call.count -= call.accepted;
    }
    writable_.wait(0);
    writable_.fetch_sub(1);
  }
}

void Host::flush() {
  if (table_->flush == nullptr) return;  // what was accepted has its status
  const std::uint64_t operation = begin();
  rst_error error{};
  const std::int32_t returned = table_->flush(instance_, connection_, kFlushNs, operation, &error);
  if (returned < 0) fail("flush", error.text);
  if (returned == RST_PENDING) await(operation);
}

std::uint64_t Host::begin() { return ++last_operation_; }

std::uint64_t Host::await(std::uint64_t operation) {
  Operation& at = operations_[operation % kOperations];
  for (std::uint64_t seen = at.ended.load(); seen != operation; seen = at.ended.load()) at.ended.wait(seen);
  if (at.status < 0) fail("operation", at.text);
  return at.value;
}

std::uint64_t Host::handle(std::int32_t returned, const rst_error& error, std::uint64_t operation, std::uint64_t made) {
  if (returned < 0) fail("plugin", error.text);
  return returned == RST_DONE ? made : await(operation);
}

std::uint32_t Host::kind(std::string_view name) const {
  for (std::uint32_t i = 0; i < table_->kind_count; ++i) {
    if (view(table_->kinds[i].name) == name) return i;  // built with this header, so with its stride
  }
  fail(std::string(name), "is no kind of the plugin");
}

std::vector<rst_option> Host::options(const NumberOptions& given, std::uint32_t scope) const {
  std::vector<rst_option> made;
  for (const auto& [name, value] : given) {
    for (std::uint32_t i = 0; i < table_->option_count; ++i) {
      const rst_option_decl& decl = table_->options[i];
      if (view(decl.name) != name || (decl.scopes & scope) == 0) continue;
      rst_option& option = made.emplace_back();
      option = {};
      option.name = decl.name;
      option.value.as.u64 = value;
      option.value.type = decl.type;
      option.decl = static_cast<std::uint16_t>(i);
      option.flags = RST_OPTION_VALUE_EXPLICIT;
    }
  }
  if (made.size() != given.size()) fail("options", "one is not the plugin's");
  return made;
}

void Host::ended(const rst_completion& completion) {
  Operation& at = operations_[completion.op % kOperations];
  at.status = completion.status;
  at.value = completion.value;
  if (completion.error != nullptr) at.text.assign(completion.error->text, completion.error->text_len);
  at.ended.store(completion.op);
  at.ended.notify_one();
}

std::int32_t Host::deliver(const rst_host* host, rst_batch* batch) {
  std::atomic<rst_batch*>& arrived = self(host).arrived_;
  rst_batch* newest = arrived.load();
  do {
    batch->host[0] = reinterpret_cast<std::uint64_t>(newest);
  } while (!arrived.compare_exchange_weak(newest, batch));
  if (newest == nullptr) arrived.notify_one();
  return RST_DONE;
}

void Host::complete(const rst_host* host, const rst_completion* completions, std::uint32_t count,
                    std::uint32_t stride) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto* const at = reinterpret_cast<const char*>(completions) + std::size_t{i} * stride;
    self(host).ended(*reinterpret_cast<const rst_completion*>(at));
  }
}

void Host::event(const rst_host* host, const rst_event* event) {
  if (event->kind == RST_EVENT_PUB_WRITABLE) {
    self(host).writable_.fetch_add(1);
    self(host).writable_.notify_one();
  } else if (event->error != nullptr) {
    std::fprintf(stderr, "bench: event %u: %.*s\n", event->kind, event->error->text_len, event->error->text);
  }
}

void Host::log(const rst_host* /*host*/, const rst_log* log) {
  std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(log->text.len), log->text.ptr);
}

std::int64_t Host::now(const rst_host* /*host*/, std::uint32_t clock) {
  if (clock == RST_CLOCK_MONOTONIC) return static_cast<std::int64_t>(now_ns());
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

const void* Host::no_extension(const rst_host* /*host*/, rst_str /*id*/) { return nullptr; }

}  // namespace bench
