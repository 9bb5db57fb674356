//! A plugin that panics wherever it can, and a host that counts what it is owed: nothing unwinds (L1), and what a dead
//! thread owed is completed once (C1).
use ruststream_plugin::{export, sys::*, *};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

struct Odd;

struct Object(Arc<Life>);

/// A thread that takes what is owed with it.
fn die_with<T: Send + 'static>(life: &Arc<Life>, owed: T) {
    let run = move || {
        let _owed = owed;
        panic!("as it is told to");
    };
    life.spawn("rst-dies", run).unwrap();
}

impl Broker for Odd {
    const KINDS: &'static [Kind] =
        &[Kind::new("odd", "panics", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, &[cap(RST_CAP_SETTLE)])];

    fn new() -> Result<Self> {
        Ok(Odd)
    }
    fn validate(spec: &Spec, plan: &mut Plan, _: &mut Report) {
        match spec {
            Spec::Connection(spec) => assert_ne!(spec.url(), b"odd:invalid"),
            _ => plan.default_window = 7,
        }
    }
    fn connect(&self, opening: Opening<dyn Connection>, spec: &ConnectionSpec) {
        let life = Arc::clone(opening.life());
        match spec.url() {
            b"odd:panics" => panic!("in the verb"),
            b"odd:dies" => die_with(&life, opening),
            _ => life.clone().spawn("rst-opens", move || assert!(opening.done(Arc::new(Object(life))))).unwrap(),
        }
    }
}

impl Connection for Object {
    fn subscribe(self: Arc<Self>, opening: Opening<dyn Subscription>, spec: &SubscriptionSpec) {
        let life = Arc::clone(opening.life());
        if spec.addresses().next() == Some(b"dies") {
            return die_with(&life, opening);
        }
        opening.done(Arc::new(Object(life)));
    }
    fn open_publisher(self: Arc<Self>, life: Arc<Life>, _: &PublisherSpec) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(Object(life)))
    }
    fn flush(&self, _: Option<Duration>, completion: Completion) {
        die_with(&self.0, completion);
    }
}

impl Subscription for Object {
    fn credit(&self, _: u32, _: u64) {
        panic!("in the verb");
    }
    fn drain(&self, completion: Completion) {
        die_with(&self.0, completion);
    }
    fn settle(&self, _: Settle) -> Result<Answer> {
        panic!("in the verb");
    }
    fn close(&self) {
        panic!("in the verb");
    }
}

impl Publisher for Object {
    fn publish(&self, call: Publish) -> Result<Answer> {
        let (answer, count) = (call.answer(), call.len());
        assert_eq!(count, 2);
        let mut receipt = call.accept(count, []);
        receipt.set(0, RST_OK);
        die_with(&self.0, receipt);
        Ok(answer)
    }
    fn flush(&self, _: Option<Duration>, completion: Completion) {
        die_with(&self.0, completion);
        panic!("in the verb that owes nothing any more");
    }
}

static TABLE: rst_plugin =
    export::table::<Odd>(Identity { name: "org.example.odd", version: "1", vendor: "", schemes: &[] });
static COMPLETED: Mutex<Vec<(u64, i32, u64)>> = Mutex::new(Vec::new());
static EVENTS: Mutex<Vec<(u32, u64, i32)>> = Mutex::new(Vec::new());
static LOG_LEVEL: u32 = 5;

unsafe extern "C" fn deliver(_: *const rst_host, _: *mut rst_batch) -> i32 {
    -RST_E_STALE
}
unsafe extern "C" fn complete(_: *const rst_host, all: *const rst_completion, _: u32, _: u32) {
    COMPLETED.lock().unwrap().push(((*all).op, (*all).status, (*all).value));
}
unsafe extern "C" fn event(_: *const rst_host, event: *const rst_event) {
    EVENTS.lock().unwrap().push(((*event).kind, (*event).value, (*(*event).error).code));
}
unsafe extern "C" fn log(_: *const rst_host, _: *const rst_log) {}
unsafe extern "C" fn now(_: *const rst_host, _: u32) -> i64 {
    0
}
unsafe extern "C" fn get_extension(_: *const rst_host, _: rst_str) -> *const c_void {
    null()
}

fn text(text: &'static str) -> rst_str {
    export::text(text)
}

fn until(holds: impl Fn() -> bool, what: impl std::fmt::Display) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "{what} never comes");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The completion of an operation: status code and value.
fn ended(op: u64) -> (i32, u64) {
    let find = || COMPLETED.lock().unwrap().iter().copied().find(|each| each.0 == op);
    until(|| find().is_some(), op);
    let (_, status, value) = find().unwrap();
    (if status < 0 { -status & 0xFF } else { 0 }, value)
}

