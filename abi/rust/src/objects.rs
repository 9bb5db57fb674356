//! Objects and their lives: handles that are checked at every verb (L2, L5), and an end that is told when the last thread
//! has let go.
//!
//! The table of handles owns an object while it is open. Closing takes it out; whoever still works with it (a verb, a
//! thread of the plugin, a publish on its way) holds an Arc of it or of its Life. The last one to let go ends the Life, and
//! that completes the close (L6): also when it lets go by dying.
use crate::declare::Kind;
use crate::error::{Error, Result};
use crate::host::{About, Completion, Event, Host};
use crate::publish::Publish;
use crate::settle::Settle;
use crate::spec::{PublisherSpec, SubscriptionSpec};
use crate::sys::*;
use crate::thread;
use std::sync::{Arc, Mutex, RwLock, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a verb that opens or acts returns.
pub enum Answer {
    Done,
    /// Exactly one completion follows, or was given already.
    Pending,
}

pub trait Connection: Send + Sync + 'static {
    /// Begins a subscription: a thread of the plugin's ends `opening`, by done or failed.
    fn subscribe(self: Arc<Self>, opening: Opening<dyn Subscription>, spec: &SubscriptionSpec);
    fn open_publisher(self: Arc<Self>, life: Arc<Life>, spec: &PublisherSpec) -> Result<Arc<dyn Publisher>>;
    /// Completes behind everything that was accepted before (P5).
    fn flush(&self, timeout: Option<Duration>, completion: Completion);
    /// The life is closing, and the children's are: see Life::must_end. Wake up whoever sleeps. Comes again with an ABORT.
    fn close(&self) {}
}

pub trait Subscription: Send + Sync + 'static {
    fn credit(&self, messages: u32, bytes: u64);
    /// Both balances are zero from now on; the completion when nothing more can follow (F5).
    fn drain(&self, completion: Completion);
    fn settle(&self, call: Settle) -> Result<Answer> {
        let _ = call;
        Err(Error::new(RST_E_UNSUPPORTED, "there is nothing to settle"))
    }
    fn close(&self) {}
}

pub trait Publisher: Send + Sync + 'static {
    fn publish(&self, call: Publish) -> Result<Answer>;
    fn flush(&self, timeout: Option<Duration>, completion: Completion);
    fn close(&self) {}
}

#[derive(Clone)]
pub(crate) enum Object {
    Connection(Arc<dyn Connection>),
    Subscription(Arc<dyn Subscription>),
    Publisher(Arc<dyn Publisher>),
}

enum Ref {
    Connection(Weak<dyn Connection>),
    Subscription(Weak<dyn Subscription>),
    Publisher(Weak<dyn Publisher>),
}

impl Object {
    fn downgrade(&self) -> Ref {
        match self {
            Object::Connection(object) => Ref::Connection(Arc::downgrade(object)),
            Object::Subscription(object) => Ref::Subscription(Arc::downgrade(object)),
            Object::Publisher(object) => Ref::Publisher(Arc::downgrade(object)),
        }
    }
    fn close(&self) {
        match self {
            Object::Connection(object) => object.close(),
            Object::Subscription(object) => object.close(),
            Object::Publisher(object) => object.close(),
        }
    }
}

impl Ref {
    fn upgrade(&self) -> Option<Object> {
        match self {
            Ref::Connection(object) => object.upgrade().map(Object::Connection),
            Ref::Subscription(object) => object.upgrade().map(Object::Subscription),
            Ref::Publisher(object) => object.upgrade().map(Object::Publisher),
        }
    }
}

enum Entry {
    Ended,
    Open(Object, Arc<Life>),
    Closing(Ref, Weak<Life>),
}

struct Slot {
    generation: u32,
    entry: Entry,
}

/// All objects and threads of one instance.
pub(crate) struct Shared {
    pub host: Host,
    slots: RwLock<Vec<Slot>>,
    free: Mutex<Vec<u32>>,
    live: Mutex<usize>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

const DEFAULT_CLOSE: Duration = Duration::from_secs(5);

impl Shared {
    pub fn new(host: Host) -> Arc<Self> {
        let (slots, free, live, threads) = Default::default();
        Arc::new(Shared { host, slots: RwLock::new(slots), free: Mutex::new(free), live, threads })
    }

    pub fn live(&self) -> usize {
        *self.live.lock().unwrap()
    }

    /// deinit: all have ended, or are about to.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap());
        threads.into_iter().for_each(|each| drop(each.join()));
    }

