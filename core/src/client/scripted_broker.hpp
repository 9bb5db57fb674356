#pragma once
#include "client/client_testing.hpp"
#include "client/environment.hpp"

#include <ruststream/sdk.hpp>

#include <algorithm>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

enum ScriptedVerb : std::uint32_t { kConnect = 1, kSubscribe = 2, kPublisher = 4, kClose = 8, kFlush = 16 };

/// What a test sets and reads.
struct ScriptedState {
  std::uint32_t pending = 0;                                    // verbs that stay pending
  bool full = false;                                            // publishes meet BACKPRESSURE
  std::int32_t status = RST_OK;                                 // of each message that is published
  std::vector<std::pair<ScriptedVerb, std::uint64_t>> held;     // their operations
  std::vector<std::pair<std::uint64_t, std::uint32_t>> closes;  // handle, flags
  std::vector<std::string> verdicts;                            // "verdict token"
  std::vector<std::pair<std::uint64_t, std::int32_t>> answers;
  std::uint64_t credit = 0;  // messages given after the first
  std::uint64_t handles = 0;
  std::uint64_t subscription = 0;  // the host's ids of the last ones
  std::uint64_t publisher = 0;
  std::uint32_t kind = 0;
  int published = 0;
  int released = 0;  // batches
};

/// A broker for tests of the client that takes every step when the test says: verbs that stay pending, batches and
/// events at any moment, kinds without RETRY or RELEASE. Written against the bare table, so that nothing in between is
/// kinder than the contract. One instance at a time; no verb waits.
namespace ruststream::testing {

struct Scripted {
  using State = ScriptedState;
  using Verb = ScriptedVerb;
  static constexpr auto kAll = sdk::caps(RST_CAP_SETTLE, RST_CAP_RETRY, RST_CAP_RELEASE, RST_CAP_PUBLISH_CONFIRM);
  static constexpr auto kReleases = sdk::caps(RST_CAP_SETTLE, RST_CAP_RELEASE);
  static constexpr auto kAcknowledges = sdk::caps(RST_CAP_SETTLE);
  static constexpr rst_kind kKinds[] = {
      sdk::kind("all", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kAll, "settles in every way"),
      sdk::kind("releases", RST_ROLE_SUBSCRIPTION, kReleases, "has no RETRY"),
      sdk::kind("acknowledges", RST_ROLE_SUBSCRIPTION, kAcknowledges, "can only acknowledge")};
  static constexpr rst_str kSchemes[] = {sdk::rst("scripted")};

  static inline std::mutex mutex;
  static inline State state;
  static inline const rst_host* host = nullptr;

  /// Looks at the state, or waits until what is looked for is so.
  template <class F>
  static auto look(F&& at) {
    const std::scoped_lock lock(mutex);
    return at(state);
  }
  template <class F>
  static bool soon(F&& holds) {
    const auto until = std::chrono::steady_clock::now() + kSoon;
    while (!look(holds)) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }
  /// Completes the held operation of that verb, with `value`.
  static void complete(Verb verb, std::uint64_t value = 0) {
    rst_completion completion{};
    completion.value = value;
    completion.op = look([&](State& s) {
      const auto found = std::ranges::find(s.held, verb, &std::pair<Verb, std::uint64_t>::first);
      const std::uint64_t op = found->second;
      s.held.erase(found);
      return op;
    });
    host->complete(host, &completion, 1, sizeof(completion));
  }
  struct Batch {
    rst_batch batch{};
    std::vector<rst_message> messages;
  };
  /// Delivers messages with these tokens; what the host said. Refused batches are freed.
  static std::int32_t deliver(std::uint64_t id, const std::vector<std::uint64_t>& tokens, std::uint32_t partition = 0) {
    static constexpr rst_batch_ops kOps{sizeof(rst_batch_ops),
                                        0,
                                        [](rst_batch* batch) {
                                          look([](State& s) { return ++s.released; });
                                          delete static_cast<Batch*>(batch->plugin);
                                        },
                                        nullptr,
                                        nullptr,
                                        nullptr};
    auto* const made = new Batch;
    for (const std::uint64_t token : tokens) {
      rst_message& message = made->messages.emplace_back();
      message.token = token;
      message.partition = partition;
    }
    made->batch.struct_size = sizeof(rst_batch);
    made->batch.stride = sizeof(rst_message);
    made->batch.messages = made->messages.data();
    made->batch.count = static_cast<std::uint32_t>(tokens.size());
    made->batch.subscription = id;
    made->batch.ops = &kOps;
    made->batch.plugin = made;
    const std::int32_t status = host->deliver(host, &made->batch);
    if (status < 0) delete made;
    return status;
  }
  static void send(std::uint32_t kind, std::uint64_t subject, std::uint64_t answer,
                   const rst_partition* lost = nullptr) {
    rst_event event{};
    event.struct_size = sizeof(event);
    event.kind = kind;
    event.subject = subject;
    event.answer = answer;
    event.partitions = lost;
    event.partition_count = lost != nullptr ? 1 : 0;
    host->event(host, &event);
  }

