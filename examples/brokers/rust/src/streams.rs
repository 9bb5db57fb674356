//! Streams with consumer groups. One thread for each subscription reads: what comes back to the group (XAUTOCLAIM), then
//! what is new (XREADGROUP), never more than there is credit and room for. Settlements go the connection's way.
use crate::group::{claim_reply, count_reply, read_reply, Group, Raw, BLOCK};
use crate::link::{Job, Link, Told};
use crate::publisher::PAYLOAD;
use crate::sessions::{self, Reader};
use crate::wire::{Wire, TICK};
use redis::{Cmd, Value};
use ruststream_plugin::{
    deliver, sys::*, Answer, Choices, Completion, Credit, Delivery, Error, Event, Item, Life, Opening,
};
use ruststream_plugin::{Result, Settle, Subscription, SubscriptionSpec, Tokens, Verdict};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub const MAX_BATCH: usize = 256;
pub const STARTS: &Choices<2> = &Choices::new(["new", "all"]);

const DEFAULT_WINDOW: usize = 4096; // most unsettled
const CLAIM_EVERY: Duration = Duration::from_millis(100);

struct Entry {
    id: Vec<u8>,
    attempt: u16,
    until: Instant, // after which it may be somebody else's
}

struct Stream {
    link: Arc<Link>,
    group: Group,
    own_group: bool, // made for this subscription, and gone with it
    start: &'static str,
    dead_letter: Vec<u8>,
    window: usize,
    max_batch: usize,
    credit: Credit,
    tokens: Tokens<Entry>,
    claim_soon: Arc<AtomicBool>, // somebody here gave something back
    drains: Mutex<Vec<Completion>>,
    awake: Condvar,
    life: Arc<Life>,
}

pub fn start(link: Arc<Link>, opening: Opening<dyn Subscription>, spec: &SubscriptionSpec) {
    let (life, options, until) = (Arc::clone(opening.life()), spec.options(), link.due(spec.timeout()));
    let or = |asked: u32, default: usize| if asked == 0 { default } else { asked as usize };
    let consumer = unique();
    let own_group = spec.group().is_empty();
    let stream = Stream {
        link,
        group: Group {
            key: spec.addresses().next().unwrap_or(b"").to_vec(),
            name: if own_group { consumer.clone() } else { spec.group().to_vec() },
            consumer,
            ack_wait: options.duration("ack_wait"),
        },
        own_group,
        start: if options.text("start") == b"all" { "0" } else { "$" },
        dead_letter: spec.dead_letter().to_vec(),
        window: or(spec.window_messages(), DEFAULT_WINDOW),
        max_batch: or(spec.max_batch(), MAX_BATCH).min(MAX_BATCH),
        credit: Credit::default(),
        tokens: Tokens::default(),
        claim_soon: Arc::new(AtomicBool::new(true)),
        drains: Mutex::default(),
        awake: Condvar::new(),
        life,
    };
    let (messages, bytes) = spec.credit();
    stream.credit.add(messages, bytes);
    sessions::start(stream, opening, until);
}

/// A name that no other consumer has.
fn unique() -> Vec<u8> {
    use std::hash::{BuildHasher, Hasher};
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("rst-{:016x}{:016x}", random(), random()).into_bytes()
}

/// Nothing to be told.
struct Untold;

impl Told for Untold {
    fn reply(&mut self, _: usize, _: Result<Value>) {}
    fn end(self: Box<Self>, _: Option<&Error>) {}
}

/// Settlements on their way.
struct Settled {
    life: Arc<Life>,
    claim_soon: Arc<AtomicBool>,
    failed: Option<Error>,
    count: u64,
    confirm: Option<Completion>,
}

impl Told for Settled {
    fn reply(&mut self, _: usize, reply: Result<Value>) {
        if let Err(error) = reply {
            self.failed = Some(error);
            self.count += 1;
        }
    }
    /// What failed lies with the server still, and comes again after ack_wait (S6).
    fn end(self: Box<Self>, _: Option<&Error>) {
        self.claim_soon.store(true, Ordering::Relaxed);
        match (self.confirm, self.failed) {
            (Some(told), failed) => told.end(failed.map_or(Ok(0), Err)),
            (None, Some(error)) => {
                let event = Event { value: self.count, error: Some(&error), ..Event::default() };
                self.life.event(RST_EVENT_SETTLE_FAILED, event);
            }
            (None, None) => {}
        }
    }
}

impl Stream {
    fn push(&self, commands: &[Cmd], due: Instant, repeatable: bool, told: Box<dyn Told>) {
        let wire = commands.iter().flat_map(Cmd::get_packed_command).collect();
        let life = Arc::clone(&self.life);
        self.link.queue.push(Job { wire, commands: commands.len(), due, repeatable, told, life });
    }

