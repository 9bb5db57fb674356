//! The plugin's table, made of the author's traits: check, find the object, call the author, stop panics (L1).
use crate::declare::{Kind, Opt};
use crate::error::{Error, Result};
use crate::host::{is_owed, slice, text, Completion, Host};
use crate::objects::{Answer, Connection, Life, Object, Opening, Publisher, Shared, Subscription};
use crate::options::{self, Options};
use crate::publish::Publish;
use crate::settle::Settle;
use crate::spec::{self, ConnectionSpec, Plan, PublisherSpec, Report, Spec, SubscriptionSpec};
use crate::sys::*;
use std::ffi::c_void;
use std::mem::size_of;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// A broker: what it declares, and how a connection to it begins. One value for each instance.
pub trait Broker: Send + Sync + Sized + 'static {
    const KINDS: &'static [Kind];
    const OPTIONS: &'static [Opt] = &[];

    fn new() -> Result<Self>;

    /// The author's own checks of a spec whose sizes, flags, kind and options are as declared. Pure, without I/O.
    fn validate(spec: &Spec, plan: &mut Plan, report: &mut Report) {
        let _ = (spec, plan, report);
    }

    /// Begins a connection: a thread of the plugin's (Life::spawn) ends `opening`, by done or failed.
    fn connect(&self, opening: Opening<dyn Connection>, spec: &ConnectionSpec);
}

struct Instance<B> {
    shared: Arc<Shared>,
    broker: B,
}

/// Who a plugin is.
pub struct Identity {
    /// Reverse-DNS.
    pub name: &'static str,
    pub version: &'static str,
    pub vendor: &'static str,
    pub schemes: &'static [rst_str],
}

#[doc(hidden)]
pub const fn table<B: Broker>(identity: Identity) -> rst_plugin {
    rst_plugin {
        struct_size: size_of::<rst_plugin>() as u32,
        abi_major: RST_ABI_MAJOR,
        abi_minor: RST_ABI_MINOR,
        flags: 0,
        runtime: RST_RUNTIME_NONE,
        name: text(identity.name),
        version: text(identity.version),
        vendor: text(identity.vendor),
        schemes: identity.schemes.as_ptr(),
        kinds: B::KINDS.as_ptr() as *const rst_kind,
        options: B::OPTIONS.as_ptr() as *const rst_option_decl,
        fields: std::ptr::null(),
        scheme_count: identity.schemes.len() as u32,
        kind_count: B::KINDS.len() as u32,
        option_count: B::OPTIONS.len() as u32,
        field_count: 0,
        kind_stride: size_of::<rst_kind>() as u32,
        option_stride: size_of::<rst_option_decl>() as u32,
        field_stride: size_of::<rst_field_decl>() as u32,
        min_host_minor: 0,
        validate: Some(validate::<B>),
        get_extension: None,
        init: Some(init::<B>),
        deinit: Some(deinit::<B>),
        connect: Some(connect::<B>),
        subscribe: Some(subscribe::<B>),
        open_publisher: Some(open_publisher::<B>),
        close: Some(close::<B>),
        credit: Some(credit::<B>),
        settle: Some(settle::<B>),
        publish: Some(publish::<B>),
        flush: Some(flush::<B>),
        answer: None,
        reserved: [std::ptr::null(); 3],
    }
}

/// Runs the body of a verb. What it panics with, and what it returns as an error, is told in the host's struct.
///
/// # Safety
/// `error` is NULL or the host's, for the call.
unsafe fn guard(error: *mut rst_error, body: impl FnOnce() -> Result<i32>) -> i32 {
    guard_op(0, error, body)
}

/// Of a verb with an operation: once its completion was made, that is its answer (C1).
///
/// # Safety
/// As for `guard`.
unsafe fn guard_op(op: u64, error: *mut rst_error, body: impl FnOnce() -> Result<i32>) -> i32 {
    let told = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(result)) => return result,
        Ok(Err(told)) => told,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
            Error::new(RST_E_INTERNAL, format!("the plugin panicked: {}", text.unwrap_or("no text")))
        }
    };
    if is_owed(op) {
        return RST_PENDING;
    }
    if let Some(error) = error.as_mut() {
        *error = told.raw();
    }
    -told.code
}

fn invalid(text: &str) -> Error {
    Error::new(RST_E_INVALID, text)
}

