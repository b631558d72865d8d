//! The section `server`: how the service listens, and where people reach it.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::admin::AdminToken;
use crate::config::{Key, ListKey, Reader, parse};
use crate::net::{HttpsProxy, settings};
use crate::section;

/// More would not fit into the file descriptors that most machines grant.
const CONNECTIONS: RangeInclusive<usize> = 1..=65_536;
/// Below, requests of people who think are cut off; above, no proxy keeps a connection.
const IDLE_TIME: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// Above, whoever watches over processes loses patience first.
const DRAIN_TIME: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(1);
/// The key that was in use, and the one before it.
const LINK_KEYS_MOST: usize = 2;

section! {
    /// How the service listens.
    pub(crate) SECTION = "server";

    LISTEN: Key<SocketAddr> =
        Key::new("server.listen", "the IP address and port to listen on", parse::address)
            .or("127.0.0.1:3000");

    pub(crate) PUBLIC_URL: Key<Url> = Key::new(
        "server.public_url",
        "the https origin at which people reach this service, without a path",
        parse::origin,
    );

    pub(crate) LINK_KEYS: ListKey<SecretString> = ListKey::new(
        "server.link_keys",
        "the keys that signed personal links before pages were kept in the store, for a day after \
         the upgrade",
        parse::signing_key,
    )
    .secret();

    pub(crate) ADMIN_TOKENS: ListKey<AdminToken> = ListKey::new(
        "server.admin_tokens",
        "the tokens of the admin API, each as name:role:token with one of the roles read, people and all",
        AdminToken::parse,
    )
    .secret();

    OPS_LISTEN: Key<SocketAddr> = Key::new(
        "server.ops_listen",
        "the IP address and port of the operators' own address, for /metrics, /readyz and the admin API",
        parse::address,
    )
    .or("127.0.0.1:3001");

    PROXY: Key<HttpsProxy> = Key::new(
        "server.proxy",
        "the address of an HTTP proxy for outgoing https, like http://proxy.example.com:3128",
        settings::proxy,
    )
    .secret();

    MAX_CONNECTIONS: Key<usize> = Key::new(
        "server.max_connections",
        "how many connections are served at a time",
        |text| parse::count(text, &CONNECTIONS),
    )
    .or("1024");

    IDLE_TIMEOUT: Key<Duration> = Key::new(
        "server.idle_timeout",
        "how long a connection may be idle between requests",
        |text| parse::time(text, &IDLE_TIME),
    )
    .or("75s");

    DRAIN: Key<Duration> = Key::new(
        "server.drain",
        "how long the service goes on serving, not ready, after it was told to stop",
        |text| parse::time(text, &DRAIN_TIME),
    )
    .or("5s");
}

/// How the service listens.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The origin at which people reach the service: https, or http on this machine.
    pub public_url: Option<Url>,
    /// Keys that signed addresses of personal pages before pages were kept in the store; two at most.
    pub link_keys: Vec<SecretString>,
    /// Who may use the admin API; without any there is none.
    pub(crate) admin_tokens: Vec<AdminToken>,
    /// The operators' own address, for `/metrics`, `/readyz` and the admin API.
    pub ops_listen: SocketAddr,
    /// How many connections are served at a time.
    pub max_connections: usize,
    /// How long a connection may be idle between requests.
    pub idle_timeout: Duration,
    /// How long the service goes on serving after it was told to stop.
    pub drain: Duration,
    /// The proxy for https to other machines.
    pub(crate) proxy: Option<HttpsProxy>,
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let listen = Self::read_listen(reader);
        let public_url = reader.optional(&PUBLIC_URL);
        let link_keys = link_keys(reader);
        let admin_tokens = reader.optional_list(&ADMIN_TOKENS).unwrap_or_default();
        if let Some(complaint) = AdminToken::contradiction(&admin_tokens) {
            reader.blame(&ADMIN_TOKENS, complaint);
        }
        let ops_listen = reader.value(&OPS_LISTEN);
        let proxy = reader.optional(&PROXY);
        let max_connections = reader.value(&MAX_CONNECTIONS);
        let idle_timeout = reader.value(&IDLE_TIMEOUT);
        let drain = reader.value(&DRAIN);
        if let (Some(public), Some(ops)) = (listen, ops_listen)
            && overlap(public, ops)
        {
            let complaint = format!("is {ops}, the same as server.listen: change one of them");
            reader.blame(&OPS_LISTEN, complaint);
        }
        Some(Self {
            listen: listen?,
            public_url,
            link_keys: link_keys.unwrap_or_default(),
            admin_tokens,
            ops_listen: ops_listen?,
            max_connections: max_connections?,
            idle_timeout: idle_timeout?,
            drain: drain?,
            proxy,
        })
    }

    /// Reads the one value that somebody needs who only wants to find the running service.
    pub(crate) fn read_listen(reader: &mut Reader) -> Option<SocketAddr> {
        reader.value(&LISTEN)
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("listen", self.listen.to_string()),
            ("operators", format!("{} (/metrics and /readyz)", self.ops_listen)),
        ];
        let named: Vec<_> = self.admin_tokens.iter().map(AdminToken::described).collect();
        lines.push((
            "admin API",
            if named.is_empty() { "off".to_owned() } else { named.join(", ") },
        ));
        let public_url = self.public_url.as_ref().map_or("none", Url::as_str);
        lines.push(("public URL", public_url.to_owned()));
        lines
    }
}

/// Whether one machine cannot listen on both. Port 0 asks for any free port, hence never for the
/// same one.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}

/// The keys of addresses that are in chats from before.
fn link_keys(reader: &mut Reader) -> Option<Vec<SecretString>> {
    let keys = reader.optional_list(&LINK_KEYS);
    if keys.as_ref().is_some_and(|keys| keys.len() > LINK_KEYS_MOST) {
        reader
            .blame(&LINK_KEYS, "has more than two entries: keep the new key and the one before it");
    }
    if keys.is_some() {
        let complaint = "is of use only for a day after the upgrade, for links that are in chats from \
                         before: remove it then";
        reader.warn(&LINK_KEYS, complaint);
    }
    keys
}
