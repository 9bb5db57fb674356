//! The two verbs on the path of messages: what a settle and a publish ask for, checked against the kind.
use crate::declare::{Kind, Opt};
use crate::host::{bytes, slice, Completion, Event, Host};
use crate::objects::{Answer, Life};
use crate::sys::*;
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Ack,
    Retry,
    Release,
    Reject,
    Extend,
}

/// Names and values.
fn pairs(headers: &[rst_header]) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
    // SAFETY: lent for the call, as the slice is.
    headers.iter().map(|each| unsafe {
        (slice(each.name.cast(), usize::from(each.name_len)), slice(each.value, each.value_len as usize))
    })
}

/// Whether a kind carries them as they are (P3): text or bytes, empty ones where it says so.
fn carries(kind: &Kind, headers: &[rst_header]) -> bool {
    let empty = kind.limit(RST_CAP_HEADERS).map(|profile| profile & RST_HEADERS_EMPTY != 0);
    headers.iter().all(|each| {
        each.r#type < RST_HEADER_NULL && each.flags == 0 && empty.map_or(false, |empty| empty || each.value_len != 0)
    })
}

/// One settlement that the kind declares.
pub struct Item<'a> {
    pub token: u64,
    pub verdict: Verdict,
    pub delay: Duration,
    pub dead_letter: &'a [u8],
    pub reason: &'a [u8],
    headers: &'a [rst_header],
}

impl<'a> Item<'a> {
    /// What a dead letter has besides its own; only kinds with RST_CAP_REJECT_TO are asked for any.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> {
        pairs(self.headers)
    }
}

/// An array of verdicts for one subscription.
pub struct Settle<'a> {
    pub(crate) call: &'a rst_settle,
    pub(crate) kind: &'static Kind,
    pub(crate) host: Host,
}