/// A struct of the host's that is at least as long as this draft's (V3). When one of sys.rs grows, what is asked for here
/// must not: hosts with an older header have less.
unsafe fn whole<'a, T>(given: *const T, what: &str) -> Result<&'a T> {
    // Its first field, in every struct that may be of another size.
    if given.is_null() || (*given.cast::<u32>() as usize) < size_of::<T>() {
        return Err(invalid(&format!("{what} is too small")));
    }
    Ok(&*given)
}

/// 0 where the struct is too small to have one.
unsafe fn op_of<T>(given: *const T, op: fn(&T) -> u64) -> u64 {
    whole(given, "").map_or(0, op)
}

unsafe fn instance<'a, B>(instance: *mut c_void) -> &'a Instance<B> {
    &*instance.cast::<Instance<B>>()
}

fn answered(answer: Answer) -> i32 {
    match answer {
        Answer::Done => RST_DONE,
        Answer::Pending => RST_PENDING,
    }
}

unsafe extern "C" fn validate<B: Broker>(
    scope: u32,
    spec: *const c_void,
    plan: *mut rst_plan,
    report: *const rst_report,
    error: *mut rst_error,
) -> i32 {
    guard(error, || {
        if !report.is_null() {
            whole(report, "rst_report")?;
        }
        let mut report = Report::new(report);
        let mut made = Plan::default();
        let spec = match scope {
            RST_SCOPE_CONNECTION => Spec::Connection(ConnectionSpec(&*spec.cast(), B::OPTIONS)),
            RST_SCOPE_SUBSCRIPTION => Spec::Subscription(SubscriptionSpec(&*spec.cast(), B::OPTIONS)),
            RST_SCOPE_PUBLISHER => Spec::Publisher(PublisherSpec(&*spec.cast(), B::OPTIONS)),
            RST_SCOPE_MESSAGE | RST_SCOPE_ADMIN | RST_SCOPE_TX => {
                let spec = whole(spec.cast::<rst_options_spec>(), "rst_options_spec")?;
                if spec.kind as usize >= B::KINDS.len() {
                    report.issue(invalid(&format!("kind {} does not exist", spec.kind)));
                }
                let given = Options { declared: B::OPTIONS, given: slice(spec.options, spec.option_count as usize) };
                options::check(given, scope, Some(spec.kind), &mut report);
                return report.result().map(|()| RST_DONE);
            }
            _ => return Err(Error::new(RST_E_UNSUPPORTED, format!("scope {scope} is not known"))),
        };
        if spec::check(&spec, B::KINDS, &mut made, &mut report) {
            B::validate(&spec, &mut made, &mut report);
        }
        if !plan.is_null() {
            whole(plan, "rst_plan")?;
            write_plan(&made, &mut *plan);
        }
        report.result().map(|()| RST_DONE)
    })
}

unsafe fn write_plan(plan: &Plan, out: &mut rst_plan) {
    out.flags = plan.flags;
    out.ack_deadline_ns = plan.ack_deadline.as_nanos() as u64;
    out.max_payload = plan.max_payload;
    out.max_delay_ns = 0;
    out.max_unsettled = plan.max_unsettled;
    out.max_batch = plan.max_batch;
    out.default_window = plan.default_window;
    out.cap_count = plan.caps.len() as u32;
    if !out.caps.is_null() {
        let count = plan.caps.len().min(out.cap_capacity as usize);
        std::ptr::copy_nonoverlapping(plan.caps.as_ptr(), out.caps, count);
    }
}

unsafe extern "C" fn init<B: Broker>(
    host: *const rst_host,
    args: *const rst_init_args,
    out: *mut *mut c_void,
    error: *mut rst_error,
) -> i32 {
    guard(error, || {
        whole(host, "the host's table")?;
        let args = whole(args, "rst_init_args")?;
        if args.flags != 0 {
            return Err(Error::new(RST_E_UNSUPPORTED, format!("init has unknown flags: {}", args.flags)));
        }
        let made = Instance { shared: Shared::new(Host::new(host)), broker: B::new()? };
        *out = Box::into_raw(Box::new(made)).cast();
        Ok(RST_DONE)
    })
}

unsafe extern "C" fn deinit<B: Broker>(raw: *mut c_void, error: *mut rst_error) -> i32 {
    guard(error, || {
        if instance::<B>(raw).shared.live() != 0 {
            return Err(Error::new(RST_E_STATE, "connections are open; close them and await the completions first"));
        }
        let ended = Box::from_raw(raw.cast::<Instance<B>>());
        ended.shared.join();
        Ok(RST_DONE)
    })
}

