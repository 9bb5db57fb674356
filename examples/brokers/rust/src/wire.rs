//! One session with the server, and how it is made: the client library's connection, read in short ticks, so that its
//! thread notices what else there is to do.
use crate::settings::Settings;
use redis::{cmd, Cmd, RedisError, Value};
use ruststream_plugin::{sys::*, Error, Result};
use std::time::{Duration, Instant};

/// How long a read waits before its thread looks around.
pub const TICK: Duration = Duration::from_millis(20);
/// Longest that one attempt to connect, or one write, may take.
pub const PATIENCE: Duration = Duration::from_secs(1);

pub struct Wire {
    connection: redis::Connection,
    heard: Instant,
    asked: Option<Instant>, // when a PING was sent that is not answered
    keepalive: Duration,
}

/// What a read may bring.
pub enum Heard {
    Value(Value),
    /// The server answers a command with an error.
    Refusal(Error),
    /// A tick passed.
    Nothing,
}

impl Wire {
    /// An authenticated session, until `until` or as long as `go_on`.
    pub fn open(settings: &Settings, until: Instant, go_on: impl Fn() -> bool) -> Result<Wire> {
        if !go_on() {
            return Err(closed());
        }
        let left = until.saturating_duration_since(Instant::now()).clamp(TICK, PATIENCE);
        let client = redis::Client::open(settings.server.clone()).map_err(|error| lost(&error))?;
        let connection = client.get_connection_with_timeout(left).map_err(|error| lost(&error))?;
        connection.set_read_timeout(Some(TICK)).map_err(|error| lost(&error))?;
        connection.set_write_timeout(Some(PATIENCE)).map_err(|error| lost(&error))?;
        let mut wire = Wire { connection, heard: Instant::now(), asked: None, keepalive: settings.keepalive };

        let mut greeting = Vec::new();
        if !settings.user.is_empty() {
            greeting.push(cmd("AUTH").arg(&settings.user[..]).arg(&settings.password[..]).clone());
        } else if !settings.password.is_empty() {
            greeting.push(cmd("AUTH").arg(&settings.password[..]).clone());
        }
        if settings.database != 0 {
            greeting.push(cmd("SELECT").arg(settings.database).clone());
        }
        greeting.push(cmd("PING"));
        let mut ask = |command: &Cmd| wire.ask(command, until.min(Instant::now() + settings.keepalive), &go_on);
        for command in &greeting {
            ask(command)??;
        }
        if !settings.client_name.is_empty() {
            // The server does not take every name; it does without.
            drop(ask(cmd("CLIENT").arg("SETNAME").arg(&settings.client_name[..]))?);
        }
        Ok(wire)
    }

    pub fn send(&mut self, packed: &[u8]) -> Result<()> {
        self.connection.send_packed_command(packed).map_err(|error| lost(&error))
    }

    pub fn receive(&mut self) -> Result<Heard> {
        match self.connection.recv_response() {
            Ok(value) => {
                (self.heard, self.asked) = (Instant::now(), None);
                Ok(Heard::Value(value))
            }
            Err(error) if error.is_timeout() => Ok(Heard::Nothing),
            Err(error) if error.is_io_error() || error.to_string().starts_with("parse error") => Err(lost(&error)),
            Err(error) => {
                (self.heard, self.asked) = (Instant::now(), None);
                Ok(Heard::Refusal(refusal(&error)))
            }
        }
    }

    /// The server has been silent for longer than `patience`.
    pub fn is_silent(&self, patience: Duration) -> bool {
        self.heard.elapsed() > patience
    }

    /// A wire on which nothing is expected: asks whether the server is there. True when a reply to that will come.
    pub fn ping(&mut self) -> Result<bool> {
        match self.asked {
            Some(at) if at.elapsed() > self.keepalive / 2 => Err(silent()),
            None if self.is_silent(self.keepalive / 2) => {
                self.asked = Some(Instant::now());
                self.send(&cmd("PING").get_packed_command())?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// One command and its reply; the outer error is the loss of the session.
    pub fn ask(&mut self, command: &Cmd, until: Instant, go_on: impl Fn() -> bool) -> Result<Result<Value>> {
        self.send(&command.get_packed_command())?;
        self.reply(until, go_on)
    }

    pub fn reply(&mut self, until: Instant, go_on: impl Fn() -> bool) -> Result<Result<Value>> {
        loop {
            match self.receive()? {
                Heard::Value(value) => return Ok(Ok(value)),
                Heard::Refusal(error) => return Ok(Err(error)),
                Heard::Nothing if Instant::now() > until => return Err(silent()),
                Heard::Nothing if !go_on() => return Err(closed()),
                Heard::Nothing => {}
            }
        }
    }
}

fn closed() -> Error {
    Error::new(RST_E_CLOSED, "closed meanwhile")
}

pub fn silent() -> Error {
    Error::new(RST_E_UNAVAILABLE, "the server does not answer; look whether it is reachable").with(RST_ERROR_RETRYABLE)
}

pub fn timeout() -> Error {
    Error::new(RST_E_TIMEOUT, "the operation's time ran out").with(RST_ERROR_RETRYABLE)
}

fn lost(error: &RedisError) -> Error {
    Error::new(RST_E_UNAVAILABLE, format!("the session with the server is lost: {error}")).with(RST_ERROR_RETRYABLE)
}

/// The server's own words, but for those about credentials.
fn refusal(error: &RedisError) -> Error {
    let text = format!("the server refuses: {} {}", error.code().unwrap_or("ERR"), error.detail().unwrap_or(""));
    match error.code().unwrap_or("ERR") {
        "NOAUTH" | "WRONGPASS" => {
            let text = "the server refuses the credentials; set `user` and `password`";
            Error::new(RST_E_UNAUTHENTICATED, text).with(RST_ERROR_AUTH | RST_ERROR_USER)
        }
        "NOPERM" => Error::new(RST_E_DENIED, text).with(RST_ERROR_AUTH),
        "NOGROUP" => Error::new(RST_E_NOT_FOUND, text),
        "BUSYGROUP" => Error::new(RST_E_EXISTS, text),
        "WRONGTYPE" => Error::new(RST_E_PRECONDITION, text),
        "OOM" => Error::new(RST_E_EXHAUSTED, text).with(RST_ERROR_RETRYABLE),
        "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "READONLY" => {
            Error::new(RST_E_UNAVAILABLE, text).with(RST_ERROR_RETRYABLE)
        }
        _ => Error::new(RST_E_INVALID, text),
    }
}

/// The pause before the next attempt: doubled each time, with jitter, so that many clients do not come back at once.
pub struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    pub fn new(settings: &Settings) -> Self {
        Backoff { next: settings.delay, most: settings.max_delay }
    }
    pub fn pause(&mut self) -> Duration {
        use std::hash::{BuildHasher, Hasher};
        let noise = std::collections::hash_map::RandomState::new().build_hasher().finish() % 500;
        let pause = self.next.mul_f64(0.75 + noise as f64 / 1000.0);
        self.next = (self.next * 2).min(self.most);
        pause
    }
}