impl<'a> Settle<'a> {
    /// The completion is owed when the broker has the settlements, not when they are handed over.
    pub fn confirm(&self) -> bool {
        self.call.flags & RST_SETTLE_CONFIRM != 0
    }
    pub fn timeout(&self) -> Option<Duration> {
        (self.call.timeout_ns != 0).then(|| Duration::from_nanos(self.call.timeout_ns))
    }
    /// Take it once, where `confirm`, and return PENDING.
    pub fn completion(&self) -> Completion {
        Completion::new(self.host, self.call.op)
    }
    /// Gives each item the status that `act` says, or that it is not of this kind.
    pub fn each(&self, mut act: impl FnMut(Item<'a>) -> i32) {
        for index in 0..self.call.count as usize {
            // SAFETY: the host's array, of `count` items `stride` bytes apart, lent for the call and ours to write in.
            let item = unsafe {
                &mut *self.call.items.cast::<u8>().add(index * self.call.stride as usize).cast::<rst_settlement>()
            };
            item.status = self.check(item).map_or_else(|code| -code, &mut act);
        }
    }

    fn check(&self, item: &rst_settlement) -> Result<Item<'a>, i32> {
        use Verdict::*;
        let (verdict, cap) = match item.verdict {
            RST_VERDICT_ACK => (Ack, RST_CAP_SETTLE),
            RST_VERDICT_RETRY => (Retry, RST_CAP_RETRY),
            RST_VERDICT_RELEASE => (Release, RST_CAP_RELEASE),
            RST_VERDICT_REJECT => (Reject, RST_CAP_REJECT),
            RST_VERDICT_EXTEND => (Extend, RST_CAP_EXTEND),
            _ => return Err(RST_E_UNSUPPORTED),
        };
        let longest = self.kind.limit(RST_CAP_RETRY_AFTER).map_or(0, |limit| if limit == 0 { u64::MAX } else { limit });
        if item.flags != 0 || !self.kind.can(cap) || item.delay_ns > longest {
            return Err(RST_E_UNSUPPORTED);
        }
        // SAFETY: NULL or lent for the call.
        let detail = unsafe { item.detail.as_ref() };
        if detail.map_or(false, |detail| (detail.struct_size as usize) < size_of::<rst_settle_detail>()) {
            return Err(RST_E_INVALID);
        }
        // SAFETY: as above.
        let text = |pick: fn(&rst_settle_detail) -> rst_str| detail.map_or(&[][..], |of| unsafe { bytes(pick(of)) });
        let item = Item {
            token: item.token,
            verdict,
            delay: Duration::from_nanos(item.delay_ns),
            dead_letter: text(|detail| detail.dead_letter),
            reason: text(|detail| detail.reason),
            // SAFETY: as above.
            headers: detail.map_or(&[][..], |of| unsafe { slice(of.headers, of.header_count as usize) }),
        };
        let adds = verdict == Reject && !item.headers.is_empty();
        let moves = adds || !item.dead_letter.is_empty();
        if moves && !self.kind.can(RST_CAP_REJECT_TO) || adds && !carries(self.kind, item.headers) {
            Err(RST_E_UNSUPPORTED) // rather than lose them
        } else {
            Ok(item)
        }
    }
}

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
    pub(crate) declared: &'static [Opt],
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
        let can = |cap| self.kind.can(cap);
        let flags = if can(RST_CAP_UNROUTED) { RST_OUT_MANDATORY } else { 0 };
        if message.payload_len > self.kind.limit(RST_CAP_MAX_PAYLOAD).unwrap_or(u64::MAX) {
            return Err(RST_E_TOO_LARGE);
        }
        if message.flags & !flags != 0 || !message.key.is_null() || !carries(self.kind, headers) {
            return Err(RST_E_UNSUPPORTED); // keys, tombstones and retained messages are not in this SDK
        }
        // SAFETY: NULL or lent for the call.
        match unsafe { message.props.as_ref() } {
            None => Ok(()),
            Some(props) if (props.struct_size as usize) < size_of::<rst_out_props>() => Err(RST_E_INVALID),
            Some(props)
                if props.option_count != 0 && self.declared.iter().all(|opt| opt.0.scopes & RST_SCOPE_MESSAGE == 0) =>
            {
                Err(RST_E_OPTION)
            }
            Some(props) => {
                let lengths =
                    props.reply_to_len | props.correlation_len | props.message_id_len | props.content_type_len;
                let nothing =
                    lengths == 0 && props.ttl_ns | props.delay_ns == 0 && props.priority < 0 && props.partition < 0;
                if nothing {
                    Ok(())
                } else {
                    Err(RST_E_UNSUPPORTED)
                } // rather than lose it
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

    /// Takes the first `count` messages on (P4). Their statuses are then the receipt's business.
    pub fn accept(&mut self, count: usize) -> Receipt {
        self.call.accepted = count as u32;
        let waits = self.call.op != 0 && !self.call.statuses.is_null();
        let statuses = if self.call.statuses.is_null() { 0 } else { count };
        for index in 0..statuses {
            // SAFETY: the host's array of as many as there are messages. What nobody ends is INTERNAL: the thread died.
            unsafe { *self.call.statuses.add(index) = if waits { LOST } else { RST_OK } };
        }
        Receipt {
            statuses: Statuses(self.call.statuses),
            waits,
            count,
            failed: 0,
            told: Completion::new(self.life.host(), self.call.op),
            life: Arc::clone(self.life),
            silent: self.call.op == 0,
        }
    }
}

const LOST: i32 = crate::error::status(RST_E_INTERNAL, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED);

struct Statuses(*mut i32);
// SAFETY: the host lends them until the completion, and the receipt alone writes them.
unsafe impl Send for Statuses {}

/// The statuses of accepted messages, and their completion. Goes to the thread that learns them. Dropped by one that died,
/// what it owed ends as INTERNAL. It keeps the publisher's close back until then.
pub struct Receipt {
    statuses: Statuses,
    waits: bool,
    count: usize,
    failed: u64,
    silent: bool, // nobody waits: what fails is PUB_FAILED
    told: Completion,
    life: Arc<Life>, // dropped last: the close completes behind the publish
}

impl Receipt {
    pub fn set(&mut self, index: usize, status: i32) {
        assert!(index < self.count);
        self.failed += u64::from(status < 0);
        if self.waits {
            // SAFETY: within the array, which is lent until `told` ends.
            unsafe { *self.statuses.0.add(index) = status };
        }
    }

    /// As set, while the verb has not returned: also where nobody waits.
    pub fn refuse(&mut self, index: usize, status: i32) {
        assert!(index < self.count);
        if !self.statuses.0.is_null() {
            // SAFETY: within the array, in the verb.
            unsafe { *self.statuses.0.add(index) = status };
        }
        self.failed += u64::from(self.statuses.0.is_null());
    }

    pub fn life(&self) -> &Arc<Life> {
        &self.life
    }

    pub fn end(self) {
        if self.silent && self.failed != 0 {
            let event = Event { value: self.failed, ..Event::default() };
            self.life.host().event(RST_EVENT_PUB_FAILED, self.life.about(), event);
        }
        self.told.end(Ok(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::{cap, Capability};

    const KEEP: &[Capability] = &[cap(RST_CAP_SETTLE), cap(RST_CAP_REJECT), cap(RST_CAP_HEADERS)];
    const MOVE: &[Capability] = &[KEEP[0], KEEP[1], KEEP[2], cap(RST_CAP_REJECT_TO)];
    static KEEPS: Kind = Kind::new("keeps", "has no dead letter", RST_ROLE_SUBSCRIPTION, KEEP);
    static MOVES: Kind = Kind::new("moves", "to a dead letter", RST_ROLE_SUBSCRIPTION, MOVE);

    #[test]
    fn headers_of_a_dead_letter_reach_the_author_or_are_refused() {
        for (kind, verdict, header, status) in [
            (&MOVES, RST_VERDICT_REJECT, RST_HEADER_BYTES, RST_OK),
            (&MOVES, RST_VERDICT_REJECT, RST_HEADER_NULL, -RST_E_UNSUPPORTED),
            (&KEEPS, RST_VERDICT_REJECT, RST_HEADER_BYTES, -RST_E_UNSUPPORTED),
            (&KEEPS, RST_VERDICT_ACK, RST_HEADER_BYTES, RST_OK),
        ] {
            // SAFETY: of integers and pointers alone.
            let (mut item, mut detail, mut call): (rst_settlement, rst_settle_detail, rst_settle) =
                unsafe { std::mem::zeroed() };
            let (name, value) = (b"why".as_ptr().cast(), b"late".as_ptr());
            let header = rst_header { name, value, value_len: 4, name_len: 3, r#type: header, flags: 0 };
            detail.struct_size = size_of::<rst_settle_detail>() as u32;
            (detail.headers, detail.header_count) = (&header, 1);
            (item.token, item.verdict, item.detail) = (1, verdict, &detail);
            (call.items, call.count, call.stride) = (&mut item, 1, size_of::<rst_settlement>() as u32);
            let mut seen = Vec::new();
            // SAFETY: nothing is owed, so the host is not called.
            let host = unsafe { Host::new(std::ptr::null()) };
            Settle { call: &call, kind, host }.each(|item| {
                seen.extend(item.headers());
                RST_OK
            });
            assert_eq!(item.status, status, "{verdict} {}", kind.name());
            assert_eq!(seen.len(), usize::from(status == RST_OK));
            assert!(seen.iter().all(|pair| *pair == (&b"why"[..], &b"late"[..])));
        }
    }
}