fn checked<B: Broker>(spec: &Spec) -> Result<()> {
    // SAFETY: NULL: only the first problem is wanted.
    let mut report = unsafe { Report::new(std::ptr::null()) };
    let mut plan = Plan::default();
    if spec::check(spec, B::KINDS, &mut plan, &mut report) {
        B::validate(spec, &mut plan, &mut report);
    }
    report.result()
}

fn with_op(op: u64) -> Result<u64> {
    if op == 0 {
        Err(invalid("this plugin opens only with an operation: op is 0"))
    } else {
        Ok(op)
    }
}

unsafe extern "C" fn connect<B: Broker>(
    raw: *mut c_void,
    spec: *const rst_connection_spec,
    _: *mut u64,
    error: *mut rst_error,
) -> i32 {
    guard_op(op_of(spec, |spec| spec.op), error, || {
        let spec = Spec::Connection(ConnectionSpec(&*spec, B::OPTIONS));
        checked::<B>(&spec)?;
        if let Spec::Connection(spec) = spec {
            let instance = instance::<B>(raw);
            let op = with_op(spec.0.op)?;
            let life = Life::new(&instance.shared, spec.0.id, RST_EVENT_CONN_FAILED, None, None);
            instance.broker.connect(Opening::new(life, op), &spec);
        }
        Ok(RST_PENDING)
    })
}

fn connection<B>(instance: &Instance<B>, handle: u64) -> Result<(Arc<dyn Connection>, Arc<Life>)> {
    match instance.shared.find(handle, false)? {
        (Object::Connection(found), life) => Ok((found, life)),
        _ => Err(other_type(handle)),
    }
}

fn subscription<B>(instance: &Instance<B>, handle: u64) -> Result<(Arc<dyn Subscription>, Arc<Life>)> {
    match instance.shared.find(handle, true)? {
        (Object::Subscription(found), life) => Ok((found, life)),
        _ => Err(other_type(handle)),
    }
}

fn publisher<B>(instance: &Instance<B>, handle: u64) -> Result<(Arc<dyn Publisher>, Arc<Life>)> {
    match instance.shared.find(handle, false)? {
        (Object::Publisher(found), life) => Ok((found, life)),
        _ => Err(other_type(handle)),
    }
}

fn other_type(handle: u64) -> Error {
    Error::new(RST_E_STALE, format!("handle {handle} is of another type"))
}

unsafe extern "C" fn subscribe<B: Broker>(
    raw: *mut c_void,
    on: u64,
    spec: *const rst_subscription_spec,
    _: *mut u64,
    error: *mut rst_error,
) -> i32 {
    guard_op(op_of(spec, |spec| spec.op), error, || {
        let instance = instance::<B>(raw);
        let (parent, life) = connection(instance, on)?;
        let spec = Spec::Subscription(SubscriptionSpec(&*spec, B::OPTIONS));
        checked::<B>(&spec)?;
        if let Spec::Subscription(spec) = spec {
            let (op, kind) = (with_op(spec.0.op)?, &B::KINDS[spec.kind()]);
            let life = Life::new(&instance.shared, spec.0.id, RST_EVENT_SUB_ENDED, Some(kind), Some(life));
            parent.subscribe(Opening::new(life, op), &spec);
        }
        Ok(RST_PENDING)
    })
}

unsafe extern "C" fn open_publisher<B: Broker>(
    raw: *mut c_void,
    on: u64,
    spec: *const rst_publisher_spec,
    out: *mut u64,
    error: *mut rst_error,
) -> i32 {
    guard(error, || {
        let instance = instance::<B>(raw);
        let (parent, life) = connection(instance, on)?;
        let spec = Spec::Publisher(PublisherSpec(&*spec, B::OPTIONS));
        checked::<B>(&spec)?;
        if let Spec::Publisher(spec) = spec {
            let kind = &B::KINDS[spec.kind()];
            let life = Life::new(&instance.shared, spec.0.id, RST_EVENT_PUB_ENDED, Some(kind), Some(life));
            let made = parent.open_publisher(Arc::clone(&life), &spec)?;
            *out = instance.shared.show(Object::Publisher(made), &life)?;
        }
        Ok(RST_DONE)
    })
}