    fn end_drains(&self) {
        let drains = std::mem::take(&mut *self.drains.lock().unwrap());
        drains.into_iter().for_each(|each| each.end(Ok(0)));
    }

    fn sleep(&self) {
        let drains = self.drains.lock().unwrap();
        if drains.is_empty() && (self.credit.messages() == 0 || self.tokens.live() >= self.window) {
            drop(self.awake.wait_timeout(drains, TICK));
        }
    }

    /// Whoever changed what sleep looks at: the thread is asleep, or will look.
    fn wake(&self) {
        drop(self.drains.lock().unwrap());
        self.awake.notify_one();
    }

    /// Entries that nobody has had for ack_wait, with their attempts.
    fn claim(&self, wire: &mut Wire, cursor: &mut Vec<u8>, room: usize) -> Result<Vec<(Entry, Delivery)>> {
        let until = self.deadline();
        let (next, claimed) = claim_reply(self.ask(wire, &self.group.claim(cursor, room))?);
        *cursor = next;
        let mut packed = Vec::new();
        claimed.iter().for_each(|(id, _)| packed.extend(self.group.count_of(id).get_packed_command()));
        wire.send(&packed)?;
        let mut entries = self.entries(claimed, until);
        for (entry, delivery) in &mut entries {
            let count = count_reply(wire.reply(Instant::now() + self.link.settings.keepalive, || true)??);
            entry.attempt = count.unwrap_or(1);
            (delivery.attempt, delivery.redelivered) = (entry.attempt, true);
        }
        Ok(entries)
    }

    fn read(&self, wire: &mut Wire, room: usize) -> Result<Vec<(Entry, Delivery)>> {
        let until = self.deadline();
        Ok(self.entries(read_reply(self.ask(wire, &self.group.read(room))?), until))
    }

    /// Taken before the server says whose it is: so a token is stale before somebody else may have the entry.
    fn deadline(&self) -> Instant {
        Instant::now() + self.group.ack_wait
    }

    /// An error of the server here is as good as a loss: the session is made anew, and the group with it.
    fn ask(&self, wire: &mut Wire, command: &Cmd) -> Result<Value> {
        wire.ask(command, Instant::now() + BLOCK + self.link.settings.keepalive, || true)?
    }

    fn entries(&self, all: Vec<Raw>, until: Instant) -> Vec<(Entry, Delivery)> {
        let entry = |(id, fields): Raw| {
            let mut delivery = Delivery { attempt: 1, address: self.group.key.clone(), ..Delivery::default() };
            let (mut fields, mut has_payload) = (fields.into_iter(), false);
            while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
                if name == PAYLOAD && !has_payload {
                    has_payload = true;
                    delivery.payload = value;
                } else {
                    delivery.headers.push((name, value));
                }
            }
            (Entry { id, attempt: 1, until }, delivery)
        };
        all.into_iter().map(entry).collect()
    }

    /// Delivers what was read, and returns what a DRAIN left no credit for.
    fn hand_over(&self, mut read: Vec<(Entry, Delivery)>) -> Vec<(Entry, Delivery)> {
        let rest = read.split_off(self.credit.messages().min(read.len()));
        let bytes = read.iter().map(|(_, delivery)| delivery.bytes()).sum();
        if read.is_empty() || !self.credit.debit(read.len(), bytes) {
            read.extend(rest);
            return read;
        }
        let (mut batch, mut given) = (Vec::with_capacity(read.len()), Vec::new());
        for (entry, mut delivery) in read {
            given.push((entry.id.clone(), entry.attempt));
            delivery.token = self.tokens.issue(entry);
            batch.push(delivery);
        }
        if deliver(self.life.host(), self.life.id(), batch).is_err() {
            // It is closing: they go back unprocessed (M1).
            self.credit.add(given.len() as u32, bytes);
            self.tokens.take_if(|entry| given.iter().any(|(id, _)| *id == entry.id));
            let back: Vec<Cmd> = given.iter().map(|(id, attempt)| self.group.give_back(id, *attempt)).collect();
            self.push(&back, self.link.due(None), false, Box::new(Untold));
        }
        rest
    }

    fn let_go(&self, held: Vec<(Entry, Delivery)>) {
        let back: Vec<Cmd> = held.iter().map(|(entry, _)| self.group.give_back(&entry.id, entry.attempt)).collect();
        self.push(&back, self.link.due(None), false, Box::new(Untold));
    }

    /// The command of one verdict.
    fn settlement(&self, item: &Item, entry: &mut Entry) -> Cmd {
        let dead_letter = if item.dead_letter.is_empty() { &self.dead_letter[..] } else { item.dead_letter };
        match item.verdict {
            Verdict::Reject if !dead_letter.is_empty() => {
                self.group.move_to(dead_letter, &entry.id, item.reason, item.headers())
            }
            Verdict::Ack | Verdict::Reject => self.group.ack(&entry.id),
            Verdict::Retry => self.group.give_back(&entry.id, entry.attempt.saturating_add(1)),
            Verdict::Release => self.group.give_back(&entry.id, entry.attempt),
            Verdict::Extend => {
                entry.until = self.deadline();
                self.group.extend(&entry.id)
            }
        }
    }
}

