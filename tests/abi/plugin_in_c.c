/* The least plugin in C11: a table whose mandatory verbs refuse, an entry, a note. Its texts make 16 bytes, so that the
 * note needs a whole group of zeros behind them. */
#include <ruststream/abi.h>

static const rst_str kSchemes[] = {{"abc", 3}};
static const rst_kind kKinds[] = {{{"admin", 5}, {"no messages", 11}, NULL, 0, RST_ROLE_ADMIN}};

static int32_t validate(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error) {
  (void)scope, (void)spec, (void)plan, (void)report, (void)error;
  return -RST_E_UNSUPPORTED;
}
static int32_t init(const rst_host* host, const rst_init_args* args, void** instance, rst_error* error) {
  (void)host, (void)args, (void)instance, (void)error;
  return -RST_E_UNSUPPORTED;
}
static int32_t deinit(void* instance, rst_error* error) {
  (void)instance, (void)error;
  return -RST_E_STATE;
}
static int32_t connect_to(void* instance, const rst_connection_spec* spec, uint64_t* connection, rst_error* error) {
  (void)instance, (void)spec, (void)connection, (void)error;
  return -RST_E_STATE;
}
static int32_t close_it(void* instance, uint64_t handle, uint32_t flags, uint64_t timeout_ns, uint64_t op,
                        rst_error* error) {
  (void)instance, (void)handle, (void)flags, (void)timeout_ns, (void)op, (void)error;
  return -RST_E_STALE;
}

static const rst_plugin kPlugin = {
    .struct_size = sizeof(rst_plugin),
    .abi_major = RST_ABI_MAJOR,
    .abi_minor = RST_ABI_MINOR,
    .name = {"test.in.c", 9},
    .version = {"1.2", 3},
    .schemes = kSchemes,
    .kinds = kKinds,
    .scheme_count = 1,
    .kind_count = 1,
    .kind_stride = sizeof(rst_kind),
    .option_stride = sizeof(rst_option_decl),
    .field_stride = sizeof(rst_field_decl),
    .min_host_minor = RST_ABI_MINOR,
    .validate = validate,
    .init = init,
    .deinit = deinit,
    .connect = connect_to,
    .close = close_it,
};

RST_EXPORT const rst_plugin* rst_plugin_v0(void);
RST_EXPORT const rst_plugin* rst_plugin_v0(void) { return &kPlugin; }

RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "test.in.c", "1.2", "abc,");
