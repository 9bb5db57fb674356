//! What the host offers, and what is owed to it.
use crate::error::{Error, Result};
use crate::sys::*;
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// The host of one instance. Its calls never block, and are legal from any thread and inside verbs (H2, H5).
#[derive(Clone, Copy)]
pub struct Host(*const rst_host);

// SAFETY: the table outlives the instance, whose threads are joined before deinit returns, and its functions are
// any-thread.
unsafe impl Send for Host {}
unsafe impl Sync for Host {}

/// Whom an event or a log line is about: the host's ids, 0 = none.
#[derive(Clone, Copy, Default)]
pub struct About {
    pub connection: u64,
    pub subject: u64,
}

/// What happens without being asked for (RST_EVENT_).
#[derive(Clone, Copy, Default)]
pub struct Event<'a> {
    pub value: u64,
    pub error: Option<&'a Error>,
    pub text: &'a str,
}

impl Host {
    /// # Safety
    /// The table is the one that init was given.
    pub(crate) unsafe fn new(table: *const rst_host) -> Self {
        Host(table)
    }

    fn table(&self) -> &rst_host {
        // SAFETY: see Send.
        unsafe { &*self.0 }
    }

    pub fn event(&self, kind: u32, about: About, event: Event) {
        let error = event.error.map(Error::raw);
        let raw = rst_event {
            struct_size: std::mem::size_of::<rst_event>() as u32,
            kind,
            connection: about.connection,
            subject: about.subject,
            answer: 0,
            value: event.value,
            deadline_ns: 0,
            error: error.as_ref().map_or(ptr::null(), |error| error),
            partitions: ptr::null(),
            partition_count: 0,
            flags: 0,
            caps: ptr::null(),
            cap_count: 0,
            reserved0: 0,
            text: text(event.text),
            reserved1: [0; 3],
        };
        // SAFETY: borrowed for the call only.
        unsafe { (self.table().event)(self.0, &raw) }
    }

    /// Logs what `line` says, if lines of that level are wanted. Never a secret (O2).
    pub fn log(&self, level: u32, about: About, line: impl FnOnce() -> String) {
        // SAFETY: as long as the table; the host writes it atomically.
        let wanted = unsafe { &*self.table().log_level.cast::<AtomicU32>() };
        if level > wanted.load(Ordering::Relaxed) {
            return;
        }
        let line = line();
        let raw = rst_log {
            struct_size: std::mem::size_of::<rst_log>() as u32,
            level,
            connection: about.connection,
            subject: about.subject,
            code: 0,
            line: 0,
            target: text("plugin"),
            text: text(&line),
        };
        // SAFETY: borrowed for the call only.
        unsafe { (self.table().log)(self.0, &raw) }
    }

    /// # Safety
    /// The batch is whole, and the host's from now on unless this is an error.
    pub(crate) unsafe fn deliver(&self, batch: *mut rst_batch) -> i32 {
        (self.table().deliver)(self.0, batch)
    }

    fn complete(&self, op: u64, status: i32, value: u64, error: Option<&Error>) {
        let error = error.map(Error::raw);
        let raw =
            rst_completion { op, status, flags: 0, value, error: error.as_ref().map_or(ptr::null(), |error| error) };
        // SAFETY: borrowed for the call only.
        unsafe { (self.table().complete)(self.0, &raw, 1, std::mem::size_of::<rst_completion>() as u32) }
    }
}

/// A pending operation, owed exactly one end (C1). Dropped by a thread that died, it ends as INTERNAL: nothing that is
/// owed is ever forgotten.
pub struct Completion {
    host: Host,
    op: u64,
}

thread_local! {
    /// The last operation for which this thread, in a verb, made a Completion.
    static OWED: Cell<u64> = const { Cell::new(0) };
}

/// Whether the verb that runs on this thread has made the Completion of its operation: whoever has it ends it, so the verb
/// says PENDING, also when it fails or panics behind that.
pub(crate) fn is_owed(op: u64) -> bool {
    op != 0 && OWED.with(Cell::get) == op
}

impl Completion {
    pub(crate) fn new(host: Host, op: u64) -> Self {
        if op != 0 {
            OWED.with(|owed| owed.set(op));
        }
        Completion { host, op }
    }

    pub fn end(mut self, result: Result<u64>) {
        let op = std::mem::take(&mut self.op);
        match result {
            _ if op == 0 => {}
            Ok(value) => self.host.complete(op, RST_OK, value, None),
            Err(error) => self.host.complete(op, error.status(), 0, Some(&error)),
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if self.op != 0 {
            let op = std::mem::take(&mut self.op);
            Completion { host: self.host, op }.end(Err(Error::new(RST_E_INTERNAL, "the thread that owed this ended")));
        }
    }
}

pub const fn text(text: &str) -> rst_str {
    rst_str { ptr: text.as_ptr() as *const _, len: text.len() as u64 }
}

/// What the host lends. Empty where it is NULL.
///
/// # Safety
/// The memory is readable for as long as the result is used.
pub(crate) unsafe fn slice<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() || count == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(start, count)
    }
}

/// # Safety
/// As for `slice`.
pub(crate) unsafe fn bytes<'a>(text: rst_str) -> &'a [u8] {
    slice(text.ptr.cast(), text.len as usize)
}
