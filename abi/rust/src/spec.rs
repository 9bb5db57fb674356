//! What the host asks for, and what validate answers. All borrowed for the call.
use crate::declare::{Kind, Opt};
use crate::error::{Error, Result};
use crate::host::{bytes, slice, text};
use crate::options::{self, Options};
use crate::sys::*;
use std::mem::size_of;
use std::time::Duration;

pub struct ConnectionSpec<'a>(pub(crate) &'a rst_connection_spec, pub(crate) &'static [Opt]);
pub struct SubscriptionSpec<'a>(pub(crate) &'a rst_subscription_spec, pub(crate) &'static [Opt]);
pub struct PublisherSpec<'a>(pub(crate) &'a rst_publisher_spec, pub(crate) &'static [Opt]);

/// What validate is asked about.
pub enum Spec<'a> {
    Connection(ConnectionSpec<'a>),
    Subscription(SubscriptionSpec<'a>),
    Publisher(PublisherSpec<'a>),
}

/// None where the host leaves it to the plugin.
fn timeout(ns: u64) -> Option<Duration> {
    (ns != 0).then(|| Duration::from_nanos(ns))
}

// SAFETY of this file's unsafe: a spec's pointers are the host's, lent for the call, and so for 'a.
impl<'a> ConnectionSpec<'a> {
    /// A secret (O2).
    pub fn url(&self) -> &'a [u8] {
        unsafe { bytes(self.0.url) }
    }
    pub fn client_name(&self) -> &'a [u8] {
        unsafe { bytes(self.0.client_name) }
    }
    pub fn retry_initial(&self) -> bool {
        self.0.flags & RST_CONNECT_RETRY_INITIAL != 0
    }
    pub fn timeout(&self) -> Option<Duration> {
        timeout(self.0.timeout_ns)
    }
    pub fn options(&self) -> Options<'a> {
        Options { declared: self.1, given: unsafe { slice(self.0.options, self.0.option_count as usize) } }
    }
}

impl<'a> SubscriptionSpec<'a> {
    /// Its index.
    pub fn kind(&self) -> usize {
        self.0.kind as usize
    }
    pub fn addresses(&self) -> impl Iterator<Item = &'a [u8]> {
        let all = unsafe { slice(self.0.addresses, self.0.address_count as usize) };
        all.iter().map(|each| unsafe { bytes(*each) })
    }
    pub fn group(&self) -> &'a [u8] {
        unsafe { bytes(self.0.group) }
    }
    pub fn durable(&self) -> &'a [u8] {
        unsafe { bytes(self.0.durable) }
    }
    pub fn dead_letter(&self) -> &'a [u8] {
        unsafe { bytes(self.0.dead_letter) }
    }
    /// Messages and bytes to begin with.
    pub fn credit(&self) -> (u32, u64) {
        (self.0.credit_messages, self.0.credit_bytes)
    }
    /// 0 = the plugin's choice.
    pub fn max_batch(&self) -> u32 {
        self.0.max_batch
    }
    /// Most unsettled messages; 0 = the plugin's choice.
    pub fn window_messages(&self) -> u32 {
        self.0.window_messages
    }
    pub fn timeout(&self) -> Option<Duration> {
        timeout(self.0.timeout_ns)
    }
    pub fn options(&self) -> Options<'a> {
        Options { declared: self.1, given: unsafe { slice(self.0.options, self.0.option_count as usize) } }
    }
}

impl<'a> PublisherSpec<'a> {
    /// Its index.
    pub fn kind(&self) -> usize {
        self.0.kind as usize
    }
    /// Empty = each message names its own.
    pub fn destination(&self) -> &'a [u8] {
        unsafe { bytes(self.0.destination) }
    }
    pub fn options(&self) -> Options<'a> {
        Options { declared: self.1, given: unsafe { slice(self.0.options, self.0.option_count as usize) } }
    }
}

/// How a spec will behave, as far as it can be known before the connection.
#[derive(Default)]
pub struct Plan {
    /// RST_PLAN_
    pub flags: u32,
    pub ack_deadline: Duration,
    pub max_payload: u64,
    pub max_unsettled: u32,
    pub max_batch: u32,
    /// Unsettled messages that suit the kind where the user says nothing; 0 = as the host has it.
    pub default_window: u32,
    pub(crate) caps: &'static [rst_capability],
}

/// Collects problems: each goes to the host, the first is the verb's error too.
pub struct Report<'a> {
    sink: Option<&'a rst_report>,
    first: Option<Error>,
}

impl<'a> Report<'a> {
    /// # Safety
    /// NULL, or readable and whole while this lives.
    pub(crate) unsafe fn new(sink: *const rst_report) -> Self {
        Report { sink: sink.as_ref(), first: None }
    }

