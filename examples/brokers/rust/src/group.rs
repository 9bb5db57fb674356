//! A consumer of a group of a stream, as commands.
//!
//! Who gives an entry back makes it idle for so long that the next XAUTOCLAIM, of whichever member, takes it; its count of
//! deliveries is set so that the claim, which adds one, makes it what `attempt` should be.
use redis::{cmd, Cmd, Value};
use std::time::Duration;

/// Longest that a read keeps its thread from looking around.
pub const BLOCK: Duration = Duration::from_millis(50);
/// The consumer under whose name lies what nobody has; GIVE_BACK_ALL says it too.
const GIVEN_BACK: &str = "given-back";

/// Gives back what lies under a consumer's name, but for the entries named; takes the consumer out of the group where it
/// leaves. KEYS: stream. ARGV: group, consumer, idle, "leave" or "stay", entries.
const GIVE_BACK_ALL: &str = "
local kept = {}
for at = 5, #ARGV do kept[ARGV[at]] = true end
local from = '-'
while true do
  local some = redis.call('XPENDING', KEYS[1], ARGV[1], from, '+', 1000, ARGV[2])
  for _, entry in ipairs(some) do
    from = '(' .. entry[1]
    if not kept[entry[1]] then
      redis.call('XCLAIM', KEYS[1], ARGV[1], 'given-back', 0, entry[1],
                 'IDLE', ARGV[3], 'RETRYCOUNT', math.max(entry[4] - 1, 0), 'JUSTID')
    end
  end
  if #some < 1000 then break end
end
if ARGV[4] == 'leave' then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end";

/// Moves an entry, whole, to another stream. KEYS: both. ARGV: group, entry, then fields to add.
const MOVE: &str = "
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if entry then
  local fields = entry[2]
  for at = 3, #ARGV do fields[#fields + 1] = ARGV[at] end
  redis.call('XADD', KEYS[2], '*', unpack(fields))
end
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])";

pub struct Group {
    pub key: Vec<u8>,
    pub name: Vec<u8>,
    pub consumer: Vec<u8>,
    pub ack_wait: Duration,
}

/// An entry as it is read: its id, and names and values in turn.
pub type Raw = (Vec<u8>, Vec<Vec<u8>>);

fn ms(time: Duration) -> u64 {
    time.as_millis() as u64
}

impl Group {
    fn command(&self, words: &[&str]) -> Cmd {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]).arg(&self.key).arg(&self.name);
        command
    }

    pub fn create(&self, start: &str) -> Cmd {
        self.command(&["XGROUP", "CREATE"]).arg(start).arg("MKSTREAM").clone()
    }
    pub fn destroy(&self) -> Cmd {
        self.command(&["XGROUP", "DESTROY"])
    }
    pub fn read(&self, count: usize) -> Cmd {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.name).arg(&self.consumer).arg("COUNT").arg(count).arg("BLOCK").arg(ms(BLOCK));
        read.arg("STREAMS").arg(&self.key).arg(">").clone()
    }
    pub fn claim(&self, cursor: &[u8], count: usize) -> Cmd {
        let mut claim = self.command(&["XAUTOCLAIM"]);
        claim.arg(&self.consumer).arg(ms(self.ack_wait)).arg(cursor).arg("COUNT").arg(count).clone()
    }
    pub fn count_of(&self, id: &[u8]) -> Cmd {
        self.command(&["XPENDING"]).arg(id).arg(id).arg(1).clone()
    }
    pub fn ack(&self, id: &[u8]) -> Cmd {
        self.command(&["XACK"]).arg(id).clone()
    }
    pub fn extend(&self, id: &[u8]) -> Cmd {
        self.command(&["XCLAIM"]).arg(&self.consumer).arg(0).arg(id).arg("IDLE").arg(0).arg("JUSTID").clone()
    }
    /// Whoever claims it next has it as `attempt`.
    pub fn give_back(&self, id: &[u8], attempt: u16) -> Cmd {
        let mut claim = self.command(&["XCLAIM"]);
        claim.arg(GIVEN_BACK).arg(0).arg(id).arg("IDLE").arg(ms(self.ack_wait));
        claim.arg("RETRYCOUNT").arg(attempt.saturating_sub(1)).arg("JUSTID").clone()
    }
    pub fn give_back_all(&self, leave: bool, kept: &[Vec<u8>]) -> Cmd {
        let mut script = cmd("EVAL");
        script.arg(GIVE_BACK_ALL).arg(1).arg(&self.key).arg(&self.name).arg(&self.consumer).arg(ms(self.ack_wait));
        script.arg(if leave { "leave" } else { "stay" }).arg(kept).clone()
    }
    /// To a dead letter, with why in a field of its own, and more fields.
    pub fn move_to<'a>(
        &self,
        dead_letter: &[u8],
        id: &[u8],
        reason: &[u8],
        more: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Cmd {
        let mut script = cmd("EVAL");
        script.arg(MOVE).arg(2).arg(&self.key).arg(dead_letter).arg(&self.name).arg(id);
        if !reason.is_empty() {
            script.arg("reason").arg(reason);
        }
        for (name, value) in more {
            script.arg(name).arg(value);
        }
        script
    }
}

/// Of XREADGROUP.
pub fn read_reply(reply: Value) -> Vec<Raw> {
    let of_key = list(reply).into_iter().next().map(list);
    of_key.and_then(|mut of_key| of_key.pop()).map_or_else(Vec::new, entries)
}

/// Of XAUTOCLAIM: where the next one goes on, and what is claimed.
pub fn claim_reply(reply: Value) -> (Vec<u8>, Vec<Raw>) {
    let mut parts = list(reply).into_iter();
    (parts.next().map_or_else(|| b"0-0".to_vec(), data), parts.next().map_or_else(Vec::new, entries))
}

/// Of XPENDING of one entry.
pub fn count_reply(reply: Value) -> Option<u16> {
    match list(reply).into_iter().next().map(list)?.pop()? {
        Value::Int(count) => Some(count.clamp(1, i64::from(u16::MAX)) as u16),
        _ => None,
    }
}

fn entries(all: Value) -> Vec<Raw> {
    let entry = |each: Value| {
        let mut parts = list(each).into_iter();
        Some((parts.next().map(data)?, list(parts.next()?).into_iter().map(data).collect()))
    };
    list(all).into_iter().filter_map(entry).collect()
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Bulk(all) => all,
        _ => Vec::new(),
    }
}

fn data(value: Value) -> Vec<u8> {
    match value {
        Value::Data(bytes) => bytes,
        _ => Vec::new(),
    }
}
