/// The plugin's table: who it is, what it declares, and its verbs.
#ifndef RUSTSTREAM_ABI_PLUGIN_H
#define RUSTSTREAM_ABI_PLUGIN_H

#include "host.h"
#include "plan.h"
#include "publish.h"
#include "settle.h"
#include "spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Language runtimes of which a process bears only one.
#define RST_RUNTIME_NONE 0
#define RST_RUNTIME_GO 1
#define RST_RUNTIME_JVM 2
#define RST_RUNTIME_CLR 3
#define RST_RUNTIME_PYTHON 4

typedef struct rst_init_args {
  uint32_t struct_size;
  uint32_t flags; /* 0: none is defined */
} rst_init_args;
RST_ASSERT_SIZE(rst_init_args, 8);
RST_ASSERT_OFFSET(rst_init_args, flags, 4);

#define RST_CREDIT_ADD 1u   /* adds to the balances */
#define RST_CREDIT_DRAIN 2u /* sets both balances to zero; completes when nothing more can follow (F5) */

typedef struct rst_credit {
  uint32_t struct_size;
  uint32_t flags;        /* exactly one of ADD and DRAIN */
  uint64_t subscription; /* handle */
  uint32_t messages;
  uint32_t reserved;
  uint64_t bytes;
  uint64_t op; /* of DRAIN; 0 = no completion */
} rst_credit;
RST_ASSERT_SIZE(rst_credit, 40);
RST_ASSERT_OFFSET(rst_credit, flags, 4);
RST_ASSERT_OFFSET(rst_credit, subscription, 8);
RST_ASSERT_OFFSET(rst_credit, messages, 16);
RST_ASSERT_OFFSET(rst_credit, reserved, 20);
RST_ASSERT_OFFSET(rst_credit, bytes, 24);
RST_ASSERT_OFFSET(rst_credit, op, 32);

#define RST_CLOSE_ABORT \
  1u /* drop queues, fail pending operations with CANCELLED; may follow a pending graceful close */

