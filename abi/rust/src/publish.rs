//! The verb publish: what it asks for, checked against the kind, and what is owed for what was accepted.
use crate::declare::Kind;
use crate::error::{status, Error};
use crate::headers::{carries, pairs};
use crate::host::{slice, Completion, Event};
use crate::objects::{Answer, Life};
use crate::sys::*;
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

/// One outgoing message that the kind can carry as it is. Borrowed for the call.
pub struct Outgoing<'a> {
    /// Empty = the publisher's.
    pub destination: &'a [u8],
    pub payload: &'a [u8],
    pub mandatory: bool,
    headers: &'a [rst_header],
}

impl<'a> Outgoing<'a> {
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> {
        pairs(self.headers)
    }
}

/// An array of messages on one publisher.
pub struct Publish<'a> {
    pub(crate) call: &'a mut rst_publish,
    pub(crate) kind: &'static Kind,
    pub(crate) life: &'a Arc<Life>,
}

impl<'a> Publish<'a> {
    pub fn len(&self) -> usize {
        self.call.count as usize
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn timeout(&self) -> Option<Duration> {
        (self.call.timeout_ns != 0).then(|| Duration::from_nanos(self.call.timeout_ns))
    }

    /// One of them; the status of one that the kind cannot carry (P3, V2).
    pub fn message(&self, index: usize) -> Result<Outgoing<'a>, i32> {
        assert!(index < self.len());
        // SAFETY: the host's array, of `count` messages `stride` bytes apart, lent for the call.
        let message: &'a rst_out_message =
            unsafe { &*self.call.messages.cast::<u8>().add(index * self.call.stride as usize).cast() };
        // SAFETY: as above.
        let (destination, payload, headers) = unsafe {
            (
                slice(message.destination.cast(), message.destination_len as usize),
                slice(message.payload, message.payload_len as usize),
                slice(message.headers, usize::from(message.header_count)),
            )
        };
        self.check(message, headers).map_err(|code| -code)?;
        Ok(Outgoing { destination, payload, headers, mandatory: message.flags & RST_OUT_MANDATORY != 0 })
    }

    fn check(&self, message: &rst_out_message, headers: &[rst_header]) -> Result<(), i32> {
        let exceeds = |size: u64, cap| size != 0 && self.kind.limit(cap).map_or(false, |most| most != 0 && size > most);
        if exceeds(message.payload_len, RST_CAP_MAX_PAYLOAD) || exceeds(headers.len() as u64, RST_CAP_MAX_HEADERS) {
            return Err(RST_E_TOO_LARGE);
        }
        let flagged = message.flags != 0 && (message.flags != RST_OUT_MANDATORY || !self.kind.can(RST_CAP_UNROUTED));
        let payloads = || self.kind.limit(RST_CAP_PAYLOAD).unwrap_or(RST_PAYLOAD_EMPTY);
        let empty = message.payload_len == 0 && payloads() & RST_PAYLOAD_EMPTY == 0;
        if flagged || empty || !message.key.is_null() || !carries(self.kind, headers) {
            return Err(RST_E_UNSUPPORTED); // keys, tombstones and retained messages are not in this SDK
        }
        // SAFETY: NULL or lent for the call.
        match unsafe { message.props.as_ref() } {
            None => Ok(()),
            Some(props) if (props.struct_size as usize) < size_of::<rst_out_props>() => Err(RST_E_INVALID),
            Some(props) if props.option_count != 0 => Err(RST_E_OPTION),
            Some(props) => {
                let lengths =
                    props.reply_to_len | props.correlation_len | props.message_id_len | props.content_type_len;
                let times = props.ttl_ns | props.delay_ns | props.timestamp_ns as u64;
                if lengths == 0 && times == 0 && props.priority < 0 && props.partition < 0 {
                    Ok(())
                } else {
                    Err(RST_E_UNSUPPORTED) // rather than lose it
                }
            }
        }
    }

    /// What the verb returns when it has accepted some.
    pub fn answer(&self) -> Answer {
        if self.call.op == 0 {
            Answer::Done
        } else {
            Answer::Pending
        }
    }

    /// Takes the first `count` messages on (P4). The statuses of some may be `known` already: index and status. The others'
    /// are the receipt's business.
    pub fn accept(self, count: usize, known: impl IntoIterator<Item = (usize, i32)>) -> Receipt {
        assert!(count <= self.len());
        self.call.accepted = count as u32;
        let mut receipt = Receipt {
            statuses: Statuses(self.call.statuses),
            count,
            open: count,
            failed: 0,
            last: LOST,
            silent: self.call.op == 0,
            told: Completion::new(self.life.host(), self.call.op),
            life: Arc::clone(self.life),
        };
        if !self.call.statuses.is_null() {
            // What is never told is LOST: the thread died. Where nobody waits, what fails behind the return is an event.
            let begin = if receipt.silent { RST_OK } else { LOST };
            // SAFETY: the host's array of as many as there are messages.
            (0..count).for_each(|index| unsafe { *self.call.statuses.add(index) = begin });
        }
        for (index, status) in known {
            receipt.set(index, status);
        }
        if receipt.silent {
            let untold = std::mem::replace(&mut receipt.statuses.0, std::ptr::null_mut()).is_null();
            receipt.failed = if untold { receipt.failed } else { 0 };
        }
        receipt
    }
}

const LOST: i32 = status(RST_E_INTERNAL, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED);