    /// An object by its handle, and the life that keeps its ids valid while the verb runs.
    pub fn find(&self, handle: u64, closing_too: bool) -> Result<(Object, Arc<Life>)> {
        let (index, generation) = (handle as u32 as usize, (handle >> 32) as u32);
        let stale = || Error::new(RST_E_STALE, format!("handle {handle} does not exist, or is of the past"));
        let closed = || Error::new(RST_E_CLOSED, format!("handle {handle} is closed"));
        let slots = self.slots.read().unwrap();
        let slot =
            slots.get(index).filter(|slot| slot.generation == generation && generation != 0).ok_or_else(stale)?;
        match &slot.entry {
            Entry::Open(object, life) => Ok((object.clone(), Arc::clone(life))),
            Entry::Closing(object, life) if closing_too => {
                let (object, life) = (object.upgrade(), life.upgrade());
                drop(slots); // what was found last may end here, and then needs the lock
                object.zip(life).ok_or_else(closed)
            }
            _ => Err(closed()),
        }
    }

    /// Takes an object into the table; its life is told the handle.
    pub fn show(&self, object: Object, life: &Arc<Life>) -> Result<u64> {
        let closing = || Error::new(RST_E_CLOSED, "closed before it was open");
        let mut slots = self.slots.write().unwrap();
        if life.closing() {
            drop(slots);
            return Err(closing()); // no close can come later: it would need the lock
        }
        let index = match self.free.lock().unwrap().pop() {
            Some(index) => index,
            None => {
                slots.push(Slot { generation: 0, entry: Entry::Ended });
                slots.len() as u32 - 1
            }
        };
        let slot = &mut slots[index as usize];
        slot.generation += 1;
        slot.entry = Entry::Open(object, Arc::clone(life));
        let handle = u64::from(slot.generation) << 32 | u64::from(index);
        life.state.lock().unwrap().handle = handle;
        Ok(handle)
    }

    /// The verb close. The completion follows, perhaps before this returns.
    pub fn close(&self, handle: u64, abort: bool, timeout: Duration, op: u64) -> Result<i32> {
        let (_, life) = self.find(handle, true)?;
        let deadline = Instant::now() + if timeout.is_zero() { DEFAULT_CLOSE } else { timeout };
        let mut found = Vec::new(); // let go of outside the lock, where their lives may end
        {
            let mut slots = self.slots.write().unwrap();
            if !life.begin_closing(abort, deadline) {
                return Err(Error::new(RST_E_CLOSED, format!("handle {handle} is closing")));
            }
            for slot in slots.iter_mut() {
                match &slot.entry {
                    Entry::Open(object, each) if each.is_of(&life) => {
                        let left = Entry::Closing(object.downgrade(), Arc::downgrade(each));
                        if let Entry::Open(object, each) = std::mem::replace(&mut slot.entry, left) {
                            found.push((Some(object), Some(each)));
                        }
                    }
                    Entry::Closing(object, each) if abort => found.push((object.upgrade(), each.upgrade())),
                    _ => {}
                }
            }
        }
        life.state.lock().unwrap().closes.push(Completion::new(self.host, op));
        for (object, each) in found.iter().filter_map(|(object, each)| object.as_ref().zip(each.as_ref())) {
            if each.is_of(&life) {
                each.begin_closing(abort, deadline);
                object.close(); // with ABORT also one that was closing: it wakes up once more
            }
        }
        Ok(if op == 0 { RST_DONE } else { RST_PENDING })
    }
}

#[derive(Default)]
struct State {
    handle: u64,
    closing: bool,
    aborted: bool,
    deadline: Option<Instant>,
    closes: Vec<Completion>,
    failed: Option<(Completion, Error)>,
    dropped: u64,
}

/// From the verb that opens an object to the completion of its close. Hold it (or the object that holds it) for as long as
/// anything may still be told to the host in its name.
pub struct Life {
    shared: Arc<Shared>,
    id: u64,
    ended: u32, // the event that says it is of no use any more
    kind: Option<&'static Kind>,
    state: Mutex<State>,
    parent: Option<Arc<Life>>, // dropped last: a connection's close completes behind its children's
}

