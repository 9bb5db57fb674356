//! The broker `source` (README.md) in Rust, on abi/rust.
#![forbid(unsafe_code)]

use ruststream_plugin::{cap, deliver, plugin, sys::*, Capability, Credit, Delivery, Kind, Life, Opening, Tokens};
use ruststream_plugin::{Answer, Broker, Completion, Connection, ConnectionSpec, Publish, Publisher, PublisherSpec};
use ruststream_plugin::{Result, Settle, Subscription, SubscriptionSpec, Verdict};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const PAYLOAD: [u8; 100] = [0; 100];
const MOST_BATCH: usize = 64;
const WINDOW: usize = 1 << 16;
const CAPS: &[Capability] = &[
    cap(RST_CAP_SETTLE),
    cap(RST_CAP_RETRY),
    cap(RST_CAP_RELEASE),
    cap(RST_CAP_REJECT),
    cap(RST_CAP_OVERFLOW).limit(RST_OVERFLOW_BLOCK),
];

struct Source;

impl Broker for Source {
    const KINDS: &'static [Kind] = &[Kind::new(
        "endless",
        "messages without end; what is published is gone",
        RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER,
        CAPS,
    )];
    fn new() -> Result<Self> {
        Ok(Source)
    }
    fn connect(&self, opening: Opening<dyn Connection>, _: &ConnectionSpec) {
        opening.done(Arc::new(Nowhere));
    }
}

struct Nowhere;

impl Connection for Nowhere {
    fn subscribe(self: Arc<Self>, opening: Opening<dyn Subscription>, spec: &SubscriptionSpec) {
        let asked = spec.max_batch() as usize;
        let max_batch = if asked == 0 { MOST_BATCH } else { asked.min(MOST_BATCH) };
        let (credit, tokens, drains, awake) = Default::default();
        let made = Arc::new(Endless { life: Arc::clone(opening.life()), max_batch, credit, tokens, drains, awake });
        let (messages, bytes) = spec.credit();
        made.credit.add(messages, bytes);
        let (life, serves) = (Arc::clone(opening.life()), Arc::clone(&made));
        let started = life.spawn("rst-source", move || {
            if opening.done(Arc::clone(&serves) as Arc<dyn Subscription>) {
                serves.serve();
            }
        });
        drop(started); // where there is no thread, the opening that it would have had says so
    }
    fn open_publisher(self: Arc<Self>, life: Arc<Life>, _: &PublisherSpec) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(Gone { _life: life }))
    }
    fn flush(&self, _: Option<Duration>, completion: Completion) {
        completion.end(Ok(0));
    }
}

struct Endless {
    life: Arc<Life>,
    max_batch: usize,
    credit: Credit,
    tokens: Tokens<()>,
    drains: Mutex<Vec<Completion>>,
    awake: Condvar,
}

impl Endless {
    fn room(&self) -> usize {
        WINDOW.saturating_sub(self.tokens.live()).min(self.credit.messages()).min(self.max_batch)
    }

    fn wake(&self) {
        drop(self.drains.lock().unwrap()); // so that nobody is between its look and its sleep
        self.awake.notify_one();
    }

    fn serve(&self) {
        while !self.life.closing() {
            let mut drains = self.drains.lock().unwrap();
            drains.drain(..).for_each(|each| each.end(Ok(0)));
            let count = self.room();
            if count == 0 {
                drop(self.awake.wait_timeout(drains, Duration::from_millis(100)).unwrap());
                continue;
            }
            drop(drains);
            if self.credit.debit(count, (count * PAYLOAD.len()) as u64).is_none() {
                continue; // drained meanwhile
            }
            let one = |_| {
                let (payload, token) = (PAYLOAD.to_vec(), self.tokens.issue(()));
                Delivery { payload, token, attempt: 1, ..Delivery::default() }
            };
            if deliver(self.life.host(), self.life.id(), (0..count).map(one).collect()).is_err() {
                break; // it is closing
            }
        }
        let dropped = self.tokens.take_if(|_| true).len();
        self.life.add_dropped(dropped as u64);
    }
}

impl Subscription for Endless {
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
        call.each(|item| self.tokens.settle(item.token, item.verdict == Verdict::Extend, |()| RST_OK));
        self.wake();
        Ok(Answer::Done)
    }
    fn close(&self) {
        self.wake();
    }
}

struct Gone {
    _life: Arc<Life>, // as long as it is there, so is the publisher
}

impl Publisher for Gone {
    fn publish(&self, call: Publish) -> Result<Answer> {
        let (answer, count) = (call.answer(), call.len());
        let statuses: Vec<_> = (0..count).map(|index| (index, call.message(index).err().unwrap_or(RST_OK))).collect();
        call.accept(count, statuses).end();
        Ok(answer)
    }
    fn flush(&self, _: Option<Duration>, completion: Completion) {
        completion.end(Ok(0));
    }
}

plugin!(Source, "org.example.source", "1", "libruststream's benchmarks", "source");