    pub fn issue(&mut self, error: Error) {
        let error = error.with(RST_ERROR_USER);
        if let Some(rst_report { issue: Some(tell), ctx, .. }) = self.sink {
            // SAFETY: the host's function, with its own context.
            unsafe { tell(*ctx, &error.raw()) };
        }
        self.first.get_or_insert(error);
    }

    /// One of RST_TEXT_.
    pub fn text(&mut self, key: u32, value: &str) {
        if let Some(rst_report { text: Some(tell), ctx, .. }) = self.sink {
            // SAFETY: the host's function, with its own context.
            unsafe { tell(*ctx, key, text(value)) };
        }
    }

    pub(crate) fn result(self) -> Result<()> {
        self.first.map_or(Ok(()), Err)
    }
}

/// Size, flags and options of any spec; false when it is too small to read.
fn check_head(what: &str, (size, least): (u32, usize), flags: impl Fn() -> u32, report: &mut Report) -> bool {
    if (size as usize) < least {
        let text = format!("struct_size of the {what} is {size}, at least {least} is needed");
        report.issue(Error::new(RST_E_INVALID, text));
        return false;
    }
    if flags() != 0 {
        report.issue(Error::new(RST_E_UNSUPPORTED, format!("the {what} has unknown flags: {}", flags())));
    }
    true
}

fn check_kind(kinds: &'static [Kind], index: u32, role: u32, what: &str, report: &mut Report) -> Option<&'static Kind> {
    match kinds.get(index as usize) {
        None => report.issue(Error::new(RST_E_INVALID, format!("kind {index} of the {what} does not exist"))),
        Some(kind) if kind.0.roles & role == 0 => {
            let text = format!("kind `{}` has no {what}; choose another kind", kind.name());
            report.issue(Error::new(RST_E_UNSUPPORTED, text));
        }
        Some(kind) => return Some(kind),
    }
    None
}

fn need(kind: &Kind, wanted: bool, cap: u32, what: &str, report: &mut Report) {
    if wanted && !kind.can(cap) {
        let text = format!("kind `{}` has no {what}; leave it out or choose another kind", kind.name());
        report.issue(Error::new(RST_E_UNSUPPORTED, text));
    }
}

/// The checks that every plugin shares (O1, V2, V3). Whether the author's own may follow.
pub(crate) fn check(spec: &Spec, kinds: &'static [Kind], plan: &mut Plan, report: &mut Report) -> bool {
    match spec {
        Spec::Connection(spec) => {
            let size = (spec.0.struct_size, size_of::<rst_connection_spec>());
            if !check_head("connection", size, || spec.0.flags & !RST_CONNECT_RETRY_INITIAL, report) {
                return false;
            }
            options::check(spec.options(), RST_SCOPE_CONNECTION, None, report);
        }
        Spec::Subscription(spec) => {
            let size = (spec.0.struct_size, size_of::<rst_subscription_spec>());
            if !check_head("subscription", size, || spec.0.flags, report) {
                return false;
            }
            let kind = match check_kind(kinds, spec.0.kind, RST_ROLE_SUBSCRIPTION, "subscription", report) {
                Some(kind) => kind,
                None => return false,
            };
            options::check(spec.options(), RST_SCOPE_SUBSCRIPTION, Some(spec.0.kind), report);
            plan.caps = kind.caps();
            need(kind, !spec.group().is_empty(), RST_CAP_GROUP, "groups", report);
            need(kind, spec.0.start_count != 0, RST_CAP_SEEK, "start position", report);
        }
        Spec::Publisher(spec) => {
            let size = (spec.0.struct_size, size_of::<rst_publisher_spec>());
            let known = RST_PUBLISHER_CONFIRM | RST_PUBLISHER_TRANSACTIONAL;
            if !check_head("publisher", size, || spec.0.flags & !known, report) {
                return false;
            }
            let kind = match check_kind(kinds, spec.0.kind, RST_ROLE_PUBLISHER, "publisher", report) {
                Some(kind) => kind,
                None => return false,
            };
            options::check(spec.options(), RST_SCOPE_PUBLISHER, Some(spec.0.kind), report);
            plan.caps = kind.caps();
            let flag = |flag| spec.0.flags & flag != 0;
            need(kind, flag(RST_PUBLISHER_CONFIRM), RST_CAP_PUBLISH_CONFIRM, "confirms", report);
            need(kind, flag(RST_PUBLISHER_TRANSACTIONAL), RST_CAP_TX_PUBLISH, "transactions", report);
        }
    }
    true
}
