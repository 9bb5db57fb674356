//! Publishing, of both kinds: PUBLISH and XADD, packed in the verb and written by the connection's thread.
use crate::link::Link;
use crate::queue::{Job, Told};
use crate::PUBSUB;
use redis::{cmd, Value};
use ruststream_plugin::{status, sys::*, Answer, Completion, Error, Life, Outgoing, Publish, Publisher, PublisherSpec};
use ruststream_plugin::{Receipt, Result};
use std::sync::Arc;
use std::time::Duration;

/// Of a stream's entry the first field; the rest are headers.
pub const PAYLOAD: &[u8] = b"payload";

pub struct RedisPublisher {
    link: Arc<Link>,
    destination: Vec<u8>,
    pubsub: bool,
    max_length: u64,
    life: Arc<Life>,
}

/// What waits for the replies to an array of messages.
struct Published {
    sent: Vec<(usize, bool)>, // index, mandatory
    pubsub: bool,
    receipt: Receipt,
}

impl Told for Published {
    fn reply(&mut self, index: usize, reply: Result<Value>) {
        let (message, mandatory) = self.sent[index];
        let said = match reply {
            Ok(Value::Int(0)) if self.pubsub && mandatory => -RST_E_NO_ROUTE,
            Ok(Value::Int(0)) if self.pubsub => RST_OK_UNROUTED,
            Ok(_) => RST_OK,
            Err(error) => error.status(),
        };
        self.receipt.set(message, said);
    }
    fn end(self: Box<Self>, _: Option<&Error>) {
        self.receipt.end();
    }
}

impl RedisPublisher {
    pub fn new(link: Arc<Link>, life: Arc<Life>, spec: &PublisherSpec) -> Self {
        let pubsub = spec.kind() == PUBSUB;
        let max_length = if pubsub { 0 } else { spec.options().u64("max_length") };
        RedisPublisher { link, destination: spec.destination().to_vec(), pubsub, max_length, life }
    }

    fn pack(&self, to: &[u8], message: &Outgoing, wire: &mut Vec<u8>) {
        if self.pubsub {
            return wire.extend(cmd("PUBLISH").arg(to).arg(message.payload).get_packed_command());
        }
        let mut add = cmd("XADD");
        add.arg(to);
        if self.max_length != 0 {
            add.arg("MAXLEN").arg("~").arg(self.max_length);
        }
        add.arg("*").arg(PAYLOAD).arg(message.payload);
        for (name, value) in message.headers() {
            add.arg(name).arg(value);
        }
        wire.extend(add.get_packed_command());
    }
}

impl Publisher for RedisPublisher {
    fn publish(&self, call: Publish) -> Result<Answer> {
        let (mut wire, mut sent, mut wrong, mut taken) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let room = self.link.queue.has_room();
        while taken < call.len() && room && wire.len() < self.link.queue.limit() {
            match call.message(taken) {
                Err(status) => wrong.push((taken, status)),
                Ok(message) => {
                    match if message.destination.is_empty() { &self.destination } else { message.destination } {
                        [] => wrong.push((taken, status(RST_E_INVALID, RST_ERROR_USER))),
                        to => {
                            self.pack(to, &message, &mut wire);
                            sent.push((taken, message.mandatory));
                        }
                    }
                }
            }
            taken += 1;
        }
        if taken < call.len() {
            self.link.queue.refuse(&self.life);
            if taken == 0 {
                let text = "commands wait to be written; a PUB_WRITABLE follows, or raise `write_buffer`";
                return Err(Error::new(RST_E_BACKPRESSURE, text).with(RST_ERROR_RETRYABLE));
            }
        }
        let due = self.link.due(call.timeout());
        let answer = call.answer();
        let receipt = call.accept(taken, wrong);
        let commands = sent.len();
        let told = Box::new(Published { sent, pubsub: self.pubsub, receipt });
        self.link.queue.push(Job { wire, commands, due, repeatable: false, told, life: Arc::clone(&self.life) });
        Ok(answer)
    }

    fn flush(&self, timeout: Option<Duration>, completion: Completion) {
        self.link.flush_for(&self.life, timeout, completion);
    }
}
