//! What the subscriptions of both kinds have in common: a thread with a session of its own, made again when it is lost.
use crate::link::Link;
use crate::wire::{Backoff, Wire, TICK};
use ruststream_plugin::{sys::*, Error, Event, Life, Opening, Result, Subscription};
use std::sync::Arc;
use std::time::Instant;

pub trait Reader: Subscription {
    fn link(&self) -> &Link;
    fn life(&self) -> &Arc<Life>;
    /// A session on which everything is prepared; `again` after a loss.
    fn open(&self, until: Instant, again: bool) -> Result<Wire>;
    /// Until the subscription is closing, or its session is lost.
    fn serve(&self, wire: &mut Wire) -> Result<()>;
    /// Nothing is delivered any more: what is left goes where it should.
    fn leave(&self);
}

pub fn start<R: Reader>(reader: R, opening: Opening<dyn Subscription>, until: Instant) {
    let life = Arc::clone(opening.life());
    // An opening that no thread could be started for fails by being dropped.
    let _ = life.spawn("rst-redis-sub", move || run(Arc::new(reader), opening, until));
}

fn run<R: Reader>(reader: Arc<R>, opening: Opening<dyn Subscription>, until: Instant) {
    let mut wire = match open(&*reader, Some(until)) {
        Ok(wire) => wire,
        Err(_) if reader.life().closing() => return, // the opening says so
        Err(error) => return opening.failed(error),
    };
    if opening.done(Arc::clone(&reader) as Arc<dyn Subscription>) {
        loop {
            reader.life().event(RST_EVENT_SUB_UP, Event::default());
            let tell =
                |kind, error: &Error| reader.life().event(kind, Event { error: Some(error), ..Event::default() });
            match reader.serve(&mut wire) {
                Ok(()) => break,
                Err(_) if reader.life().closing() => break,
                Err(error) => tell(RST_EVENT_SUB_DOWN, &error),
            }
            drop(wire); // so that the server gives it nothing any more
            wire = match open(&*reader, None) {
                Ok(again) => again,
                Err(error) => {
                    if !reader.life().closing() {
                        tell(RST_EVENT_SUB_ENDED, &error);
                    }
                    break;
                }
            };
        }
    }
    reader.leave();
}

/// Tries until it works: the first time until `until`, later until it is closing or the credentials are refused for good.
fn open<R: Reader>(reader: &R, until: Option<Instant>) -> Result<Wire> {
    let settings = &reader.link().settings;
    let (mut backoff, mut refused) = (Backoff::new(settings), 0);
    loop {
        let error =
            match reader.open(until.unwrap_or_else(|| Instant::now() + settings.connect_timeout), until.is_none()) {
                Ok(wire) => return Ok(wire),
                Err(error) => error,
            };
        refused += u64::from(error.flags & RST_ERROR_AUTH != 0);
        let hopeless = match until {
            Some(until) => Instant::now() >= until || error.flags & RST_ERROR_RETRYABLE == 0,
            None => refused >= settings.auth_attempts,
        };
        if hopeless || reader.life().closing() {
            return Err(error);
        }
        let again = Instant::now() + backoff.pause();
        while Instant::now() < again.min(until.unwrap_or(again)) && !reader.life().closing() {
            std::thread::sleep(TICK);
        }
    }
}
