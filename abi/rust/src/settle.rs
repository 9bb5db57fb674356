//! The verb settle: what it asks for, checked against the kind.
use crate::declare::Kind;
use crate::headers::{carries, pairs};
use crate::host::{bytes, slice, Completion, Host};
use crate::sys::*;
use std::mem::size_of;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Ack,
    Retry,
    Release,
    Reject,
    Extend,
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
    /// A completion is owed: when the broker has the settlements, not when they are handed over.
    pub fn confirm(&self) -> bool {
        self.call.flags & RST_SETTLE_CONFIRM != 0 && self.call.op != 0
    }
    pub fn timeout(&self) -> Option<Duration> {
        (self.call.timeout_ns != 0).then(|| Duration::from_nanos(self.call.timeout_ns))
    }
    /// Where `confirm`: take it, and return PENDING.
    pub fn completion(self) -> Completion {
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
        if item.delay_ns != 0 && verdict != Retry {
            return Err(RST_E_INVALID);
        }
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
