//! mybroker: topics inside the process. Each subscription gets every message that is published to its address while it is
//! there, once: nothing is settled. What a subscription has no room for is dropped, and told.
#![forbid(unsafe_code)]

use ruststream_plugin::{cap, deliver, option, plugin, status, sys::*, Answer, Broker, Capability, Completion};
use ruststream_plugin::{Connection, ConnectionSpec, Credit, Delivery, Error, Event, Kind, Life, Opening, Opt, Plan};
use ruststream_plugin::{Publish, Publisher, PublisherSpec, Report, Result, Spec, Subscription, SubscriptionSpec};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MAX_BATCH: usize = 64;

const CAPS: &[Capability] = &[
    cap(RST_CAP_OVERFLOW).limit(RST_OVERFLOW_DROP),
    cap(RST_CAP_BATCH).limit(MAX_BATCH as u64),
    cap(RST_CAP_PUBLISH_ORDER),
    cap(RST_CAP_PAYLOAD).limit(RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES),
];

/// Who listens, by address. Locked before what waits for a listener.
type Topics = Mutex<HashMap<Vec<u8>, Vec<Arc<Listener>>>>;

#[derive(Default)]
struct Inside {
    topics: Arc<Topics>,
}

impl Broker for Inside {
    const KINDS: &'static [Kind] = &[Kind::new(
        "topic",
        "everyone who listens gets each message",
        RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER,
        CAPS,
    )];
    const OPTIONS: &'static [Opt] = &[option(
        "capacity",
        RST_TYPE_U64,
        RST_SCOPE_SUBSCRIPTION,
        "most messages that wait for one subscription; what comes beyond that is dropped",
    )
    .default("1000")
    .range(1, 1_000_000)];

    fn new() -> Result<Self> {
        Ok(Inside::default())
    }

    fn validate(spec: &Spec, plan: &mut Plan, report: &mut Report) {
        if let Spec::Subscription(spec) = spec {
            plan.max_batch = MAX_BATCH as u32;
            if spec.addresses().count() != 1 || spec.addresses().any(<[u8]>::is_empty) {
                report.issue(Error::new(RST_E_INVALID, "a subscription has one address"));
            }
            if !spec.durable().is_empty() {
                report.issue(Error::new(RST_E_UNSUPPORTED, "nothing is kept for who does not listen"));
            }
        }
    }

    fn connect(&self, opening: Opening<dyn Connection>, _: &ConnectionSpec) {
        opening.done(Arc::new(Link { topics: Arc::clone(&self.topics) }));
    }
}

struct Link {
    topics: Arc<Topics>,
}

impl Connection for Link {
    fn subscribe(self: Arc<Self>, opening: Opening<dyn Subscription>, spec: &SubscriptionSpec) {
        let asked = spec.max_batch() as usize;
        let listener = Arc::new(Listener {
            topics: Arc::clone(&self.topics),
            address: spec.addresses().next().unwrap_or_default().to_vec(),
            capacity: spec.options().u64("capacity") as usize,
            max_batch: if asked == 0 { MAX_BATCH } else { asked.min(MAX_BATCH) },
            credit: Credit::default(),
            waiting: Mutex::default(),
            life: Arc::clone(opening.life()),
        });
        let (messages, bytes) = spec.credit();
        listener.credit.add(messages, bytes);
        let open = opening.done(Arc::clone(&listener) as Arc<dyn Subscription>); // before its first delivery (C4)
        let mut topics = self.topics.lock().unwrap();
        if open && !listener.life.closing() {
            topics.entry(listener.address.clone()).or_default().push(listener);
        }
    }

    fn open_publisher(self: Arc<Self>, _: Arc<Life>, spec: &PublisherSpec) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(Sender { topics: Arc::clone(&self.topics), destination: spec.destination().to_vec() }))
    }

    fn flush(&self, _: Option<Duration>, completion: Completion) {
        completion.end(Ok(0)); // what was accepted has been handed on
    }
}

struct Listener {
    topics: Arc<Topics>,
    address: Vec<u8>,
    capacity: usize,
    max_batch: usize,
    credit: Credit,
    waiting: Mutex<VecDeque<Delivery>>,
    life: Arc<Life>,
}

impl Listener {
    fn put(&self, payload: &[u8]) {
        let mut waiting = self.waiting.lock().unwrap();
        if waiting.len() >= self.capacity {
            self.pump(&mut waiting);
        }
        if waiting.len() >= self.capacity {
            self.life.event(RST_EVENT_SUB_DROPPED, Event { value: 1, ..Event::default() });
        } else {
            waiting.push_back(Delivery { payload: payload.to_vec(), ..Delivery::default() });
        }
    }

    /// Delivers what there is credit for. The lock is held: the host neither waits nor calls back on this stack (H2).
    fn pump(&self, waiting: &mut VecDeque<Delivery>) {
        loop {
            let count = self.credit.messages().min(waiting.len()).min(self.max_batch);
            if count == 0 {
                return;
            }
            let batch: Vec<Delivery> = waiting.drain(..count).collect();
            let bytes = batch.iter().map(Delivery::bytes).sum();
            let debit = self.credit.debit(count, bytes);
            if let Err((_, batch)) = deliver(self.life.host(), self.life.id(), batch) {
                debit.into_iter().for_each(|debit| self.credit.refund(debit)); // as if it had not been (M1)
                batch.into_iter().rev().for_each(|each| waiting.push_front(each));
                return;
            }
        }
    }
}

impl Subscription for Listener {
    fn credit(&self, messages: u32, bytes: u64) {
        let mut waiting = self.waiting.lock().unwrap();
        self.credit.add(messages, bytes);
        self.pump(&mut waiting);
    }

    fn drain(&self, completion: Completion) {
        let waiting = self.waiting.lock().unwrap(); // nothing is under way (F5)
        self.credit.clear();
        drop(waiting);
        completion.end(Ok(0));
    }

    fn close(&self) {
        let mut topics = self.topics.lock().unwrap();
        if let Some(listeners) = topics.get_mut(&self.address) {
            listeners.retain(|each| !std::ptr::eq(&**each, self));
            if listeners.is_empty() {
                topics.remove(&self.address);
            }
        }
        let dropped = std::mem::take(&mut *self.waiting.lock().unwrap());
        self.life.add_dropped(dropped.len() as u64);
    }
}

struct Sender {
    topics: Arc<Topics>,
    destination: Vec<u8>,
}

impl Publisher for Sender {
    fn publish(&self, call: Publish) -> Result<Answer> {
        let topics = self.topics.lock().unwrap();
        let send = |index| {
            let message = match call.message(index) {
                Ok(message) => message,
                Err(status) => return status,
            };
            let to = if message.destination.is_empty() { &self.destination[..] } else { message.destination };
            if to.is_empty() {
                return status(RST_E_INVALID, RST_ERROR_USER);
            }
            topics.get(to).into_iter().flatten().for_each(|each| each.put(message.payload));
            RST_OK
        };
        let statuses: Vec<i32> = (0..call.len()).map(send).collect();
        topics.values().flatten().for_each(|each| each.pump(&mut each.waiting.lock().unwrap()));
        let answer = call.answer();
        call.accept(statuses.len(), statuses.into_iter().enumerate()).end();
        Ok(answer)
    }

    fn flush(&self, _: Option<Duration>, completion: Completion) {
        completion.end(Ok(0));
    }
}

plugin!(Inside, "org.example.mybroker", "0.1.0", "", "mybroker");
