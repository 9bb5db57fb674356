//! The C contract, `ruststream/abi.h`, as Rust sees it: field by field, in the header's order and with its names.
//! tests/layout.rs asks the C compiler whether sizes, offsets and numbers are still the header's.
#![allow(non_camel_case_types)]
#![allow(missing_docs)] // the header has them

use std::ffi::c_void;
use std::os::raw::c_char;

/// A struct's name, size, and its fields with their offsets.
pub type Layout = (&'static str, usize, Vec<(&'static str, usize)>);

macro_rules! structs {
    ($(struct $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(#[repr(C)] #[derive(Clone, Copy)] pub struct $name { $(pub $field: $type),* })*

        #[doc(hidden)]
        pub fn layouts() -> Vec<Layout> {
            vec![$({
                let whole = std::mem::MaybeUninit::<$name>::uninit();
                let start = whole.as_ptr();
                // SAFETY: only addresses are taken, nothing is read.
                let offset = vec![$((stringify!($field), unsafe { std::ptr::addr_of!((*start).$field) } as usize
                    - start as usize)),*];
                (stringify!($name), std::mem::size_of::<$name>(), offset)
            }),*]
        }
    };
}

macro_rules! numbers {
    ($($name:ident: $type:ty = $value:expr;)*) => {
        $(pub const $name: $type = $value;)*

        #[doc(hidden)]
        pub fn numbers() -> Vec<(&'static str, i64)> { vec![$((stringify!($name), $name as i64)),*] }
    };
}

structs! {
    struct rst_str { ptr: *const c_char, len: u64 }
    struct rst_value { r#as: u64, len: u32, r#type: u16, flags: u16 } // `as`: the union, as its bits
    struct rst_error {
        code: i32, flags: u32, native: i64, retry_after_ms: u32, subject_off: u16, subject_len: u16, text_len: u16,
        reserved0: u16, reserved1: u32, text: [u8; 480],
    }
    struct rst_header { name: *const c_char, value: *const u8, value_len: u32, name_len: u16, r#type: u8, flags: u8 }
    struct rst_message_meta {
        struct_size: u32, address_len: u32, reply_to_len: u32, correlation_len: u32, message_id_len: u32,
        content_type_len: u32, address: *const c_char, reply_to: *const u8, correlation: *const u8,
        message_id: *const u8, content_type: *const c_char,
    }
    struct rst_message {
        payload: *const u8, payload_len: u64, token: u64, headers: *const rst_header, key: *const u8,
        meta: *const rst_message_meta, key_len: u32, header_count: u16, attempt: u16, flags: u32, partition: u32,
    }
    struct rst_position {
        kind: u16, len: u16, partition: u32, time_ns: i64, data: [u8; 32], partition_name: rst_str,
    }
    struct rst_partition { name: rst_str, partition: u32, generation: u32, reserved: u64 }
    struct rst_batch_ops {
        struct_size: u32, reserved0: u32, release: Option<unsafe extern "C" fn(*mut rst_batch)>,
        field: Option<unsafe extern "C" fn(*mut rst_batch, u32, u32, *mut rst_value) -> i32>,
        position: Option<unsafe extern "C" fn(*mut rst_batch, u32, *mut rst_position) -> i32>, reserved1: *const c_void,
    }
    struct rst_batch {
        struct_size: u32, stride: u32, messages: *const rst_message, count: u32, flags: u32, subscription: u64,
        ops: *const rst_batch_ops, bytes: u64, host: [u64; 2], timestamps: *const i64, received_ns: i64,
        generation: u32, reserved0: u32, plugin: *mut c_void, reserved1: [u64; 4],
    }
    struct rst_settle_detail {
        struct_size: u32, header_count: u32, reason: rst_str, dead_letter: rst_str, headers: *const rst_header,
    }
    struct rst_settlement {
        token: u64, delay_ns: u64, detail: *const rst_settle_detail, verdict: u16, flags: u16, status: i32,
    }
    struct rst_settle {
        struct_size: u32, flags: u32, subscription: u64, tx: u64, op: u64, items: *mut rst_settlement, count: u32,
        stride: u32, timeout_ns: u64, reserved: u64,
    }
    struct rst_out_props {
        struct_size: u32, priority: i32, ttl_ns: u64, delay_ns: u64, timestamp_ns: i64, reply_to: *const u8,
        correlation: *const u8, message_id: *const u8, content_type: *const c_char, options: *const rst_option,
        reply_to_len: u32, correlation_len: u32, message_id_len: u32, content_type_len: u32, option_count: u32,
        partition: i32,
    }
    struct rst_out_message {
        destination: *const c_char, payload: *const u8, payload_len: u64, headers: *const rst_header, key: *const u8,
        props: *const rst_out_props, destination_len: u32, key_len: u32, header_count: u16, flags: u16, reserved: u32,
    }
    struct rst_publish {
        struct_size: u32, flags: u32, publisher: u64, tx: u64, op: u64, messages: *const rst_out_message,
        statuses: *mut i32, receipts: *mut rst_position, count: u32, stride: u32, accepted: u32, reserved: u32,
        timeout_ns: u64,
    }
    struct rst_completion { op: u64, status: i32, flags: u32, value: u64, error: *const rst_error }
    struct rst_event {
        struct_size: u32, kind: u32, connection: u64, subject: u64, answer: u64, value: u64, deadline_ns: u64,
        error: *const rst_error, partitions: *const rst_partition, partition_count: u32, flags: u32,
        caps: *const rst_capability, cap_count: u32, reserved0: u32, text: rst_str, reserved1: [u64; 3],
    }
    struct rst_log {
        struct_size: u32, level: u32, connection: u64, subject: u64, code: i32, line: u32, target: rst_str,
        text: rst_str,
    }
    struct rst_host {
        struct_size: u32, abi_major: u16, abi_minor: u16, ctx: *mut c_void, name: rst_str, version: rst_str,
        deliver: unsafe extern "C" fn(*const rst_host, *mut rst_batch) -> i32,
        complete: unsafe extern "C" fn(*const rst_host, *const rst_completion, u32, u32),
        event: unsafe extern "C" fn(*const rst_host, *const rst_event),
        log: unsafe extern "C" fn(*const rst_host, *const rst_log), log_level: *const u32,
        now: unsafe extern "C" fn(*const rst_host, u32) -> i64,
        get_extension: unsafe extern "C" fn(*const rst_host, rst_str) -> *const c_void, reserved: [*const c_void; 3],
    }
    struct rst_capability { id: u32, level: u16, flags: u16, limit: u64 }
    struct rst_kind { name: rst_str, doc: rst_str, caps: *const rst_capability, cap_count: u32, roles: u32 }
    struct rst_field_decl { name: rst_str, doc: rst_str, kinds: u64, id: u32, r#type: u16, flags: u16 }
    struct rst_option_decl {
        name: rst_str, doc: rst_str, default_text: rst_str, alias: rst_str, choices: *const rst_str, min: i64,
        max: i64, kinds: u64, scopes: u32, flags: u32, choice_count: u32, r#type: u16, unit: u16,
    }
    struct rst_option {
        name: rst_str, value: rst_value, items: *const rst_value, item_count: u32, decl: u16, flags: u16,
    }
    struct rst_connection_spec {
        struct_size: u32, flags: u32, id: u64, url: rst_str, client_name: rst_str, options: *const rst_option,
        option_count: u32, reserved: u32, op: u64, timeout_ns: u64,
    }
    struct rst_subscription_spec {
        struct_size: u32, flags: u32, id: u64, kind: u32, address_count: u32, addresses: *const rst_str,
        group: rst_str, durable: rst_str, start: *const rst_position, options: *const rst_option, start_count: u32,
        option_count: u32, credit_messages: u32, max_batch: u32, credit_bytes: u64, window_bytes: u64,
        window_messages: u32, max_attempts: u32, batch_wait_ns: u64, dead_letter: rst_str, max_processing_ns: u64,
        op: u64, timeout_ns: u64,
    }
    struct rst_publisher_spec {
        struct_size: u32, flags: u32, id: u64, kind: u32, option_count: u32, destination: rst_str,
        options: *const rst_option, op: u64, timeout_ns: u64,
    }
    struct rst_options_spec {
        struct_size: u32, kind: u32, options: *const rst_option, option_count: u32, reserved: u32,
    }
    struct rst_plan {
        struct_size: u32, flags: u32, ack_deadline_ns: u64, max_payload: u64, max_delay_ns: u64, max_unsettled: u32,
        max_batch: u32, cap_capacity: u32, cap_count: u32, caps: *mut rst_capability, default_window: u32, reserved: u32,
    }
    struct rst_report {
        struct_size: u32, reserved: u32, ctx: *mut c_void,
        issue: Option<unsafe extern "C" fn(*mut c_void, *const rst_error)>,
        text: Option<unsafe extern "C" fn(*mut c_void, u32, rst_str)>,
    }
    struct rst_init_args { struct_size: u32, flags: u32 }
    struct rst_credit {
        struct_size: u32, flags: u32, subscription: u64, messages: u32, reserved: u32, bytes: u64, op: u64,
    }
    struct rst_plugin {
        struct_size: u32, abi_major: u16, abi_minor: u16, flags: u32, runtime: u32, name: rst_str, version: rst_str,
        vendor: rst_str, schemes: *const rst_str, kinds: *const rst_kind, options: *const rst_option_decl,
        fields: *const rst_field_decl, scheme_count: u32, kind_count: u32, option_count: u32, field_count: u32,
        kind_stride: u32, option_stride: u32, field_stride: u32, min_host_minor: u32,
        validate: Option<unsafe extern "C" fn(u32, *const c_void, *mut rst_plan, *const rst_report, *mut rst_error) -> i32>,
        get_extension: Option<unsafe extern "C" fn(rst_str) -> *const c_void>,
        init: Option<unsafe extern "C" fn(*const rst_host, *const rst_init_args, *mut *mut c_void, *mut rst_error) -> i32>,
        deinit: Option<unsafe extern "C" fn(*mut c_void, *mut rst_error) -> i32>,
        connect: Option<unsafe extern "C" fn(*mut c_void, *const rst_connection_spec, *mut u64, *mut rst_error) -> i32>,
        subscribe: Option<unsafe extern "C" fn(*mut c_void, u64, *const rst_subscription_spec, *mut u64, *mut rst_error) -> i32>,
        open_publisher: Option<unsafe extern "C" fn(*mut c_void, u64, *const rst_publisher_spec, *mut u64, *mut rst_error) -> i32>,
        close: Option<unsafe extern "C" fn(*mut c_void, u64, u32, u64, u64, *mut rst_error) -> i32>,
        credit: Option<unsafe extern "C" fn(*mut c_void, *const rst_credit, *mut rst_error) -> i32>,
        settle: Option<unsafe extern "C" fn(*mut c_void, *const rst_settle, *mut rst_error) -> i32>,
        publish: Option<unsafe extern "C" fn(*mut c_void, *mut rst_publish, *mut rst_error) -> i32>,
        flush: Option<unsafe extern "C" fn(*mut c_void, u64, u64, u64, *mut rst_error) -> i32>,
        answer: Option<unsafe extern "C" fn(*mut c_void, u64, i32, *const rst_position, u32, *mut rst_error) -> i32>,
        reserved: [*const c_void; 3],
    }
    struct rst_note {
        size: u32, abi_major: u16, abi_minor: u16, runtime: u32, name_len: u16, version_len: u16, schemes_len: u16,
        reserved: u16,
    }
    struct rst_elf_note { name_size: u32, desc_size: u32, r#type: u32, name: [u8; 12], note: rst_note }
}

// SAFETY: the tables that a plugin shows are immutable, and point to what is static.
unsafe impl Sync for rst_plugin {}
unsafe impl Sync for rst_batch_ops {}
unsafe impl Sync for rst_str {}

numbers! {
    RST_ABI_MAJOR: u16 = 0; RST_ABI_MINOR: u16 = 1;
    RST_DONE: i32 = 0; RST_PENDING: i32 = 1;
    RST_OK: i32 = 0; RST_OK_DUPLICATE: i32 = 1; RST_OK_UNROUTED: i32 = 2;

    RST_E_INVALID: i32 = 1; RST_E_OPTION: i32 = 2; RST_E_UNSUPPORTED: i32 = 3; RST_E_STATE: i32 = 4;
    RST_E_NOT_FOUND: i32 = 5; RST_E_EXISTS: i32 = 6; RST_E_PRECONDITION: i32 = 7; RST_E_UNAUTHENTICATED: i32 = 8;
    RST_E_DENIED: i32 = 9; RST_E_UNAVAILABLE: i32 = 10; RST_E_TIMEOUT: i32 = 11; RST_E_CANCELLED: i32 = 12;
    RST_E_BACKPRESSURE: i32 = 13; RST_E_TOO_LARGE: i32 = 14; RST_E_CORRUPT: i32 = 15; RST_E_NO_ROUTE: i32 = 16;
    RST_E_EXHAUSTED: i32 = 17; RST_E_ABORTED: i32 = 18; RST_E_SETTLED: i32 = 19; RST_E_STALE: i32 = 20;
    RST_E_CLOSED: i32 = 21; RST_E_INTERNAL: i32 = 22;
    RST_ERROR_RETRYABLE: u32 = 1; RST_ERROR_FATAL: u32 = 2; RST_ERROR_USER: u32 = 4; RST_ERROR_ABORT_TX: u32 = 8;
    RST_ERROR_MAYBE_APPLIED: u32 = 16; RST_ERROR_AUTH: u32 = 32;

    RST_TYPE_NONE: u16 = 0; RST_TYPE_BOOL: u16 = 1; RST_TYPE_I64: u16 = 2; RST_TYPE_U64: u16 = 3;
    RST_TYPE_F64: u16 = 4; RST_TYPE_STRING: u16 = 5; RST_TYPE_BYTES: u16 = 6; RST_TYPE_DURATION: u16 = 7;
    RST_TYPE_SIZE: u16 = 8; RST_TYPE_ENUM: u16 = 9; RST_TYPE_PATH: u16 = 10; RST_TYPE_URL: u16 = 11;
    RST_UNIT_NONE: u16 = 0; RST_UNIT_MILLISECOND: u16 = 3; RST_UNIT_BYTE: u16 = 5; RST_UNIT_MESSAGE: u16 = 8;

    RST_SCOPE_CONNECTION: u32 = 1; RST_SCOPE_SUBSCRIPTION: u32 = 2; RST_SCOPE_PUBLISHER: u32 = 4;
    RST_SCOPE_MESSAGE: u32 = 8; RST_SCOPE_ADMIN: u32 = 16; RST_SCOPE_TX: u32 = 32;
    RST_OPTION_REQUIRED: u32 = 1; RST_OPTION_SECRET: u32 = 2; RST_OPTION_LIST: u32 = 4; RST_OPTION_PREFIX: u32 = 8;
    RST_OPTION_PASS_THROUGH: u16 = 0xFFFF;

    RST_CAP_SETTLE: u32 = 1; RST_CAP_SETTLE_CONFIRM: u32 = 2; RST_CAP_RETRY: u32 = 3; RST_CAP_RETRY_AFTER: u32 = 4;
    RST_CAP_RETRY_POSITION: u32 = 5; RST_CAP_RELEASE: u32 = 6; RST_CAP_REJECT: u32 = 7; RST_CAP_REJECT_TO: u32 = 8;
    RST_CAP_EXTEND: u32 = 9; RST_CAP_ATTEMPT: u32 = 10; RST_CAP_OVERFLOW: u32 = 11; RST_CAP_PARTITIONS: u32 = 12;
    RST_CAP_BATCH: u32 = 13; RST_CAP_GROUP: u32 = 14; RST_CAP_WILDCARD: u32 = 15; RST_CAP_SEEK: u32 = 16;
    RST_CAP_POSITION: u32 = 17; RST_CAP_PUBLISH_CONFIRM: u32 = 18; RST_CAP_PUBLISH_ORDER: u32 = 19;
    RST_CAP_RECEIPT: u32 = 20; RST_CAP_UNROUTED: u32 = 21; RST_CAP_KEY: u32 = 22; RST_CAP_TTL: u32 = 23;
    RST_CAP_DELAY: u32 = 24; RST_CAP_PRIORITY: u32 = 25; RST_CAP_HEADERS: u32 = 26; RST_CAP_PAYLOAD: u32 = 27;
    RST_CAP_MAX_PAYLOAD: u32 = 28; RST_CAP_MAX_HEADERS: u32 = 29; RST_CAP_TX_PUBLISH: u32 = 30;
    RST_CAP_TX_SETTLE: u32 = 31; RST_CAP_REQUEST: u32 = 32; RST_CAP_DEDUPLICATE: u32 = 33; RST_CAP_MATCH: u32 = 34;
    RST_CAP_RETAINED: u32 = 35;
    RST_LEVEL_NONE: u16 = 0; RST_LEVEL_COPY: u16 = 1; RST_LEVEL_HELD: u16 = 2; RST_LEVEL_FIXED: u16 = 3;
    RST_LEVEL_NATIVE: u16 = 4;
    RST_CAP_CONDITIONAL: u16 = 1; RST_CAP_COUNTED: u16 = 2; RST_CAP_SHARED: u16 = 4; RST_CAP_LOSES_ORDER: u16 = 8;
    RST_RETRY_FRONT: u64 = 1; RST_RETRY_BACK: u64 = 2; RST_OVERFLOW_BLOCK: u64 = 1; RST_OVERFLOW_DROP: u64 = 2;
    RST_HEADERS_ANY_VALUE: u64 = 1; RST_HEADERS_ANY_NAME: u64 = 2; RST_HEADERS_ORDER: u64 = 4;
    RST_HEADERS_DUPLICATES: u64 = 8; RST_HEADERS_EMPTY: u64 = 16; RST_HEADERS_NULL: u64 = 32;
    RST_HEADERS_TYPED: u64 = 64; RST_HEADERS_CASE: u64 = 128;
    RST_HEADER_BYTES: u8 = 0; RST_HEADER_NULL: u8 = 2; RST_HEADER_NATIVE: u8 = 7;
    RST_PAYLOAD_EMPTY: u64 = 1; RST_PAYLOAD_NULL: u64 = 2; RST_PAYLOAD_BYTES: u64 = 4; RST_PAYLOAD_TEXT_ONLY: u64 = 8;
    RST_ROLE_SUBSCRIPTION: u32 = 1; RST_ROLE_PUBLISHER: u32 = 2; RST_ROLE_ADMIN: u32 = 4;

    RST_VERDICT_ACK: u16 = 1; RST_VERDICT_RETRY: u16 = 2; RST_VERDICT_RELEASE: u16 = 3; RST_VERDICT_REJECT: u16 = 4;
    RST_VERDICT_EXTEND: u16 = 5; RST_SETTLE_CONFIRM: u32 = 1; RST_PUBLISH_CONFIRM: u32 = 1;
    RST_OUT_NULL_PAYLOAD: u16 = 1; RST_OUT_RETAIN: u16 = 2; RST_OUT_MANDATORY: u16 = 4;
    RST_MESSAGE_REDELIVERED: u32 = 4; RST_CREDIT_ADD: u32 = 1; RST_CREDIT_DRAIN: u32 = 2; RST_CLOSE_ABORT: u32 = 1;
    RST_CONNECT_RETRY_INITIAL: u32 = 1; RST_PUBLISHER_CONFIRM: u32 = 1; RST_PUBLISHER_TRANSACTIONAL: u32 = 2;
    RST_PLAN_ORDERED_SETTLE: u32 = 1; RST_PLAN_BROKER_MOVES: u32 = 16;
    RST_TEXT_CANONICAL_ADDRESS: u32 = 1; RST_TEXT_GROUP_KEY: u32 = 3; RST_TEXT_SERVER_DISPLAY: u32 = 4;
    RST_CLOCK_WALL: u32 = 0; RST_CLOCK_MONOTONIC: u32 = 1;

    RST_EVENT_CONN_UP: u32 = 1; RST_EVENT_CONN_DOWN: u32 = 2; RST_EVENT_CONN_RETRYING: u32 = 3;
    RST_EVENT_CONN_FAILED: u32 = 4; RST_EVENT_SUB_UP: u32 = 16; RST_EVENT_SUB_DOWN: u32 = 17;
    RST_EVENT_SUB_ENDED: u32 = 18; RST_EVENT_SUB_DROPPED: u32 = 23; RST_EVENT_SETTLE_FAILED: u32 = 25;
    RST_EVENT_PUB_WRITABLE: u32 = 32; RST_EVENT_PUB_FAILED: u32 = 33; RST_EVENT_PUB_ENDED: u32 = 34;
    RST_LOG_ERROR: u32 = 1; RST_LOG_WARN: u32 = 2; RST_LOG_INFO: u32 = 3; RST_LOG_DEBUG: u32 = 4;
    RST_NOTE_TYPE: u32 = 1; RST_RUNTIME_NONE: u32 = 0;
}
