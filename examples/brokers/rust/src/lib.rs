//! A broker over Redis: its pub/sub channels and its streams, a kind each.
//!
//! A connection has a thread that writes and reads in turn (link.rs); each subscription has a thread and a session of its
//! own, for what Redis pushes or blocks on (pubsub.rs, streams.rs). No verb waits for any of them.
#![forbid(unsafe_code)]

mod group;
mod link;
mod publisher;
mod pubsub;
mod queue;
mod sessions;
mod settings;
mod streams;
mod wire;

use ruststream_plugin::{cap, option, plugin, sys::*};
use ruststream_plugin::{Broker, Connection, ConnectionSpec, Error, Kind, Opening, Opt, Plan, Report, Result, Spec};
use ruststream_plugin::{Capability, SubscriptionSpec};
use settings::Settings;

pub const PUBSUB: usize = 0;

const PUBSUB_CAPS: &[Capability] = &[
    cap(RST_CAP_PUBLISH_CONFIRM),
    cap(RST_CAP_PUBLISH_ORDER),
    cap(RST_CAP_UNROUTED),
    cap(RST_CAP_WILDCARD),
    cap(RST_CAP_BATCH).limit(pubsub::MAX_BATCH as u64),
    cap(RST_CAP_OVERFLOW).limit(RST_OVERFLOW_DROP),
    cap(RST_CAP_PAYLOAD).limit(RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES),
];

const HEADERS: u64 = RST_HEADERS_ANY_VALUE
    | RST_HEADERS_ANY_NAME
    | RST_HEADERS_ORDER
    | RST_HEADERS_DUPLICATES
    | RST_HEADERS_EMPTY
    | RST_HEADERS_CASE;

const STREAM_CAPS: &[Capability] = &[
    cap(RST_CAP_SETTLE),
    cap(RST_CAP_SETTLE_CONFIRM),
    cap(RST_CAP_RETRY),
    cap(RST_CAP_RELEASE).flags(RST_CAP_LOSES_ORDER),
    cap(RST_CAP_REJECT),
    cap(RST_CAP_REJECT_TO),
    cap(RST_CAP_EXTEND),
    cap(RST_CAP_ATTEMPT),
    cap(RST_CAP_GROUP),
    cap(RST_CAP_PUBLISH_CONFIRM),
    cap(RST_CAP_PUBLISH_ORDER),
    cap(RST_CAP_BATCH).limit(streams::MAX_BATCH as u64),
    cap(RST_CAP_OVERFLOW).limit(RST_OVERFLOW_BLOCK),
    cap(RST_CAP_HEADERS).limit(HEADERS),
    cap(RST_CAP_PAYLOAD).limit(RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES),
];

const BOTH: u32 = RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER;
const MS: i64 = 1_000_000;
const HOUR: i64 = 3_600_000 * MS;
const MIB: i64 = 1 << 20;

struct Redis;