impl Life {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        id: u64,
        ended: u32,
        kind: Option<&'static Kind>,
        parent: Option<Arc<Life>>,
    ) -> Arc<Self> {
        *shared.live.lock().unwrap() += 1;
        Arc::new(Life { shared: Arc::clone(shared), id, ended, kind, state: Mutex::default(), parent })
    }

    /// Of a subscription or publisher.
    pub fn kind(&self) -> &'static Kind {
        self.kind.expect("a connection has no kind")
    }

    pub fn host(&self) -> Host {
        self.shared.host
    }
    /// The host's.
    pub fn id(&self) -> u64 {
        self.id
    }
    pub fn about(&self) -> About {
        match &self.parent {
            Some(parent) => About { connection: parent.id, subject: self.id },
            None => About { connection: self.id, subject: 0 },
        }
    }
    pub fn event(&self, kind: u32, event: Event) {
        self.host().event(kind, self.about(), event);
    }

    /// close was called on it, or on its connection.
    pub fn closing(&self) -> bool {
        self.state.lock().unwrap().closing || self.parent.as_ref().map_or(false, |parent| parent.closing())
    }
    fn is_open(&self) -> bool {
        let opened = self.state.lock().unwrap().handle != 0; // rustc 1.63 would hold a lock taken beside && till the end
        opened && !self.closing()
    }
    /// No time is left for anything graceful: aborted, or past the deadline of its close.
    pub fn must_end(&self) -> bool {
        let state = self.state.lock().unwrap();
        let late = state.deadline.map_or(false, |deadline| Instant::now() >= deadline);
        state.aborted || late || self.parent.as_ref().map_or(false, |parent| parent.must_end())
    }
    /// Messages that went with it: what its close tells.
    pub fn add_dropped(&self, count: u64) {
        self.state.lock().unwrap().dropped += count;
    }

    /// A thread of the instance's: `name` begins with `rst-` and has at most 15 characters. It ends before deinit returns,
    /// so let it end when what it works for is closing. A panic ends the thread alone: what it owned is dropped, and so
    /// what it owed is completed, and the host learns that this object is of no use any more.
    pub fn spawn(self: &Arc<Self>, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let life = Arc::clone(self);
        let started = thread::spawn(name, move || {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() && life.is_open() {
                let error = Error::new(RST_E_INTERNAL, "its thread in the plugin panicked; close it and open another");
                life.event(life.ended, Event { error: Some(&error.with(RST_ERROR_FATAL)), ..Event::default() });
            }
        });
        let failed = |error| Error::new(RST_E_EXHAUSTED, format!("no thread could be started: {error}"));
        let started = started.map_err(failed)?;
        let mut threads = self.shared.threads.lock().unwrap();
        threads.retain(|each| !each.is_finished());
        threads.push(started);
        Ok(())
    }

    /// It is this one, or a child of it.
    fn is_of(&self, other: &Arc<Life>) -> bool {
        std::ptr::eq(self, &**other) || self.parent.as_ref().map_or(false, |parent| Arc::ptr_eq(parent, other))
    }

    /// False when it was closing already, and this is no first ABORT.
    fn begin_closing(&self, abort: bool, deadline: Instant) -> bool {
        let mut state = self.state.lock().unwrap();
        if state.closing && (state.aborted || !abort) {
            return false;
        }
        state.closing = true;
        state.aborted |= abort;
        state.deadline = Some(deadline);
        true
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let state = std::mem::take(self.state.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()));
        if state.handle != 0 {
            self.shared.slots.write().unwrap()[state.handle as u32 as usize].entry = Entry::Ended;
            self.shared.free.lock().unwrap().push(state.handle as u32);
        }
        *self.shared.live.lock().unwrap() -= 1;
        // After a connection's last completion the host may end the instance: nothing of it is used any more.
        if let Some((told, error)) = state.failed {
            told.end(Err(error));
        }
        for each in state.closes {
            each.end(Ok(state.dropped));
        }
    }
}

/// An object on its way to being open. Dropped by a thread that died, the opening fails as INTERNAL.
pub struct Opening<T: ?Sized> {
    life: Option<Arc<Life>>,
    told: Option<Completion>,
    object: std::marker::PhantomData<fn(Arc<T>)>,
}

impl<T: ?Sized> Opening<T> {
    pub(crate) fn new(life: Arc<Life>, op: u64) -> Self {
        let told = Some(Completion::new(life.host(), op));
        Opening { life: Some(life), told, object: std::marker::PhantomData }
    }

    pub fn life(&self) -> &Arc<Life> {
        self.life.as_ref().expect("until it ends")
    }

    /// The completion follows when the life has ended: the host may end the instance at once.
    pub fn failed(mut self, error: Error) {
        self.fail(error);
    }

    fn fail(&mut self, error: Error) {
        if let (Some(life), Some(told)) = (self.life.take(), self.told.take()) {
            life.state.lock().unwrap().failed = Some((told, error));
        }
    }

    fn show(mut self, object: Object) -> bool {
        let life = Arc::clone(self.life());
        match life.shared.show(object, &life) {
            Err(error) => self.fail(error),
            Ok(handle) => {
                if let Some(told) = self.told.take() {
                    told.end(Ok(handle));
                }
                return true;
            }
        }
        false
    }
}

impl Opening<dyn Connection> {
    /// It is open. False: it is closing already, and its thread should end.
    pub fn done(self, object: Arc<dyn Connection>) -> bool {
        self.show(Object::Connection(object))
    }
}

impl Opening<dyn Subscription> {
    /// As for a connection.
    pub fn done(self, object: Arc<dyn Subscription>) -> bool {
        self.show(Object::Subscription(object))
    }
}

impl<T: ?Sized> Drop for Opening<T> {
    fn drop(&mut self) {
        let (code, text) = match &self.life {
            Some(life) if life.closing() => (RST_E_CLOSED, "closed before it was open"),
            _ => (RST_E_INTERNAL, "the thread that was opening it ended"),
        };
        self.fail(Error::new(code, text));
    }
}
