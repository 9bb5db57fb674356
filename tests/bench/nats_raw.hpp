// cnats without ceremony, for the raw loops and for the process on the other side.
#pragma once

#include "nats.hpp"

#include <memory>
#include <nats/nats.h>

namespace bench {

template <class T, void (*Free)(T*)>
struct Destroy {
  void operator()(T* each) const noexcept { Free(each); }
};
using Connection = std::unique_ptr<natsConnection, Destroy<natsConnection, natsConnection_Destroy>>;
using Subscription = std::unique_ptr<natsSubscription, Destroy<natsSubscription, natsSubscription_Destroy>>;
using JetStream = std::unique_ptr<jsCtx, Destroy<jsCtx, jsCtx_Destroy>>;

inline void need(natsStatus status, const char* what) {
  if (status != NATS_OK) fail(what, std::string(natsStatus_GetText(status)) + "; " + nats_GetLastError(nullptr));
}

inline constexpr std::int64_t kConnectMs = 60'000;  // valgrind takes its time

inline constexpr int kReadBytes = 128 << 10;  // as the plugin

/// With `asap` each publish is a write: for latency. Without, cnats writes what has gathered, for throughput.
inline Connection connect(const Task& task, bool asap) {
  natsOptions* options = nullptr;
  natsConnection* connection = nullptr;
  need(natsOptions_Create(&options), "options");
  need(natsOptions_SetURL(options, task.text("url").c_str()), "url");
  need(natsOptions_SetSendAsap(options, asap), "options");
  need(natsOptions_SetTimeout(options, kConnectMs), "options");
  need(natsOptions_SetIOBufSize(options, kReadBytes), "options");
  need(natsConnection_Connect(&connection, options), "connect");
  natsOptions_Destroy(options);
  return Connection(connection);
}

inline JetStream jetstream(const Connection& connection, std::int64_t max_pending) {
  jsOptions options;
  jsCtx* context = nullptr;
  need(jsOptions_Init(&options), "options");
  options.PublishAsync.MaxPending = max_pending;
  options.PublishAsync.StallWait = 10'000;
  need(natsConnection_JetStream(&context, connection.get(), &options), "JetStream");
  return JetStream(context);
}

inline constexpr std::int64_t kFlushMs = 60'000;

inline void flush(const Connection& connection) {
  need(natsConnection_FlushTimeout(connection.get(), kFlushMs), "flush");
}

}  // namespace bench