impl Broker for Redis {
    const KINDS: &'static [Kind] = &[
        Kind::new("pubsub", "channels: who listens gets a message, and nothing is kept", BOTH, PUBSUB_CAPS),
        Kind::new("stream", "streams with consumer groups: kept, shared and settled", BOTH, STREAM_CAPS),
    ];

    const OPTIONS: &'static [Opt] = &[
        option("user", RST_TYPE_STRING, RST_SCOPE_CONNECTION, "name of an ACL user; else the URL's"),
        option("password", RST_TYPE_STRING, RST_SCOPE_CONNECTION, "its password; else the URL's").secret(),
        option("connect_timeout", RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "until a connection must be made")
            .default("5s")
            .range(10 * MS, HOUR),
        option("op_timeout", RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "until an operation must have ended")
            .default("10s")
            .range(10 * MS, HOUR),
        option("keepalive", RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "a server that is silent for longer is lost")
            .default("5s")
            .range(100 * MS, HOUR),
        option(
            "reconnect.delay",
            RST_TYPE_DURATION,
            RST_SCOPE_CONNECTION,
            "pause before the second attempt, then doubled",
        )
        .default("50ms")
        .range(10 * MS, HOUR),
        option("reconnect.max_delay", RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "longest pause between attempts")
            .default("2s")
            .range(10 * MS, HOUR),
        option(
            "reconnect.auth_attempts",
            RST_TYPE_U64,
            RST_SCOPE_CONNECTION,
            "how often refused credentials are tried",
        )
        .default("2")
        .range(1, 1000),
        option(
            "write_buffer",
            RST_TYPE_SIZE,
            RST_SCOPE_CONNECTION,
            "commands that wait to be written; then publish is refused",
        )
        .default("8MiB")
        .range(1, 1024 * MIB),
        option(
            "pending_messages",
            RST_TYPE_U64,
            RST_SCOPE_SUBSCRIPTION,
            "most messages that wait for credit; then they drop",
        )
        .default("65536")
        .range(1, 1 << 24)
        .kinds(1),
        option(
            "pending_bytes",
            RST_TYPE_SIZE,
            RST_SCOPE_SUBSCRIPTION,
            "most bytes that wait for credit; then they drop",
        )
        .default("64MiB")
        .range(1, 4096 * MIB)
        .kinds(1),
        option(
            "ack_wait",
            RST_TYPE_DURATION,
            RST_SCOPE_SUBSCRIPTION,
            "after which an unsettled entry goes to whoever asks",
        )
        .default("30s")
        .range(500 * MS, 24 * HOUR)
        .kinds(2),
        option("start", RST_TYPE_ENUM, RST_SCOPE_SUBSCRIPTION, "where a group begins that is not there yet")
            .default("new")
            .choices(streams::STARTS)
            .kinds(2),
        option("max_length", RST_TYPE_U64, RST_SCOPE_PUBLISHER, "about how many entries a stream keeps; 0 is all")
            .default("0")
            .range(0, i64::MAX - 1)
            .kinds(2),
    ];

    fn new() -> Result<Self> {
        Ok(Redis)
    }

    fn validate(spec: &Spec, plan: &mut Plan, report: &mut Report) {
        match spec {
            Spec::Connection(spec) => match Settings::read(spec) {
                Ok(settings) => report.text(RST_TEXT_SERVER_DISPLAY, &settings.display()),
                Err(error) => report.issue(error),
            },
            Spec::Subscription(spec) if spec.kind() == PUBSUB => {
                plan.max_batch = pubsub::MAX_BATCH as u32;
                check_addresses(spec, report);
                if !spec.durable().is_empty() {
                    let text =
                        "Redis keeps nothing for who does not listen: leave `durable` out, or take kind `stream`";
                    report.issue(Error::new(RST_E_UNSUPPORTED, text));
                }
            }
            Spec::Subscription(spec) => {
                plan.max_batch = streams::MAX_BATCH as u32;
                plan.ack_deadline = spec.options().duration("ack_wait");
                check_addresses(spec, report);
                if spec.addresses().count() > 1 {
                    report.issue(Error::new(RST_E_UNSUPPORTED, "a subscription reads one stream; make one for each"));
                }
                if spec.addresses().any(|address| address == spec.dead_letter()) {
                    let text = "what is rejected would come again: `dead_letter` must be another stream";
                    report.issue(Error::new(RST_E_INVALID, text));
                }
                if !spec.durable().is_empty() && spec.durable() != spec.group() {
                    let text = "the group is what outlives a session: `durable` must be its name";
                    report.issue(Error::new(RST_E_UNSUPPORTED, text));
                }
            }
            Spec::Publisher(_) => {}
        }
    }

    fn connect(&self, opening: Opening<dyn Connection>, spec: &ConnectionSpec) {
        match Settings::read(spec) {
            Ok(settings) => link::start(opening, settings),
            Err(error) => opening.failed(error),
        }
    }
}

fn check_addresses(spec: &SubscriptionSpec, report: &mut Report) {
    if spec.addresses().count() == 0 || spec.addresses().any(<[u8]>::is_empty) {
        report.issue(Error::new(RST_E_INVALID, "a subscription needs addresses that are not empty"));
    }
}

plugin!(Redis, "org.example.redis", "0.1.0", "libruststream's examples", "redis");