/// Static and immutable, as is all it points to; growable arrays carry a stride. No function unwinds (L1). Every verb
/// but validate and get_extension takes the instance first; the last parameter, where errors are told, may be NULL. A
/// verb is any-thread, may race close of its handle (L5) and never waits (B1), except init and deinit. It returns
/// RST_DONE, RST_PENDING or minus a code; unknown flag bits are -RST_E_UNSUPPORTED before any side effect (V2). An
/// optional verb may be NULL.
typedef struct rst_plugin {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t flags; /* 0: none is defined */
  uint32_t runtime;
  rst_str name; /* id, reverse-DNS: "org.ruststream.memory" */
  rst_str version;
  rst_str vendor;
  const rst_str* schemes; /* of URLs */
  const rst_kind* kinds;
  const rst_option_decl* options;
  const rst_field_decl* fields;
  uint32_t scheme_count;
  uint32_t kind_count;
  uint32_t option_count;
  uint32_t field_count;
  uint32_t kind_stride;
  uint32_t option_stride;
  uint32_t field_stride;
  uint32_t min_host_minor; /* least minor of the host that it works with */

  /// Checks a spec without I/O: scope CONNECTION takes an rst_connection_spec, SUBSCRIPTION an rst_subscription_spec,
  /// PUBLISHER an rst_publisher_spec, the others an rst_options_spec. Reports every problem, writes the plan and its
  /// texts; plan and report may be NULL. Mandatory. [any-thread, pure, before init too]
  /// @return RST_DONE; -RST_E_OPTION, -RST_E_INVALID or -RST_E_UNSUPPORTED: the first problem.   Rules: O1, O2, V2, S4.
  int32_t (*validate)(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error);

  /// A table of the plugin by its id ("rst.seek/1"), valid for the process, or NULL. Optional. [any-thread, pure]
  const void* (*get_extension)(rst_str id);

  /// A new instance, independent of others. The host table outlives it. Mandatory.
  /// [main thread, excludes all else on the instance, may block up to 5 s]   Rules: L3, T1-T3.
  int32_t (*init)(const rst_host* host, const rst_init_args* args, void** instance, rst_error* error);

  /// Ends the instance: its threads, descriptors and memory. All connections are closed, all batches released.
  /// Mandatory. [main thread, excludes all else on the instance, may block up to 5 s]   @return RST_DONE, -RST_E_STATE.
  /// Rule: L3.
  int32_t (*deinit)(void* instance, rst_error* error);

  /// DONE: *connection is the handle; PENDING: the completion's value is. OK only with an authenticated session (R1).
  /// Mandatory. [any-thread]   @return also -RST_E_OPTION, -RST_E_INVALID.   Rules: B1, O1, O2, R1, R2, C1.
  int32_t (*connect)(void* instance, const rst_connection_spec* spec, uint64_t* connection, rst_error* error);

  /// As connect. Its completion precedes its first delivery. Mandatory with a subscription kind. [any-thread]
  /// @return also -RST_E_CLOSED, -RST_E_STALE.   Rules: B1, C4, F1, F2, F6, O1.
  int32_t (*subscribe)(void* instance, uint64_t connection, const rst_subscription_spec* spec, uint64_t* subscription,
                       rst_error* error);

  /// As connect. Mandatory with a publisher kind. [any-thread]   @return also -RST_E_CLOSED, -RST_E_STALE.   Rules: B1,
  /// O1.
  int32_t (*open_publisher)(void* instance, uint64_t connection, const rst_publisher_spec* spec, uint64_t* publisher,
                            rst_error* error);

  /// Closes a connection, subscription or publisher: flushes, settles, releases the rest, until its timeout. A
  /// connection's implies its subscriptions' and publishers', whose operations and all other pending ones complete
  /// first. The completion's value is the number of messages dropped. Mandatory. [any-thread]
  /// @return also -RST_E_CLOSED, -RST_E_STALE.   Rules: B1, L5, L6, F3, F4, S4, G1.
  int32_t (*close)(void* instance, uint64_t handle, uint32_t flags, uint64_t timeout_ns, uint64_t op, rst_error* error);

  /// Adds room for deliveries, or takes it back. Mandatory with a subscription kind. [any-thread]
  /// @return also -RST_E_CLOSED, -RST_E_STALE.   Rules: B1, F1, F2, F5.
  int32_t (*credit)(void* instance, const rst_credit* credit, rst_error* error);

  /// An error only when no item was looked at; else each item's status speaks. Never BACKPRESSURE. Optional when every
  /// token is 0. [any-thread]   @return also -RST_E_CLOSED, -RST_E_STALE.   Rules: B1, M4, S1-S7, P6.
  int32_t (*settle)(void* instance, const rst_settle* settle, rst_error* error);

  /// DONE or PENDING whenever `accepted` > 0; -RST_E_BACKPRESSURE only with 0. Mandatory with a publisher kind.
  /// [any-thread]
  /// @return also -RST_E_CLOSED, -RST_E_STALE.   Rules: B1, M4, P1-P4, P6.
  int32_t (*publish)(void* instance, rst_publish* publish, rst_error* error);

  /// Completes when all that this publisher, or this connection, accepted before has its final status. Optional.
  /// [any-thread]   @return also -RST_E_CLOSED, -RST_E_STALE.   Rules: B1, P5.
  int32_t (*flush)(void* instance, uint64_t handle, uint64_t timeout_ns, uint64_t op, rst_error* error);

  /// Answers an event: status RST_OK or minus a code, start positions for SUB_ASSIGNING. Optional when no event waits.
  /// [any-thread]   @return also -RST_E_STALE (answered before, or past its deadline).   Rules: B1, G1.
  int32_t (*answer)(void* instance, uint64_t answer, int32_t status, const rst_position* positions, uint32_t count,
                    rst_error* error);

  void* reserved[3];
} rst_plugin;
RST_ASSERT_SIZE(rst_plugin, 256);
RST_ASSERT_OFFSET(rst_plugin, abi_major, 4);
RST_ASSERT_OFFSET(rst_plugin, abi_minor, 6);
RST_ASSERT_OFFSET(rst_plugin, flags, 8);
RST_ASSERT_OFFSET(rst_plugin, runtime, 12);
RST_ASSERT_OFFSET(rst_plugin, name, 16);
RST_ASSERT_OFFSET(rst_plugin, version, 32);
RST_ASSERT_OFFSET(rst_plugin, vendor, 48);
RST_ASSERT_OFFSET(rst_plugin, schemes, 64);
RST_ASSERT_OFFSET(rst_plugin, kinds, 72);
RST_ASSERT_OFFSET(rst_plugin, options, 80);
RST_ASSERT_OFFSET(rst_plugin, fields, 88);
RST_ASSERT_OFFSET(rst_plugin, scheme_count, 96);
RST_ASSERT_OFFSET(rst_plugin, kind_count, 100);
RST_ASSERT_OFFSET(rst_plugin, option_count, 104);
RST_ASSERT_OFFSET(rst_plugin, field_count, 108);
RST_ASSERT_OFFSET(rst_plugin, kind_stride, 112);
RST_ASSERT_OFFSET(rst_plugin, option_stride, 116);
RST_ASSERT_OFFSET(rst_plugin, field_stride, 120);
RST_ASSERT_OFFSET(rst_plugin, min_host_minor, 124);
RST_ASSERT_OFFSET(rst_plugin, validate, 128);
RST_ASSERT_OFFSET(rst_plugin, get_extension, 136);
RST_ASSERT_OFFSET(rst_plugin, init, 144);
RST_ASSERT_OFFSET(rst_plugin, deinit, 152);
RST_ASSERT_OFFSET(rst_plugin, connect, 160);
RST_ASSERT_OFFSET(rst_plugin, subscribe, 168);
RST_ASSERT_OFFSET(rst_plugin, open_publisher, 176);
RST_ASSERT_OFFSET(rst_plugin, close, 184);
RST_ASSERT_OFFSET(rst_plugin, credit, 192);
RST_ASSERT_OFFSET(rst_plugin, settle, 200);
RST_ASSERT_OFFSET(rst_plugin, publish, 208);
RST_ASSERT_OFFSET(rst_plugin, flush, 216);
RST_ASSERT_OFFSET(rst_plugin, answer, 224);
RST_ASSERT_OFFSET(rst_plugin, reserved, 232);

/// The one exported symbol, a pure function; the major version is in its name. The result is never NULL.
#define RST_ENTRY_SYMBOL "rst_plugin_v0"
typedef const rst_plugin* (*rst_plugin_entry)(void);  // NOLINT(modernize-redundant-void-arg): C needs it

#ifdef __cplusplus
}
#endif

#endif
