//! Channels: a session that is pushed what is published. What has no credit waits, up to a bound; beyond it the newest is
//! dropped and told (OVERFLOW is drop).
use crate::link::Link;
use crate::sessions::{self, Reader};
use crate::wire::{Heard, Wire};
use redis::{cmd, Value};
use ruststream_plugin::{deliver, sys::*, Completion, Credit, Delivery, Event, Life, Opening, Result};
use ruststream_plugin::{Subscription, SubscriptionSpec};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub const MAX_BATCH: usize = 256;

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Delivery>,
    bytes: u64,
    dropped: u64,
    delivering: bool, // one thread at a time, without the lock: the host may call back
    drains: Vec<Completion>,
}

struct PubSub {
    link: Arc<Link>,
    channels: Vec<Vec<u8>>,
    max_batch: usize,
    most: (usize, u64), // that wait: messages, bytes
    credit: Credit,
    waiting: Mutex<Waiting>,
    life: Arc<Life>,
}

pub fn start(link: Arc<Link>, opening: Opening<dyn Subscription>, spec: &SubscriptionSpec) {
    let (life, options, until) = (Arc::clone(opening.life()), spec.options(), link.due(spec.timeout()));
    let asked = spec.max_batch() as usize;
    let subscription = PubSub {
        link,
        channels: spec.addresses().map(<[u8]>::to_vec).collect(),
        max_batch: if asked == 0 { MAX_BATCH } else { asked.min(MAX_BATCH) },
        most: (options.u64("pending_messages") as usize, options.u64("pending_bytes")),
        credit: Credit::default(),
        waiting: Mutex::default(),
        life,
    };
    let (messages, bytes) = spec.credit();
    subscription.credit.add(messages, bytes);
    sessions::start(subscription, opening, until);
}

/// Whether Redis should take it for a pattern.
fn is_pattern(channel: &[u8]) -> bool {
    channel.iter().any(|byte| b"*?[\\".contains(byte))
}

impl PubSub {
    fn take(&self, pushed: Value) {
        let mut parts = match pushed {
            Value::Bulk(parts) if matches!(kind_of(&parts), b"message" | b"pmessage") => parts,
            _ => return, // a pong
        };
        let (payload, address) = match (parts.pop(), parts.pop()) {
            (Some(Value::Data(payload)), Some(Value::Data(address))) => (payload, address),
            _ => return,
        };
        let delivery = Delivery { payload, address, ..Delivery::default() };
        let mut waiting = self.waiting.lock().unwrap();
        let full = waiting.messages.len() >= self.most.0 || waiting.bytes + delivery.bytes() > self.most.1;
        if full && !waiting.messages.is_empty() {
            waiting.dropped += 1;
        } else {
            waiting.bytes += delivery.bytes();
            waiting.messages.push_back(delivery);
        }
    }

    /// Delivers what there is credit for. On whatever thread gave a reason to.
    fn pump(&self) {
        loop {
            let mut waiting = self.waiting.lock().unwrap();
            if waiting.delivering || self.life.closing() {
                return; // that thread looks again; what waits at the close is dropped and counted
            }
            let dropped = std::mem::take(&mut waiting.dropped);
            let count = self.credit.messages().min(waiting.messages.len()).min(self.max_batch);
            let batch: Vec<Delivery> = waiting.messages.drain(..count).collect();
            let bytes = batch.iter().map(Delivery::bytes).sum();
            waiting.bytes -= bytes;
            if count == 0 && dropped == 0 {
                return;
            }
            waiting.delivering = true;
            let debit = self.credit.debit(count, bytes);
            drop(waiting);
            if dropped != 0 {
                self.life.event(RST_EVENT_SUB_DROPPED, Event { value: dropped, ..Event::default() });
            }
            let refused = if count == 0 { Ok(()) } else { deliver(self.life.host(), self.life.id(), batch) };
            let mut waiting = self.waiting.lock().unwrap();
            waiting.delivering = false;
            let drains = std::mem::take(&mut waiting.drains);
            let refused_all = refused.is_err();
            if let Err((_, batch)) = refused {
                debit.into_iter().for_each(|debit| self.credit.refund(debit));
                waiting.bytes += bytes;
                batch.into_iter().rev().for_each(|each| waiting.messages.push_front(each));
            }
            drop(waiting);
            drains.into_iter().for_each(|each| each.end(Ok(0)));
            if refused_all {
                return; // it is closing, which drops and counts them
            }
        }
    }
}

fn kind_of(parts: &[Value]) -> &[u8] {
    match parts.first() {
        Some(Value::Data(kind)) => kind,
        _ => b"",
    }
}

impl Reader for PubSub {
    fn link(&self) -> &Link {
        &self.link
    }
    fn life(&self) -> &Arc<Life> {
        &self.life
    }

    /// A session that has subscribed to all channels.
    fn open(&self, until: Instant, _again: bool) -> Result<Wire> {
        let go_on = || !self.life.closing();
        let mut wire = Wire::open(&self.link.settings, until, go_on)?;
        let mut packed = Vec::new();
        for channel in &self.channels {
            let verb = if is_pattern(channel) { "PSUBSCRIBE" } else { "SUBSCRIBE" };
            packed.extend(cmd(verb).arg(&channel[..]).get_packed_command());
        }
        wire.send(&packed)?;
        let mut confirmed = 0;
        while confirmed < self.channels.len() {
            match wire.reply(until.min(Instant::now() + self.link.settings.keepalive), go_on)?? {
                Value::Bulk(parts) if matches!(kind_of(&parts), b"subscribe" | b"psubscribe") => confirmed += 1,
                pushed => self.take(pushed),
            }
        }
        Ok(wire)
    }

    fn serve(&self, wire: &mut Wire) -> Result<()> {
        loop {
            self.pump();
            if self.life.closing() {
                return Ok(());
            }
            match wire.receive()? {
                Heard::Value(pushed) => self.take(pushed),
                Heard::Refusal(error) => return Err(error),
                Heard::Nothing => drop(wire.ping()?), // its reply is pushed like a message
            }
        }
    }

    fn leave(&self) {
        let mut waiting = self.waiting.lock().unwrap();
        let left = std::mem::take(&mut waiting.messages);
        waiting.bytes = 0;
        let drains = std::mem::take(&mut waiting.drains);
        drop(waiting);
        self.life.add_dropped(left.len() as u64);
        drains.into_iter().for_each(|each| each.end(Ok(0)));
    }
}

impl Subscription for PubSub {
    fn credit(&self, messages: u32, bytes: u64) {
        self.credit.add(messages, bytes);
        self.pump();
    }

    fn drain(&self, completion: Completion) {
        let mut waiting = self.waiting.lock().unwrap();
        self.credit.clear();
        if waiting.delivering {
            waiting.drains.push(completion);
        } else {
            drop(waiting);
            completion.end(Ok(0));
        }
    }
}
