//! What a connection needs to know, from its URL and options.
use redis::{ConnectionAddr, ConnectionInfo};
use ruststream_plugin::{sys::*, ConnectionSpec, Error, Result};
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone)]
pub struct Settings {
    /// Without what is a secret: the greeting is ours, since the client library's has no timeout.
    pub server: ConnectionInfo,
    /// Empty where there is none, as the password.
    pub user: Vec<u8>,
    pub password: Vec<u8>,
    pub database: i64,
    pub client_name: Vec<u8>,
    pub retry_initial: bool,
    pub connect_timeout: Duration,
    pub op_timeout: Duration,
    pub keepalive: Duration,
    pub delay: Duration,
    pub max_delay: Duration,
    pub auth_attempts: u64,
    pub write_buffer: usize,
}

impl Settings {
    pub fn read(spec: &ConnectionSpec) -> Result<Self> {
        // The URL is a secret (O2): it is in no text.
        let wrong = || Error::new(RST_E_INVALID, "the `url` must be like redis://user@host:6379/0");
        let url = std::str::from_utf8(spec.url()).map_err(|_| wrong())?;
        let url = if url == "redis:" { "redis://127.0.0.1:6379" } else { url };
        let mut server = ConnectionInfo::from_str(url).map_err(|_| wrong())?;
        if matches!(server.addr, ConnectionAddr::TcpTls { .. }) {
            return Err(Error::new(RST_E_UNSUPPORTED, "this plugin has no TLS; its `url` begins with redis://"));
        }
        let options = spec.options();
        let secrets = std::mem::take(&mut server.redis);
        let or = |name, of_url: Option<String>| match options.text(name) {
            b"" => of_url.unwrap_or_default().into_bytes(),
            given => given.to_vec(),
        };
        Ok(Settings {
            server,
            user: or("user", secrets.username),
            password: or("password", secrets.password),
            database: secrets.db,
            client_name: spec.client_name().to_vec(),
            retry_initial: spec.retry_initial(),
            connect_timeout: spec.timeout().unwrap_or_else(|| options.duration("connect_timeout")),
            op_timeout: options.duration("op_timeout"),
            keepalive: options.duration("keepalive"),
            delay: options.duration("reconnect.delay"),
            max_delay: options.duration("reconnect.max_delay"),
            auth_attempts: options.u64("reconnect.auth_attempts"),
            write_buffer: options.u64("write_buffer") as usize,
        })
    }

    pub fn display(&self) -> String {
        self.server.addr.to_string()
    }
}
