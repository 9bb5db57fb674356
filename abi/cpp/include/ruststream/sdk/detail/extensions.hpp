#pragma once
// Extension tables, each from the functions that an author's classes have.

#include <ruststream/abi/ext/admin.h>
#include <ruststream/abi/ext/match.h>
#include <ruststream/abi/ext/request.h>
#include <ruststream/abi/ext/seek.h>
#include <ruststream/abi/ext/sim.h>
#include <ruststream/abi/ext/stats.h>
#include <ruststream/abi/ext/tx.h>
#include <ruststream/sdk/detail/verbs.hpp>

namespace ruststream::sdk::detail {

template <typename B>
struct Extensions {
  using Connection = typename B::Connection;
  using Subscription = typename SubscriptionOf<B>::Type;
  using Publisher = typename PublisherOf<B>::Type;

  static constexpr bool kSeek = requires(Subscription& object, std::span<const rst_position> positions,
                                         ErrorOut error) { object.seek(positions, std::uint64_t{}, error); };
  static constexpr bool kRequest =
      requires(Publisher& object, rst_publish& call, ErrorOut error) { object.request(call, error); };
  static constexpr bool kMatch =
      requires(const rst_subscription_spec& to, const rst_publisher_spec& from, const rst_out_message* message,
               ErrorOut error) { B::match(to, from, message, error); };
  static constexpr bool kAdmin =
      requires(Connection& object, const rst_admin_request& request, ErrorOut error) { object.apply(request, error); };
  static constexpr bool kStats = requires(B& broker, Object& object, const rst_stats_query& query,
                                          std::vector<rst_stat>& stats, std::uint64_t& age_ns, ErrorOut error) {
    broker.snapshot(object, query, stats, age_ns, error);
    std::span<const rst_stat_decl>{B::kStats};
  };
  static constexpr bool kSim = requires(B& broker, std::int64_t now, std::int64_t& due, std::uint64_t& pending,
                                        ErrorOut error) { broker.step(now, due, pending, error); };
  static constexpr bool kTx =
      requires(B& broker, Publisher& object, Subscription* subscription, std::uint64_t& tx, ErrorOut error) {
        object.begin(subscription, std::uint64_t{}, tx, std::uint64_t{}, error);
        broker.commit(tx, std::uint64_t{}, error);
        broker.abort(tx, std::uint64_t{}, error);
      };
  static constexpr bool kOwn = requires(std::string_view id) { B::extension(id); };
  static constexpr bool kAny = kSeek || kRequest || kMatch || kAdmin || kStats || kSim || kTx || kOwn;

  static const void* get(rst_str id) noexcept {
    const auto wanted = view(id);
    if constexpr (kSeek) {
      static constexpr rst_seek kTable{sizeof(rst_seek), 0, &seek};
      if (wanted == RST_EXT_SEEK) return &kTable;
    }
    if constexpr (kRequest) {
      static constexpr rst_request kTable{sizeof(rst_request), 0, &request};
      if (wanted == RST_EXT_REQUEST) return &kTable;
    }
    if constexpr (kMatch) {
      static constexpr rst_match kTable{sizeof(rst_match), 0, &match};
      if (wanted == RST_EXT_MATCH) return &kTable;
    }
    if constexpr (kAdmin) {
      static constexpr rst_admin kTable{sizeof(rst_admin), 0, &apply};
      if (wanted == RST_EXT_ADMIN) return &kTable;
    }
    if constexpr (kStats) {
      static constexpr std::span<const rst_stat_decl> kDecls{B::kStats};
      static constexpr rst_stats kTable{sizeof(rst_stats),     0,
                                        kDecls.data(),         static_cast<std::uint32_t>(kDecls.size()),
                                        sizeof(rst_stat_decl), &snapshot};
      if (wanted == RST_EXT_STATS) return &kTable;
    }
    if constexpr (kSim) {
      static constexpr rst_sim kTable{sizeof(rst_sim), 0, &step};
      if (wanted == RST_EXT_SIM) return &kTable;
    }
    if constexpr (kTx) {
      static constexpr rst_tx kTable{sizeof(rst_tx), 0, &begin, &commit, &abort};
      if (wanted == RST_EXT_TX) return &kTable;
    }
    if constexpr (kOwn) return B::extension(wanted);
    return nullptr;
  }