  static std::int32_t begin(Verb verb, std::uint64_t op, std::uint64_t* handle) {
    return look([&](State& s) {
      if ((s.pending & verb) != 0 && op != 0) {
        s.held.emplace_back(verb, op);
        return RST_PENDING;
      }
      if (handle != nullptr) *handle = ++s.handles;
      return RST_DONE;
    });
  }
  static std::int32_t settle(void*, const rst_settle* call, rst_error*) {
    return look([&](State& s) {
      for (rst_settlement& item : std::span(call->items, call->count)) {
        const bool can = item.verdict == RST_VERDICT_ACK || (item.verdict == RST_VERDICT_RETRY && s.kind == 0) ||
                         (item.verdict == RST_VERDICT_RELEASE && s.kind != 2);
        item.status = can ? RST_OK : rst_status(RST_E_UNSUPPORTED, 0);
        if (can) s.verdicts.push_back(std::to_string(item.verdict) + " " + std::to_string(item.token));
      }
      return RST_DONE;
    });
  }
  static std::int32_t publish(void*, rst_publish* call, rst_error*) {
    return look([&](State& s) {
      if (s.full) return -RST_E_BACKPRESSURE;
      call->accepted = call->count;
      s.published += static_cast<int>(call->count);
      std::fill_n(call->statuses, call->count, s.status);
      return RST_DONE;
    });
  }
  static const rst_plugin& table() {
    static const rst_plugin made = [] {
      rst_plugin t{};
      t.struct_size = sizeof(t);
      t.abi_major = RST_ABI_MAJOR;
      t.abi_minor = RST_ABI_MINOR;
      t.min_host_minor = RST_ABI_MINOR;
      t.name = sdk::rst("org.example.scripted");
      t.version = sdk::rst("1");
      t.schemes = kSchemes;
      t.scheme_count = 1;
      t.kinds = kKinds;
      t.kind_count = std::size(kKinds);
      t.kind_stride = sizeof(rst_kind);
      t.validate = [](std::uint32_t, const void*, rst_plan*, const rst_report*, rst_error*) { return RST_DONE; };
      t.init = [](const rst_host* from, const rst_init_args*, void** instance, rst_error*) {
        host = from;
        *instance = &state;
        return RST_DONE;
      };
      t.deinit = [](void*, rst_error*) { return RST_DONE; };
      t.connect = [](void*, const rst_connection_spec* spec, std::uint64_t* handle, rst_error*) {
        return begin(kConnect, spec->op, handle);
      };
      t.subscribe = [](void*, std::uint64_t, const rst_subscription_spec* spec, std::uint64_t* handle, rst_error*) {
        look([&](State& s) { return s.subscription = spec->id, s.kind = spec->kind; });
        return begin(kSubscribe, spec->op, handle);
      };
      t.open_publisher = [](void*, std::uint64_t, const rst_publisher_spec* spec, std::uint64_t* handle, rst_error*) {
        look([&](State& s) { return s.publisher = spec->id; });
        return begin(kPublisher, spec->op, handle);
      };
      t.close = [](void*, std::uint64_t handle, std::uint32_t flags, std::uint64_t, std::uint64_t op, rst_error*) {
        look([&](State& s) { return s.closes.emplace_back(handle, flags).first; });
        return begin(kClose, op, nullptr);
      };
      t.credit = [](void*, const rst_credit* credit, rst_error*) {
        look([&](State& s) { return s.credit += credit->messages; });
        return RST_DONE;
      };
      t.settle = settle;
      t.publish = publish;
      t.flush = [](void*, std::uint64_t, std::uint64_t, std::uint64_t op, rst_error*) {
        return begin(kFlush, op, nullptr);
      };
      t.answer = [](void*, std::uint64_t answer, std::int32_t status, const rst_position*, std::uint32_t, rst_error*) {
        look([&](State& s) { return s.answers.emplace_back(answer, status).first; });
        return RST_DONE;
      };
      return t;
    }();
    return made;
  }
};

}  // namespace ruststream::testing
