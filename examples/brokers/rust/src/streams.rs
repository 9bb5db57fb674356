//! Streams with consumer groups. One thread for each subscription reads: what comes back to the group (XAUTOCLAIM), then
//! what is new (XREADGROUP), never more than there is credit and room for. Settlements go the connection's way.
use crate::group::{claim_reply, count_reply, read_reply, Group, Raw, BLOCK};
use crate::link::Link;
use crate::publisher::PAYLOAD;
use crate::queue::{Job, Told};
use crate::sessions::{self, Reader};
use crate::wire::{timeout, Wire, TICK};
use redis::{Cmd, Value};
use ruststream_plugin::{
    deliver, sys::*, Answer, Choices, Completion, Credit, Delivery, Error, Event, Item, Life, Opening,
};
use ruststream_plugin::{Result, Settle, Subscription, SubscriptionSpec, Tokens, Verdict};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
    claim_soon: Arc<AtomicBool>,            // somebody here gave something back
    drains: Mutex<Option<Vec<Completion>>>, // None: the thread has left, nothing is under way
    settling: Arc<AtomicUsize>,             // arrays of settlements on their way
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
        window: or(spec.window_messages(), DEFAULT_WINDOW).min(Tokens::<Entry>::MOST),
        max_batch: or(spec.max_batch(), MAX_BATCH).min(MAX_BATCH),
        credit: Credit::default(),
        tokens: Tokens::default(),
        claim_soon: Arc::new(AtomicBool::new(true)),
        drains: Mutex::new(Some(Vec::new())),
        settling: Arc::default(),
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
    settling: Arc<AtomicUsize>,
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
    fn end(mut self: Box<Self>, _: Option<&Error>) {
        self.claim_soon.store(true, Ordering::Relaxed);
        match (self.confirm.take(), self.failed.take()) {
            (Some(told), failed) => told.end(failed.map_or(Ok(0), Err)),
            (None, Some(error)) => {
                let event = Event { value: self.count, error: Some(&error), ..Event::default() };
                self.life.event(RST_EVENT_SETTLE_FAILED, event);
            }
            (None, None) => {}
        }
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        self.settling.fetch_sub(1, Ordering::Release);
    }
}

impl Stream {
    fn push(&self, commands: &[Cmd], due: Instant, repeatable: bool, told: Box<dyn Told>) {
        let wire = commands.iter().flat_map(Cmd::get_packed_command).collect();
        let life = Arc::clone(&self.life);
        self.link.queue.push(Job { wire, commands: commands.len(), due, repeatable, told, life });
    }

    fn end_drains(&self) {
        let drains = self.drains.lock().unwrap().as_mut().map(std::mem::take);
        drains.into_iter().flatten().for_each(|each| each.end(Ok(0)));
    }

    fn sleep(&self) {
        let drains = self.drains.lock().unwrap();
        let waits = drains.as_ref().map_or(false, Vec::is_empty);
        if waits && (self.credit.messages() == 0 || self.tokens.live() >= self.window) {
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
            let count = count_reply(self.reply(wire)??);
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
        wire.send(&command.get_packed_command())?;
        self.reply(wire)?
    }

    fn reply(&self, wire: &mut Wire) -> Result<Result<Value>> {
        wire.reply(Instant::now() + BLOCK + self.link.settings.keepalive, || !self.life.must_end())
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
        let debit = match self.credit.debit(read.len(), bytes) {
            Some(debit) if !read.is_empty() => debit,
            _ => {
                read.extend(rest);
                return read;
            }
        };
        let named = |(entry, mut delivery): (Entry, Delivery)| {
            delivery.token = self.tokens.issue(entry);
            delivery
        };
        let batch: Vec<Delivery> = read.into_iter().map(named).collect();
        if let Err((_, refused)) = deliver(self.life.host(), self.life.id(), batch) {
            // It is closing: they go back unprocessed (M1).
            self.credit.refund(debit);
            let mut back = Vec::with_capacity(refused.len());
            for each in refused {
                self.tokens.settle(each.token, false, |entry| {
                    back.push(self.group.give_back(&entry.id, entry.attempt));
                    RST_OK
                });
            }
            self.push(&back, self.link.due(None), false, Box::new(Untold));
        }
        rest
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

    /// A session, and the group. What a reply that was lost had named is given back: what is neither unsettled here nor, any
    /// more, on its way to being settled.
    fn open(&self, until: Instant, again: bool) -> Result<Wire> {
        // A group that is gone went with the server's memory: what is there now nobody has read.
        let start = if again { "0" } else { self.start };
        let go_on = || !self.life.closing();
        let mut known = Vec::new();
        self.tokens.each(|entry| known.push(entry.id.clone()));
        while self.settling.load(Ordering::Acquire) != 0 && go_on() {
            if Instant::now() > until {
                return Err(timeout());
            }
            std::thread::sleep(TICK);
        }
        let mut wire = Wire::open(&self.link.settings, until, go_on)?;
        let until = until.min(Instant::now() + self.link.settings.keepalive);
        match wire.ask(&self.group.create(start), until, go_on)? {
            Err(error) if error.code != RST_E_EXISTS => return Err(error),
            _ => {}
        }
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
                    drop(self.reply(wire)?);
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
        Ok(())
    }

    /// Closing: what is unsettled goes back to the group, behind the settlements that are on their way (S4).
    fn leave(&self) {
        let drains = self.drains.lock().unwrap().take();
        drains.into_iter().flatten().for_each(|each| each.end(Ok(0)));
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
        let mut drains = self.drains.lock().unwrap();
        if let Some(drains) = &mut *drains {
            drains.push(completion);
            return self.awake.notify_one();
        }
        drop(drains);
        completion.end(Ok(0));
    }

    fn settle(&self, call: Settle) -> Result<Answer> {
        self.settling.fetch_add(1, Ordering::Relaxed);
        let mut told = Box::new(Settled {
            life: Arc::clone(&self.life),
            claim_soon: Arc::clone(&self.claim_soon),
            settling: Arc::clone(&self.settling),
            failed: None,
            count: 0,
            confirm: None,
        });
        let (mut commands, mut repeatable, now) = (Vec::new(), true, Instant::now());
        let mut due = self.link.due(call.timeout());
        call.each(|item| {
            self.tokens.settle(item.token, item.verdict == Verdict::Extend, |entry| {
                if entry.until <= now {
                    return -RST_E_STALE;
                }
                due = due.min(entry.until);
                repeatable &= matches!(item.verdict, Verdict::Ack | Verdict::Extend);
                commands.push(self.settlement(&item, entry));
                RST_OK
            })
        });
        told.confirm = call.confirm().then(|| call.completion());
        let answer = if told.confirm.is_some() { Answer::Pending } else { Answer::Done };
        self.push(&commands, due, repeatable, told);
        self.wake();
        Ok(answer)
    }

    fn close(&self) {
        self.awake.notify_one();
    }
}