 private:
  static std::int32_t seek(void* instance, std::uint64_t subscription, const rst_position* positions,
                           std::uint32_t count, std::uint64_t op, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      return with<B, Subscription>(instance, subscription, false, told, [&](Subscription& object) {
        if (find_cap(object.kind(), RST_CAP_SEEK) == nullptr) {
          return told(RST_E_UNSUPPORTED, "kind `", subject(view(object.kind().name)), "` cannot seek");
        }
        return object.seek(std::span{positions, count}, op, told);
      });
    });
  }

  static std::int32_t request(void* instance, rst_publish* call, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      if (const auto refused = Verbs<B>::check_publish(*call, told); refused != RST_DONE) return refused;
      if (call->count != 1 || call->op == 0) return told(RST_E_INVALID, "a request is one message with an operation");
      if ((call->flags & ~RST_PUBLISH_CONFIRM) != 0 || call->tx != 0) {
        return told(RST_E_UNSUPPORTED, "unknown flags, or a request in a transaction");
      }
      return with<B, Publisher>(instance, call->publisher, false, told,
                                [&](Publisher& object) { return object.request(*call, told); });
    });
  }

  static std::int32_t match(const rst_subscription_spec* to, const rst_publisher_spec* from,
                            const rst_out_message* message, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      if (to->struct_size < kLeast<rst_subscription_spec> || from->struct_size < kLeast<rst_publisher_spec>) {
        return told(RST_E_INVALID, "a spec is too small");
      }
      return B::match(*to, *from, message, told);
    });
  }

  static std::int32_t apply(void* instance, const rst_admin_request* request, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      Report report{request->struct_size < kLeast<rst_admin_request> ? nullptr : request->report, told};
      check_struct(request->struct_size, kLeast<rst_admin_request>, request->struct_size < 8 ? 0 : request->flags, 0,
                   "request", report);
      if (report.result() != RST_DONE) return report.result();
      check_kind(B::kKinds, request->kind, RST_ROLE_ADMIN, "administration", report);
      check_options(options_of<B>(), request->options, request->option_count, RST_SCOPE_ADMIN, request->kind, report);
      if (request->action == 0 || request->action > RST_ADMIN_DESCRIBE) {
        report.issue(RST_E_UNSUPPORTED, "action ", request->action, " is not known");
      }
      if (report.result() != RST_DONE) return report.result();
      return with<B, Connection>(instance, request->connection, false, told,
                                 [&](Connection& object) { return object.apply(*request, told); });
    });
  }

  static std::int32_t snapshot(void* instance, const rst_stats_query* query, rst_stat* stats, std::uint32_t capacity,
                               std::uint32_t* count, std::uint64_t* age_ns, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) -> std::int32_t {
      if (query->struct_size < RST_UP_TO(rst_stats_query, parent))
        return told(RST_E_INVALID, "rst_stats_query is too small");
      Object* object = nullptr;
      Instance<B>& self = instance_of<B>(instance);
      if (const auto result = self.registry.pin(query->handle, true, object, told); result != RST_DONE) return result;
      const Pin<Object> pin{object};
      std::vector<rst_stat> found;
      std::uint64_t age = 0;
      const std::int32_t result = self.broker.snapshot(*object, *query, found, age, told);
      if (result != RST_DONE) return result;
      *count = static_cast<std::uint32_t>(found.size());
      *age_ns = age;
      std::copy_n(found.data(), std::min(*count, capacity), stats);
      return RST_DONE;
    });
  }

  static std::int32_t step(void* instance, std::int64_t now_ns, std::int64_t* next_due_ns, std::uint64_t* pending,
                           rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      return instance_of<B>(instance).broker.step(now_ns, *next_due_ns, *pending, told);
    });
  }

  static std::int32_t begin(void* instance, std::uint64_t publisher, std::uint64_t subscription,
                            std::uint64_t timeout_ns, std::uint64_t* tx, std::uint64_t op, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) {
      return with<B, Publisher>(instance, publisher, false, told, [&](Publisher& object) -> std::int32_t {
        if (find_cap(object.kind(), RST_CAP_TX_PUBLISH) == nullptr) {
          return told(RST_E_UNSUPPORTED, "kind `", subject(view(object.kind().name)), "` has no transactions");
        }
        if (subscription == 0) return object.begin(nullptr, timeout_ns, *tx, op, told);
        return with<B, Subscription>(instance, subscription, false, told, [&](Subscription& from) {
          return object.begin(&from, timeout_ns, *tx, op, told);
        });
      });
    });
  }
  static std::int32_t commit(void* instance, std::uint64_t tx, std::uint64_t op, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) { return instance_of<B>(instance).broker.commit(tx, op, told); });
  }
  static std::int32_t abort(void* instance, std::uint64_t tx, std::uint64_t op, rst_error* error) noexcept {
    return guarded(error, [&](ErrorOut told) { return instance_of<B>(instance).broker.abort(tx, op, told); });
  }
};

}  // namespace ruststream::sdk::detail
