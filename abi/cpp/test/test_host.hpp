// A small host: records what a plugin says, and offers its verbs in short.
#pragma once

#include "recording_host.hpp"

#include <dlfcn.h>
#include <functional>
#include <thread>

namespace test {

using ruststream::test::str;
inline std::string text_of(const rst_error& error) { return {error.text, error.text_len}; }

/// One delivery as the host took it over.
struct Taken {
  std::uint64_t subscription;
  std::uint64_t token;
  std::string payload;
  std::uint16_t attempt;
  std::uint32_t flags;
};

class Host final : public ruststream::test::RecordingHost {
 public:
  /// Deliveries since the last call; their batches are released unless keep_batches was set.
  std::vector<Taken> take() { return RecordingHost::take(taken_); }
  std::vector<rst_batch*> take_batches() { return RecordingHost::take(batches_); }

  void refuse_deliveries(std::int32_t code) { refuse_with_ = code; }
  void keep_batches() { keep_ = true; }
  void on_deliver(std::function<void()> hook) { hook_ = std::move(hook); }

 private:
  std::int32_t deliver(rst_batch* batch) override {
    if (hook_) hook_();
    if (refuse_with_ != 0) return -refuse_with_;
    {
      const std::lock_guard lock{mutex_};
      for (std::uint32_t index = 0; index < batch->count; ++index) {
        const rst_message& message = batch->messages[index];
        const std::string payload{reinterpret_cast<const char*>(message.payload), message.payload_len};
        taken_.push_back({batch->subscription, message.token, payload, message.attempt, message.flags});
      }
      if (keep_) batches_.push_back(batch);
    }
    if (!keep_) batch->ops->release(batch);
    return RST_DONE;
  }

  std::atomic<std::int32_t> refuse_with_{0};
  std::atomic<bool> keep_{false};
  std::function<void()> hook_;
  std::vector<Taken> taken_;
  std::vector<rst_batch*> batches_;
};

/// One instance with one connection, and the verbs in short.
class Session {
 public:
  explicit Session(const rst_plugin& plugin) : plugin_(plugin) {
    const rst_init_args args{sizeof args, 0};
    EXPECT_EQ(plugin_.init(host.table(), &args, &instance, &error), RST_DONE) << text_of(error);
  }
  ~Session() { EXPECT_EQ(plugin_.deinit(instance, &error), RST_DONE) << text_of(error); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  static rst_connection_spec connection_spec() {
    rst_connection_spec spec{};
    spec.struct_size = sizeof spec;
    spec.id = 1;
    return spec;
  }
  std::uint64_t connect() {
    const auto spec = connection_spec();
    EXPECT_EQ(plugin_.connect(instance, &spec, &connection, &error), RST_DONE) << text_of(error);
    return connection;
  }
  rst_subscription_spec subscription_spec(std::uint32_t messages = 1'000) {
    static const rst_str address = str("orders");
    rst_subscription_spec spec{};
    spec.struct_size = sizeof spec;
    spec.id = ++last_id_;
    spec.addresses = &address;
    spec.address_count = 1;
    spec.credit_messages = messages;
    spec.credit_bytes = 1U << 20U;
    return spec;
  }
  std::uint64_t subscribe(const rst_subscription_spec& spec) {
    std::uint64_t handle = 0;
    EXPECT_EQ(plugin_.subscribe(instance, connection, &spec, &handle, &error), RST_DONE) << text_of(error);
    return handle;
  }
  std::uint64_t subscribe() { return subscribe(subscription_spec()); }
  std::uint64_t open_publisher() {
    rst_publisher_spec spec{};
    spec.struct_size = sizeof spec;
    spec.id = ++last_id_;
    spec.destination = str("orders");
    std::uint64_t handle = 0;
    EXPECT_EQ(plugin_.open_publisher(instance, connection, &spec, &handle, &error), RST_DONE) << text_of(error);
    return handle;
  }
  std::int32_t publish(std::uint64_t publisher, const std::vector<std::string>& payloads,
                       std::uint32_t* accepted = nullptr) {
    std::vector<rst_out_message> messages(payloads.size());
    for (std::size_t index = 0; index < payloads.size(); ++index) {
      messages[index] = {};
      messages[index].payload = reinterpret_cast<const std::uint8_t*>(payloads[index].data());
      messages[index].payload_len = payloads[index].size();
    }
    rst_publish call{};
    call.struct_size = sizeof call;
    call.publisher = publisher;
    call.messages = messages.data();
    call.count = static_cast<std::uint32_t>(messages.size());
    call.stride = sizeof(rst_out_message);
    rst_error told{};
    const auto result = plugin_.publish(instance, &call, &told);
    if (accepted != nullptr) *accepted = call.accepted;
    return result;
  }
  /// Settles one token; the verb's error, or the item's status.
  std::int32_t settle(std::uint64_t subscription, std::uint64_t token, std::uint16_t verdict) {
    rst_settlement item{token, 0, nullptr, verdict, 0, 0};
    rst_settle call{};
    call.struct_size = sizeof call;
    call.subscription = subscription;
    call.items = &item;
    call.count = 1;
    call.stride = sizeof item;
    rst_error told{};
    const auto result = plugin_.settle(instance, &call, &told);
    return result < 0 ? result : item.status;
  }
  std::int32_t credit(std::uint64_t subscription, std::uint32_t flags, std::uint32_t messages = 0,
                      std::uint64_t bytes = 0, std::uint64_t op = 0) {
    const rst_credit call{sizeof call, flags, subscription, messages, 0, bytes, op};
    return plugin_.credit(instance, &call, &error);
  }
  std::int32_t close(std::uint64_t handle, std::uint64_t op, std::uint32_t flags = 0) {
    rst_error told{};
    return plugin_.close(instance, handle, flags, 0, op, &told);
  }
  /// Closes the connection and waits; returns how many messages were dropped.
  std::uint64_t end() {
    const std::uint64_t op = 1'000'000;
    EXPECT_EQ(close(connection, op), RST_PENDING);
    return host.await(op).value;
  }

  Host host;
  void* instance = nullptr;
  std::uint64_t connection = 0;
  rst_error error{};

 private:
  const rst_plugin& plugin_;
  std::uint64_t last_id_ = 100;
};

}  // namespace test