#[test]
fn nothing_unwinds_and_the_dead_owe_nothing() {
    let host = rst_host {
        struct_size: 128,
        abi_major: 0,
        abi_minor: 1,
        ctx: null_mut(),
        name: text("test"),
        version: text("1"),
        deliver,
        complete,
        event,
        log,
        log_level: &LOG_LEVEL,
        now,
        get_extension,
        reserved: [null(); 3],
    };
    let size = |size| size as u32;
    let (mut instance, mut error): (_, rst_error) = (null_mut(), unsafe { std::mem::zeroed() });
    let connection = |url, op| rst_connection_spec {
        struct_size: 80,
        flags: 0,
        id: op,
        url: text(url),
        client_name: text(""),
        options: null(),
        option_count: 0,
        reserved: 0,
        op,
        timeout_ns: 0,
    };
    let address = [text("here"), text("dies")];
    let subscription = |which: usize, op| rst_subscription_spec {
        struct_size: size(std::mem::size_of::<rst_subscription_spec>()),
        address_count: 1,
        addresses: &address[which],
        id: op,
        op,
        ..unsafe { std::mem::zeroed() }
    };
    // SAFETY: the test is a host; all it passes is whole and outlives the calls and completions.
    unsafe {
        let args = rst_init_args { struct_size: 8, flags: 0 };
        assert_eq!((TABLE.init.unwrap())(&host, &args, &mut instance, &mut error), RST_DONE);
        let connect = |url, op| (TABLE.connect.unwrap())(instance, &connection(url, op), null_mut(), null_mut());
        let spec = connection("odd:invalid", 0);
        let invalid = (&spec as *const rst_connection_spec).cast();
        let validated = (TABLE.validate.unwrap())(RST_SCOPE_CONNECTION, invalid, null_mut(), null(), &mut error);
        assert_eq!((validated, error.code), (-RST_E_INTERNAL, RST_E_INTERNAL));
        assert!(std::str::from_utf8(&error.text).unwrap().contains("panicked"));

        let (asked, mut plan) = (subscription(0, 0), rst_plan { struct_size: 64, ..std::mem::zeroed() });
        let asked = (&asked as *const rst_subscription_spec).cast();
        let validated = (TABLE.validate.unwrap())(RST_SCOPE_SUBSCRIPTION, asked, &mut plan, null(), null_mut());
        assert_eq!((validated, plan.default_window, plan.cap_count), (RST_DONE, 7, 1));

        // What the verb owed ended while it unwound: the completion says so, and the verb does not say it again.
        assert_eq!((connect("odd:panics", 1), connect("odd:dies", 2)), (RST_PENDING, RST_PENDING));
        assert_eq!((ended(1).0, ended(2).0, connect("odd:", 3)), (RST_E_INTERNAL, RST_E_INTERNAL, RST_PENDING));
        let (code, on) = ended(3);
        assert_eq!(code, RST_OK);

        let subscribe =
            |which, op| (TABLE.subscribe.unwrap())(instance, on, &subscription(which, op), null_mut(), null_mut());
        assert_eq!((subscribe(1, 4), ended(4).0, subscribe(0, 5)), (RST_PENDING, RST_E_INTERNAL, RST_PENDING));
        let (_, sub) = ended(5);
        let credit = |flags, op| rst_credit {
            struct_size: 40,
            flags,
            subscription: sub,
            messages: 1,
            reserved: 0,
            bytes: 1,
            op,
        };
        assert_eq!((TABLE.credit.unwrap())(instance, &credit(RST_CREDIT_ADD, 0), null_mut()), -RST_E_INTERNAL);
        assert_eq!((TABLE.credit.unwrap())(instance, &credit(RST_CREDIT_DRAIN, 6), null_mut()), RST_PENDING);
        let settle = rst_settle { struct_size: 64, stride: 32, subscription: sub, ..std::mem::zeroed() };
        assert_eq!(
            (ended(6).0, (TABLE.settle.unwrap())(instance, &settle, null_mut())),
            (RST_E_INTERNAL, -RST_E_INTERNAL)
        );

        let spec = rst_publisher_spec { struct_size: 64, id: 7, ..std::mem::zeroed() };
        let mut publisher = 0;
        assert_eq!((TABLE.open_publisher.unwrap())(instance, on, &spec, &mut publisher, null_mut()), RST_DONE);
        let (messages, mut statuses): ([rst_out_message; 2], _) = (std::mem::zeroed(), [7; 2]);
        let mut publish = rst_publish {
            struct_size: 80,
            publisher,
            op: 8,
            messages: messages.as_ptr(),
            statuses: statuses.as_mut_ptr(),
            count: 2,
            stride: 64,
            ..std::mem::zeroed()
        };
        assert_eq!((TABLE.publish.unwrap())(instance, &mut publish, null_mut()), RST_PENDING);
        assert_eq!((ended(8).0, publish.accepted), (RST_E_INTERNAL, 2));
        assert_eq!(statuses, [RST_OK, status(RST_E_INTERNAL, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED)]);
        let flush = |handle, op| (TABLE.flush.unwrap())(instance, handle, 0, op, null_mut());
        assert_eq!(
            (flush(publisher, 9), ended(9).0, flush(on, 10), ended(10).0),
            (RST_PENDING, RST_E_INTERNAL, RST_PENDING, RST_E_INTERNAL)
        );

        (publish.op, statuses) = (0, [7; 2]);
        assert_eq!((TABLE.publish.unwrap())(instance, &mut publish, null_mut()), RST_DONE);
        assert_eq!(statuses, [RST_OK; 2]);
        for (kind, value) in [
            (RST_EVENT_PUB_FAILED, 1), // that nobody waited for
            (RST_EVENT_PUB_ENDED, 0),
            (RST_EVENT_SUB_ENDED, 0),
            (RST_EVENT_CONN_FAILED, 0),
        ] {
            until(|| EVENTS.lock().unwrap().contains(&(kind, value, RST_E_INTERNAL)), kind);
        }

        // All of it lives on, until it is closed.
        assert_eq!((TABLE.deinit.unwrap())(instance, null_mut()), -RST_E_STATE);
        assert_eq!((TABLE.close.unwrap())(instance, on, 0, 0, 11, null_mut()), RST_PENDING);
        assert_eq!((ended(11), (TABLE.deinit.unwrap())(instance, null_mut())), ((RST_OK, 0), RST_DONE));
    }
    let mut twice = HashMap::new();
    COMPLETED.lock().unwrap().iter().for_each(|each| *twice.entry(each.0).or_insert(0) += 1);
    assert!(twice.values().all(|count| *count == 1), "each is completed once: {twice:?}");
}