unsafe extern "C" fn close<B: Broker>(
    raw: *mut c_void,
    handle: u64,
    flags: u32,
    timeout_ns: u64,
    op: u64,
    error: *mut rst_error,
) -> i32 {
    guard_op(op, error, || {
        if flags & !RST_CLOSE_ABORT != 0 {
            return Err(Error::new(RST_E_UNSUPPORTED, format!("close has unknown flags: {flags}")));
        }
        let timeout = Duration::from_nanos(timeout_ns);
        instance::<B>(raw).shared.close(handle, flags & RST_CLOSE_ABORT != 0, timeout, op)
    })
}

unsafe extern "C" fn credit<B: Broker>(raw: *mut c_void, call: *const rst_credit, error: *mut rst_error) -> i32 {
    guard_op(op_of(call, |call| call.op), error, || {
        let call = whole(call, "rst_credit")?;
        let instance = instance::<B>(raw);
        let (found, _life) = subscription(instance, call.subscription)?;
        match call.flags {
            RST_CREDIT_ADD => found.credit(call.messages, call.bytes),
            RST_CREDIT_DRAIN => {
                found.drain(Completion::new(instance.shared.host, call.op));
                return Ok(if call.op == 0 { RST_DONE } else { RST_PENDING });
            }
            flags => {
                let text = format!("credit is either added or drained, its flags are {flags}");
                return Err(Error::new(RST_E_UNSUPPORTED, text));
            }
        }
        Ok(RST_DONE)
    })
}

unsafe extern "C" fn settle<B: Broker>(raw: *mut c_void, call: *const rst_settle, error: *mut rst_error) -> i32 {
    guard_op(op_of(call, |call| call.op), error, || {
        let call = whole(call, "rst_settle")?;
        if (call.stride as usize) < size_of::<rst_settlement>() {
            return Err(invalid("the stride of rst_settle is too small"));
        }
        let instance = instance::<B>(raw);
        let (found, life) = subscription(instance, call.subscription)?;
        let kind = life.kind();
        let confirm = if kind.can(RST_CAP_SETTLE_CONFIRM) { RST_SETTLE_CONFIRM } else { 0 };
        if call.flags & !confirm != 0 || call.tx != 0 {
            let text = "confirmed or transactional settlement at this kind, or an unknown flag";
            return Err(Error::new(RST_E_UNSUPPORTED, text));
        }
        found.settle(Settle { call, kind, host: instance.shared.host }).map(answered)
    })
}

unsafe extern "C" fn publish<B: Broker>(raw: *mut c_void, call: *mut rst_publish, error: *mut rst_error) -> i32 {
    guard_op(op_of(call, |call| call.op), error, || {
        whole(call, "rst_publish")?;
        let call = &mut *call;
        if (call.stride as usize) < size_of::<rst_out_message>() {
            return Err(invalid("the stride of rst_publish is too small"));
        }
        call.accepted = 0;
        let (found, life) = publisher(instance::<B>(raw), call.publisher)?;
        let kind = life.kind();
        let confirm = if kind.can(RST_CAP_PUBLISH_CONFIRM) { RST_PUBLISH_CONFIRM } else { 0 };
        if call.flags & !confirm != 0 || call.tx != 0 {
            let text = "confirmed or transactional publishing at this kind, or an unknown flag";
            return Err(Error::new(RST_E_UNSUPPORTED, text));
        }
        found.publish(Publish { call, kind, life: &life }).map(answered)
    })
}

unsafe extern "C" fn flush<B: Broker>(
    raw: *mut c_void,
    handle: u64,
    timeout_ns: u64,
    op: u64,
    error: *mut rst_error,
) -> i32 {
    guard_op(op, error, || {
        let instance = instance::<B>(raw);
        let (found, _life) = instance.shared.find(handle, false)?;
        let timeout = (timeout_ns != 0).then(|| Duration::from_nanos(timeout_ns));
        let completion = || Completion::new(instance.shared.host, op);
        match found {
            Object::Connection(found) => found.flush(timeout, completion()),
            Object::Publisher(found) => found.flush(timeout, completion()),
            Object::Subscription(_) => {
                return Err(Error::new(RST_E_UNSUPPORTED, "a subscription cannot be flushed"));
            }
        }
        Ok(if op == 0 { RST_DONE } else { RST_PENDING })
    })
}