impl Reader for Stream {
    fn link(&self) -> &Link {
        &self.link
    }
    fn life(&self) -> &Arc<Life> {
        &self.life
    }

    /// A session, and the group. What a reply that was lost had named is given back.
    fn open(&self, until: Instant, again: bool) -> Result<Wire> {
        // A group that is gone went with the server's memory: what is there now nobody has read.
        let start = if again { "0" } else { self.start };
        let go_on = || !self.life.closing();
        let mut wire = Wire::open(&self.link.settings, until, go_on)?;
        let until = until.min(Instant::now() + self.link.settings.keepalive);
        match wire.ask(&self.group.create(start), until, go_on)? {
            Err(error) if error.code != RST_E_EXISTS => return Err(error),
            _ => {}
        }
        let mut known = Vec::new();
        self.tokens.each(|entry| known.push(entry.id.clone()));
        wire.ask(&self.group.give_back_all(false, &known), until, go_on)??;
        Ok(wire)
    }

    fn serve(&self, wire: &mut Wire) -> Result<()> {
        let (mut claimed, mut swept, mut cursor) = (None::<Instant>, Instant::now(), b"0-0".to_vec());
        let mut held = Vec::new(); // what was read when a DRAIN came
        while !self.life.closing() {
            let now = Instant::now();
            if now.duration_since(swept) >= CLAIM_EVERY {
                swept = now;
                self.tokens.take_if(|entry| entry.until <= now); // stale: others may have them
            }
            held = self.hand_over(held);
            self.end_drains(); // nothing is on its way: what is held waits for new credit
            let room = self.window.saturating_sub(self.tokens.live()).min(self.credit.messages()).min(self.max_batch);
            if room == 0 || !held.is_empty() {
                self.sleep();
                if wire.ping()? {
                    drop(wire.reply(Instant::now() + self.link.settings.keepalive, || true)?);
                }
            } else if claimed.map_or(true, |at| at.elapsed() >= CLAIM_EVERY)
                || self.claim_soon.swap(false, Ordering::Relaxed)
            {
                claimed = Some(now);
                held = self.claim(wire, &mut cursor, room)?;
            } else {
                held = self.read(wire, room)?;
            }
        }
        self.let_go(held);
        Ok(())
    }

    /// Closing: what is unsettled goes back to the group, behind the settlements that are on their way (S4).
    fn leave(&self) {
        self.end_drains();
        let unsettled = self.tokens.take_if(|_| true).len();
        let command = if self.own_group {
            self.life.add_dropped(unsettled as u64);
            self.group.destroy()
        } else {
            self.group.give_back_all(true, &[])
        };
        self.push(&[command], self.link.due(None), true, Box::new(Untold));
    }
}

impl Subscription for Stream {
    fn credit(&self, messages: u32, bytes: u64) {
        self.credit.add(messages, bytes);
        self.wake();
    }

    fn drain(&self, completion: Completion) {
        self.credit.clear();
        self.drains.lock().unwrap().push(completion);
        self.awake.notify_one();
    }

    fn settle(&self, call: Settle) -> Result<Answer> {
        let (mut commands, mut repeatable, now) = (Vec::new(), true, Instant::now());
        let mut due = self.link.due(call.timeout());
        call.each(|item| {
            self.tokens.settle(item.token, item.verdict == Verdict::Extend, |entry| {
                if entry.until <= now {
                    return -RST_E_STALE;
                }
                due = due.min(entry.until);
                repeatable &= item.verdict == Verdict::Ack;
                commands.push(self.settlement(&item, entry));
                RST_OK
            })
        });
        let confirm = call.confirm().then(|| call.completion());
        let answer = if confirm.is_some() { Answer::Pending } else { Answer::Done };
        let (life, claim_soon) = (Arc::clone(&self.life), Arc::clone(&self.claim_soon));
        self.push(&commands, due, repeatable, Box::new(Settled { life, claim_soon, failed: None, count: 0, confirm }));
        self.wake();
        Ok(answer)
    }

    fn close(&self) {
        self.awake.notify_one();
    }
}