struct Statuses(*mut i32);
// SAFETY: the host lends them until the completion, and the receipt alone writes them.
unsafe impl Send for Statuses {}

/// The statuses of accepted messages, and their completion. Goes to the thread that learns them. Dropped by one that died,
/// what it owed ends as INTERNAL. It keeps the publisher's close back until then.
pub struct Receipt {
    statuses: Statuses, // NULL where they are told otherwise, or not at all
    count: usize,
    open: usize, // whose status is not known yet
    failed: u64,
    last: i32,    // status of one that failed
    silent: bool, // nobody waits: what fails is PUB_FAILED
    told: Completion,
    life: Arc<Life>, // dropped last: the close completes behind the publish
}

impl Receipt {
    /// Once for each message that was not known when it was accepted.
    pub fn set(&mut self, index: usize, status: i32) {
        assert!(index < self.count);
        self.open = self.open.saturating_sub(1);
        if status < 0 {
            self.failed += 1;
            self.last = status;
        }
        if !self.statuses.0.is_null() {
            // SAFETY: within the array, which is lent until `told` ends.
            unsafe { *self.statuses.0.add(index) = status };
        }
    }

    pub fn end(mut self) {
        self.open = 0;
        let told = Completion::new(self.life.host(), 0);
        std::mem::replace(&mut self.told, told).end(Ok(0));
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let failed = self.failed + self.open as u64;
        if self.silent && failed != 0 {
            let error = Error::of(self.last, "messages could not be published; their publisher did not wait for them");
            let event = Event { value: failed, error: Some(&error), ..Event::default() };
            self.life.event(RST_EVENT_PUB_FAILED, event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::{cap, Capability};
    use crate::host::Host;

    #[test]
    fn what_a_kind_does_not_declare_of_a_message_is_refused() {
        const LIMITS: &[Capability] = &[
            cap(RST_CAP_HEADERS).limit(RST_HEADERS_DUPLICATES),
            cap(RST_CAP_MAX_HEADERS).limit(2),
            cap(RST_CAP_PAYLOAD).limit(RST_PAYLOAD_BYTES),
            cap(RST_CAP_MAX_PAYLOAD).limit(4),
        ];
        static NARROW: Kind = Kind::new("narrow", "carries little", RST_ROLE_PUBLISHER, LIMITS);
        static BARE: Kind = Kind::new("bare", "carries payloads alone", RST_ROLE_PUBLISHER, &[]);
        type Edit = fn(&mut rst_out_message, &mut rst_out_props, &mut rst_header);
        let cases: [(&str, &Kind, Edit, i32); 13] = [
            ("as it is", &NARROW, |_, _, _| (), RST_OK),
            ("a header", &BARE, |_, _, _| (), -RST_E_UNSUPPORTED),
            ("nothing", &BARE, |message, _, _| (message.header_count, message.payload_len) = (0, 0), RST_OK),
            ("an empty payload", &NARROW, |message, _, _| message.payload_len = 0, -RST_E_UNSUPPORTED),
            ("a long payload", &NARROW, |message, _, _| message.payload_len = 5, -RST_E_TOO_LARGE),
            ("many headers", &NARROW, |message, _, _| message.header_count = 3, -RST_E_TOO_LARGE),
            ("an empty value", &NARROW, |_, _, header| header.value_len = 0, -RST_E_UNSUPPORTED),
            ("an odd value", &NARROW, |_, _, header| header.value = b"late\n"[1..].as_ptr(), -RST_E_UNSUPPORTED),
            ("no name", &NARROW, |_, _, header| header.name_len = 0, -RST_E_UNSUPPORTED),
            ("a typed value", &NARROW, |_, _, header| header.r#type = RST_HEADER_NATIVE, -RST_E_UNSUPPORTED),
            ("a tombstone", &NARROW, |message, _, _| message.flags = RST_OUT_NULL_PAYLOAD, -RST_E_UNSUPPORTED),
            ("a time", &NARROW, |_, props, _| props.timestamp_ns = 1, -RST_E_UNSUPPORTED),
            ("an option", &NARROW, |_, props, _| props.option_count = 1, -RST_E_OPTION),
        ];
        // SAFETY: of integers and pointers alone; the host is not called.
        let host = unsafe { Host::new(std::ptr::null()) };
        let shared = crate::objects::Shared::new(host);
        for (what, kind, edit, status) in cases {
            let (mut message, mut props, mut call): (rst_out_message, rst_out_props, rst_publish) =
                unsafe { std::mem::zeroed() };
            let (name, value) = (b"why".as_ptr().cast(), b"late".as_ptr());
            let mut header = rst_header { name, value, value_len: 4, name_len: 3, r#type: RST_HEADER_BYTES, flags: 0 };
            (props.struct_size, props.priority, props.partition) = (size_of::<rst_out_props>() as u32, -1, -1);
            (message.payload, message.payload_len, message.header_count) = (value, 4, 1);
            edit(&mut message, &mut props, &mut header);
            let headers = [header; 3];
            (message.headers, message.props) = (headers.as_ptr(), &props);
            (call.messages, call.count, call.stride) = (&message, 1, size_of::<rst_out_message>() as u32);
            let life = Life::new(&shared, 1, RST_EVENT_PUB_ENDED, None, None);
            let said = Publish { call: &mut call, kind, life: &life }.message(0).err().unwrap_or(RST_OK);
            assert_eq!(said, status, "{what}");
        }
    }
}
