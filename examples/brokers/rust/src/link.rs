//! A connection: one thread that owns a session and a queue of jobs. It writes what waits, in order and at once, then reads
//! as many replies.
use crate::publisher::RedisPublisher;
use crate::queue::{cancelled, Job, Queue, Told};
use crate::settings::Settings;
use crate::wire::{silent, timeout, Backoff, Heard, Wire, PATIENCE, TICK};
use crate::{pubsub, streams, PUBSUB};
use redis::Value;
use ruststream_plugin::{sys::*, Completion, Connection, Error, Event, Life, Opening, Publisher, Result, Subscription};
use ruststream_plugin::{PublisherSpec, SubscriptionSpec};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// On its way: how many of its replies have come, and the job, until its time is over.
struct Written {
    got: usize,
    commands: usize,
    job: Option<Job>,
}

/// The server may have done it.
const UNCERTAIN: u32 = RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED;

pub struct Link {
    pub life: Arc<Life>,
    pub queue: Arc<Queue>,
    pub settings: Arc<Settings>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.queue.close();
    }
}

struct Flush(Completion);

impl Told for Flush {
    fn reply(&mut self, _: usize, _: Result<Value>) {}
    fn end(self: Box<Self>, error: Option<&Error>) {
        self.0.end(error.map_or(Ok(0), |error| Err(error.clone())));
    }
}

impl Link {
    pub fn due(&self, timeout: Option<Duration>) -> Instant {
        Instant::now() + timeout.unwrap_or(self.settings.op_timeout)
    }

    pub fn flush_for(&self, life: &Arc<Life>, timeout: Option<Duration>, completion: Completion) {
        let (told, due) = (Box::new(Flush(completion)), self.due(timeout));
        self.queue.push(Job { wire: Vec::new(), commands: 0, due, repeatable: true, told, life: Arc::clone(life) });
    }
}

impl Connection for Link {
    fn subscribe(self: Arc<Self>, opening: Opening<dyn Subscription>, spec: &SubscriptionSpec) {
        if spec.kind() == PUBSUB {
            pubsub::start(self, opening, spec);
        } else {
            streams::start(self, opening, spec);
        }
    }
    fn open_publisher(self: Arc<Self>, life: Arc<Life>, spec: &PublisherSpec) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(RedisPublisher::new(self, life, spec)))
    }
    fn flush(&self, timeout: Option<Duration>, completion: Completion) {
        self.flush_for(&self.life, timeout, completion);
    }
    fn close(&self) {
        self.queue.wake();
    }
}

pub fn start(opening: Opening<dyn Connection>, settings: Settings) {
    let life = Arc::clone(opening.life());
    let queue = Arc::new(Queue::new(settings.write_buffer));
    let thread = LinkThread { life: Arc::clone(&life), queue, settings: Arc::new(settings) };
    // An opening that no thread could be started for fails by being dropped.
    let _ = life.spawn("rst-redis", move || thread.run(opening));
}

struct LinkThread {
    queue: Arc<Queue>,
    settings: Arc<Settings>,
    life: Arc<Life>,
}

impl Drop for LinkThread {
    /// Also by a panic: what waits, and what comes, must not keep its publishers and subscriptions from closing.
    fn drop(&mut self) {
        self.queue.orphan();
    }
}

impl LinkThread {
    fn run(self, opening: Opening<dyn Connection>) {
        let until = Instant::now() + self.settings.connect_timeout;
        let mut backoff = Backoff::new(&self.settings);
        let mut wire = loop {
            let begun = Instant::now();
            match Wire::open(&self.settings, until, || !self.life.closing()) {
                Ok(wire) => break wire,
                Err(_) if self.life.closing() => return, // the opening says so
                Err(error) => {
                    // Silence is no refusal: the server may still come in time.
                    let again = self.settings.retry_initial || begun.elapsed() >= PATIENCE;
                    let again = again && error.flags & RST_ERROR_AUTH == 0;
                    let pause = backoff.pause();
                    if !again || Instant::now() + pause >= until {
                        return opening.failed(error);
                    }
                    std::thread::sleep(pause.min(until.saturating_duration_since(Instant::now())));
                }
            }
        };
        let (life, queue, settings) = (Arc::clone(&self.life), Arc::clone(&self.queue), Arc::clone(&self.settings));
        if !opening.done(Arc::new(Link { life, queue, settings })) {
            return;
        }
        loop {
            let display = self.settings.display();
            self.life.event(RST_EVENT_CONN_UP, Event { text: &display, ..Event::default() });
            let error = match self.serve(&mut wire) {
                Ok(()) => return,
                Err(error) => error,
            };
            if !self.life.closing() {
                self.life.event(RST_EVENT_CONN_DOWN, Event { error: Some(&error), ..Event::default() });
            }
            drop(wire);
            wire = match self.reconnect() {
                Some(wire) => wire,
                None => return,
            };
        }
    }

