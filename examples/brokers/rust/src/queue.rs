//! Jobs that wait for the connection's thread: verbs push them, the thread takes them, or fails those whose time is over.
use crate::wire::timeout;
use redis::Value;
use ruststream_plugin::{sys::*, Error, Event, Life, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

/// Most bytes that are written before replies are read.
const ROUND: usize = 1 << 20;

/// Who learns what became of a job. Dropped without `end` when the thread died.
pub trait Told: Send {
    fn reply(&mut self, index: usize, reply: Result<Value>);
    /// After as many replies as there are commands, or the error that all the rest have in common.
    fn end(self: Box<Self>, error: Option<&Error>);
}

/// Commands, packed, and who learns of their replies.
pub struct Job {
    pub wire: Vec<u8>,
    pub commands: usize,
    pub due: Instant,
    /// Doing it twice is doing it once: it is written again after a loss.
    pub repeatable: bool,
    pub told: Box<dyn Told>,
    /// Whose it is, dropped last: its close completes behind the job.
    pub life: Arc<Life>,
}

impl Job {
    pub fn fail(mut self, from: usize, error: &Error) {
        for index in from..self.commands {
            self.told.reply(index, Err(error.clone()));
        }
        self.told.end(Some(error));
    }
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
    orphaned: bool,
    refused: Vec<Weak<Life>>, // publishers that are owed a PUB_WRITABLE
}

pub struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
    limit: usize,
}

impl Queue {
    /// `limit`: bytes of commands, beyond which there is no room.
    pub fn new(limit: usize) -> Self {
        Queue { waiting: Mutex::default(), ready: Condvar::new(), limit }
    }
    /// False, and nothing is queued, where there is no room for more bytes of messages.
    pub fn has_room(&self) -> bool {
        self.waiting.lock().unwrap().bytes < self.limit
    }
    pub fn limit(&self) -> usize {
        self.limit
    }
    pub fn push(&self, job: Job) {
        let mut waiting = self.waiting.lock().unwrap();
        if waiting.orphaned {
            return;
        }
        waiting.bytes += job.wire.len();
        waiting.jobs.push_back(job);
        self.ready.notify_one();
    }
    /// A PUB_WRITABLE follows when there is room (P4).
    pub fn refuse(&self, life: &Arc<Life>) {
        let mut waiting = self.waiting.lock().unwrap();
        let weak = Arc::downgrade(life);
        if !waiting.refused.iter().any(|each| each.ptr_eq(&weak)) {
            waiting.refused.push(weak);
        }
        self.ready.notify_one();
    }

    /// Nobody pushes any more: the thread ends when it has done what waits.
    pub fn close(&self) {
        self.waiting.lock().unwrap().closed = true;
        self.ready.notify_one();
    }
    /// The thread is gone: what waits ends by being dropped, and so does what comes.
    pub fn orphan(&self) {
        let orphaned = Waiting { orphaned: true, ..Waiting::default() };
        let _waiting = match self.waiting.lock() {
            Ok(mut waiting) => std::mem::replace(&mut *waiting, orphaned),
            Err(poisoned) => std::mem::replace(&mut *poisoned.into_inner(), orphaned),
        }; // dropped when the lock is free
    }
    pub fn wake(&self) {
        self.ready.notify_one();
    }

    /// Until there is something to do, or it is woken.
    pub fn wait(&self, most: Duration) {
        let waiting = self.waiting.lock().unwrap();
        if waiting.jobs.is_empty() && !waiting.closed && waiting.refused.is_empty() {
            drop(self.ready.wait_timeout(waiting, most));
        }
    }
    pub fn is_done(&self) -> bool {
        let waiting = self.waiting.lock().unwrap();
        waiting.closed && waiting.jobs.is_empty()
    }
    /// What may be written in one round.
    pub fn take(&self) -> Vec<Job> {
        let mut waiting = self.waiting.lock().unwrap();
        let (mut bytes, mut taken) = (0, Vec::new());
        while bytes < ROUND {
            match waiting.jobs.pop_front() {
                None => break,
                Some(job) => {
                    bytes += job.wire.len();
                    taken.push(job);
                }
            }
        }
        waiting.bytes -= bytes;
        taken
    }
    pub fn put_back(&self, jobs: Vec<Job>) {
        let mut waiting = self.waiting.lock().unwrap();
        for job in jobs.into_iter().rev() {
            waiting.bytes += job.wire.len();
            waiting.jobs.push_front(job);
        }
    }
    /// Fails what has waited for too long, what is closing and has no time left, or all with one error.
    pub fn expire(&self, all: Option<&Error>) {
        let now = Instant::now();
        let over = {
            let mut waiting = self.waiting.lock().unwrap();
            let is_over = |job: &Job| all.is_some() || job.due <= now || job.life.must_end();
            let (over, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut waiting.jobs).into_iter().partition(is_over);
            waiting.bytes = kept.iter().map(|job| job.wire.len()).sum();
            waiting.jobs = kept.into();
            over
        };
        for job in over {
            let error = if job.life.must_end() { cancelled() } else { all.cloned().unwrap_or_else(timeout) };
            job.fail(0, &error);
        }
        self.tell_writable();
    }
    pub fn tell_writable(&self) {
        let refused = {
            let mut waiting = self.waiting.lock().unwrap();
            if waiting.bytes >= self.limit {
                return;
            }
            std::mem::take(&mut waiting.refused)
        };
        for life in refused.iter().filter_map(Weak::upgrade) {
            life.event(RST_EVENT_PUB_WRITABLE, Event::default());
        }
    }
}

pub fn cancelled() -> Error {
    Error::new(RST_E_CANCELLED, "dropped: its connection, subscription or publisher is closed")
}