    /// None: it is closed, or the credentials are refused for good, and so all that waited has failed.
    fn reconnect(&self) -> Option<Wire> {
        let (mut backoff, mut refused) = (Backoff::new(&self.settings), 0);
        let go_on = || {
            self.queue.expire(None);
            !self.life.must_end()
        };
        loop {
            let until = Instant::now() + self.settings.connect_timeout;
            match Wire::open(&self.settings, until, go_on) {
                Ok(wire) => return Some(wire),
                Err(error) if error.flags & RST_ERROR_AUTH != 0 => {
                    refused += 1;
                    if refused >= self.settings.auth_attempts {
                        self.life.event(RST_EVENT_CONN_FAILED, Event { error: Some(&error), ..Event::default() });
                        return self.wait_for_the_end(&error);
                    }
                }
                Err(_) => {}
            }
            let again = Instant::now() + backoff.pause();
            loop {
                self.queue.expire(None);
                if self.queue.is_done() {
                    return None;
                }
                if Instant::now() >= again {
                    break;
                }
                std::thread::sleep(TICK);
            }
        }
    }

    fn wait_for_the_end(&self, error: &Error) -> Option<Wire> {
        while !self.queue.is_done() {
            self.queue.expire(Some(error));
            std::thread::sleep(TICK);
        }
        None
    }

    /// Until the session is lost, or nothing can come any more.
    fn serve(&self, wire: &mut Wire) -> Result<()> {
        loop {
            self.queue.wait(self.settings.keepalive / 4);
            self.queue.expire(None);
            let jobs = self.queue.take();
            self.queue.tell_writable();
            if !jobs.is_empty() {
                self.round(wire, jobs)?;
            } else if self.queue.is_done() {
                return Ok(());
            } else if wire.ping()? {
                self.read_replies(wire, &mut VecDeque::from([Written { got: 0, commands: 1, job: None }]))?;
            }
        }
    }

    fn round(&self, wire: &mut Wire, mut jobs: Vec<Job>) -> Result<()> {
        let mut packed = Vec::new();
        for job in &mut jobs {
            if job.repeatable {
                packed.extend_from_slice(&job.wire);
            } else {
                packed.extend(std::mem::take(&mut job.wire)); // never written again
            }
        }
        let sent = wire.send(&packed);
        drop(packed); // messages must not lie here until their replies come
        let mut written: VecDeque<Written> =
            jobs.into_iter().map(|job| Written { got: 0, commands: job.commands, job: Some(job) }).collect();
        let lost = match sent.and_then(|()| self.read_replies(wire, &mut written)) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let mut again = Vec::new();
        for mut each in written {
            match each.job.take() {
                Some(job) if job.repeatable => again.push(job),
                Some(job) => job.fail(each.got, &lost.clone().with(UNCERTAIN)),
                None => {}
            }
        }
        self.queue.put_back(again);
        Err(lost)
    }

    fn read_replies(&self, wire: &mut Wire, written: &mut VecDeque<Written>) -> Result<()> {
        let begun = Instant::now();
        loop {
            while written.front().map_or(false, |first| first.got == first.commands) {
                if let Some(job) = written.pop_front().and_then(|first| first.job) {
                    job.told.end(None);
                }
            }
            let first = match written.front_mut() {
                Some(first) => first,
                None => return Ok(()),
            };
            let reply = match wire.receive()? {
                Heard::Value(value) => Ok(value),
                Heard::Refusal(error) => Err(error),
                Heard::Nothing => {
                    self.look_around(written)?;
                    if wire.is_silent(self.settings.keepalive) && begun.elapsed() > self.settings.keepalive {
                        return Err(silent());
                    }
                    continue;
                }
            };
            if let Some(job) = &mut first.job {
                job.told.reply(first.got, reply);
            }
            first.got += 1;
        }
    }

    /// A tick of waiting for replies: whose time is over is told so, and its replies are read for nobody.
    fn look_around(&self, written: &mut VecDeque<Written>) -> Result<()> {
        self.queue.expire(None);
        let now = Instant::now();
        for each in written {
            if let Some(job) = each.job.take() {
                if job.due <= now || job.life.must_end() {
                    job.fail(each.got, &timeout().with(UNCERTAIN));
                } else {
                    each.job = Some(job);
                }
            }
        }
        if self.life.must_end() {
            Err(cancelled())
        } else {
            Ok(())
        }
    }
}
