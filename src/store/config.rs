//! The section `store`: where what must not be forgotten is kept, and what it is sealed with.

use std::fmt;
use std::path::{self, Path, PathBuf};

use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Host, Url};

use crate::config::{Complaint, Key, ListKey, Parsed, Reader, parse};
use crate::section;

/// What systemd tells a service of its `StateDirectory=`: absolute paths, separated by colons
/// (systemd.exec).
pub const STATE_DIRECTORY: &str = "STATE_DIRECTORY";

/// What PostgreSQL shows of us unless the address says otherwise.
const APPLICATION_NAME: &str = env!("CARGO_PKG_NAME");

/// What may follow the question mark of an address of PostgreSQL (libpq, connection URIs); the last
/// one is sqlx's, for poolers that know no prepared statements.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
];

section! {
    /// Where what must not be forgotten is kept.
    pub(crate) SECTION = "store";

    pub(crate) URL: Key<Location> = Key::new(
        "store.url",
        "sqlite:FILE, postgres://USER:PASSWORD@HOST/DATABASE or memory",
        location,
    )
    .or("sqlite:novu-connect-bot.db")
    .secret()
    .doubting(unverified);

    KEYS: ListKey<SecretString> = ListKey::new(
        "store.keys",
        "the key that seals what is stored; while it is being replaced, the new and the old one",
        parse::signing_key,
    )
    .secret();
}

/// Where what must not be forgotten is kept. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which store, and where.
    pub location: Location,
    /// The keys that seal what is stored: the first seals, all open. With SQLite there may be none,
    /// and the key file beside it has the key; with PostgreSQL there is at least one.
    pub keys: Vec<SecretString>,
}

/// Which store, and where.
#[derive(Debug, Clone)]
pub enum Location {
    /// In the memory of this process.
    Memory,
    /// In this file, and in those that SQLite and we put beside it.
    Sqlite(PathBuf),
    /// In this database.
    Postgres(PostgresAddress),
}

impl fmt::Display for Location {
    /// In words that name no user, password or parameter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite(file) => write!(f, "SQLite in {}", file.display()),
            Self::Postgres(address) => write!(f, "PostgreSQL at {address}"),
        }
    }
}

/// How a database of PostgreSQL is reached. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct PostgresAddress {
    options: Box<PgConnectOptions>,
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAddress({self})")
    }
}

impl fmt::Display for PostgresAddress {
    /// The server and the database, without user, password and parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.host(), self.options.get_port());
        let database = self.options.get_database().unwrap_or_default();
        write!(f, "{host}:{port}, database {database}")
    }
}

impl PostgresAddress {
    /// What sqlx connects with.
    #[must_use]
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The host, or the directory of its socket.
    fn host(&self) -> String {
        let socket = self.options.get_socket().map(|socket| socket.display().to_string());
        socket.unwrap_or_else(|| self.options.get_host().to_owned())
    }

    /// Whether nobody can be between us and the server.
    fn is_on_this_machine(&self) -> bool {
        let host = self.options.get_host();
        self.options.get_socket().is_some() || host.starts_with('/') || is_loopback(host)
    }

    fn security(&self) -> &'static str {
        match self.options.get_ssl_mode() {
            PgSslMode::Disable | PgSslMode::Allow => "without TLS",
            PgSslMode::Prefer => "with TLS where the server has it, unverified",
            PgSslMode::Require => "with TLS, unverified",
            PgSslMode::VerifyCa => "with TLS, verified but for the host's name",
            PgSslMode::VerifyFull => "with TLS, verified",
        }
    }
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let location = reader.value(&URL);
        let keys = reader.optional_list(&KEYS);
        match &location {
            Some(Location::Postgres(_)) if !reader.is_given(&KEYS) => reader.lacks(
                &KEYS,
                "is missing, but store.url is PostgreSQL: set it to at least 16 random characters, \
                 the same for every replica, like those of openssl rand -hex 32",
            ),
            Some(Location::Memory) if reader.is_given(&KEYS) => {
                reader.warn(&KEYS, "has no use where store.url is memory: remove it");
            }
            _ => {}
        }
        Some(Self { location: location?, keys: keys.unwrap_or_default() })
    }

    /// Puts a file with a relative name into the directory that systemd made for the service, the
    /// first if it made several; without one it is in the working directory. Then its whole path is known.
    pub(crate) fn settle(&mut self, reader: &mut Reader, state_directory: Option<&str>) {
        let Location::Sqlite(file) = &mut self.location else { return };
        let directory = state_directory.and_then(|all| all.split(':').next()).unwrap_or_default();
        let settled = Path::new(directory).join(&*file);
        // A directory that is gone has no name; then the file's own has to do.
        *file = path::absolute(&settled).unwrap_or(settled);
        if file.is_dir() {
            reader.blame(&URL, "names a directory: put the name of a file after it");
        }
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let keys = match self.keys.len() {
            0 => "the key file beside it".to_owned(),
            1 => "one key".to_owned(),
            count => format!("{count} keys"),
        };
        let words = match &self.location {
            Location::Memory => "memory: what is promised is lost when the service ends".to_owned(),
            Location::Sqlite(_) => format!("{}, sealed by {keys}", self.location),
            Location::Postgres(address) => {
                format!("{}, {}, sealed by {keys}", self.location, address.security())
            }
        };
        vec![("store", words)]
    }
}

/// A store of one of the three kinds.
pub(crate) fn location(text: &str) -> Parsed<Location> {
    let scheme = text.split_once(':').map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    match scheme {
        None if text.eq_ignore_ascii_case("memory") => Ok(Location::Memory),
        Some((scheme, rest)) if scheme == "sqlite" => sqlite(rest).map(Location::Sqlite),
        Some((scheme, _)) if scheme == "postgres" || scheme == "postgresql" => {
            postgres(text).map(Location::Postgres)
        }
        _ => Err("is no kind of store: write sqlite:FILE, \
                  postgres://USER:PASSWORD@HOST/DATABASE or memory"
            .into()),
    }
}

/// The file after `sqlite:`, with or without two slashes before it. It is taken as it is written.
fn sqlite(rest: &str) -> Parsed<PathBuf> {
    let name = rest.strip_prefix("//").unwrap_or(rest);
    if name.contains(":memory:") || name.contains("mode=memory") {
        return Err("is a database of SQLite in memory: write memory".into());
    }
    if name.contains('?') {
        return Err("carries parameters, which are settled: end it with the file's name".into());
    }
    let path = PathBuf::from(name);
    let is_file = path.file_name().is_some() && !name.ends_with(std::path::is_separator);
    if !is_file || name.starts_with("file:") {
        return Err("names no file: write it like sqlite:novu-connect-bot.db or \
                    sqlite:/var/lib/novu-connect-bot/novu-connect-bot.db"
            .into());
    }
    Ok(path)
}

/// The one place that says how PostgreSQL is reached. What the address leaves out comes from where
/// other clients take it: `PGUSER`, `PGPASSWORD`, the password file. How far the server is verified
/// does not.
fn postgres(text: &str) -> Parsed<PostgresAddress> {
    const FORM: &str = "is not an address of PostgreSQL: write it like \
                        postgres://USER:PASSWORD@HOST:5432/DATABASE, with signs such as @ / # ? % in \
                        the password percent-encoded";
    let url = Url::parse(text).map_err(|_| FORM)?;
    let has_blanks = text.chars().any(|c| c.is_whitespace() || c.is_control());
    if has_blanks || url.fragment().is_some() {
        return Err(FORM.into());
    }
    let mut given = Given::default();
    for (name, value) in url.query_pairs() {
        if !PARAMETERS.contains(&&*name) {
            let known = PARAMETERS.join(", ");
            return Err(format!("has an unknown parameter: take one of {known}").into());
        }
        match &*name {
            "sslmode" => given.mode = Some(ssl_mode(&value)?),
            "sslrootcert" => given.has_root = true,
            "host" => given.has_host |= !value.is_empty(),
            "dbname" => given.has_database |= !value.is_empty(),
            _ => {}
        }
    }
    if !given.has_host && url.host_str().is_none_or(str::is_empty) {
        return Err(
            "names no host: write it like postgres://USER:PASSWORD@HOST/DATABASE, or for a \
                    socket postgres:///DATABASE?host=/run/postgresql"
                .into(),
        );
    }
    if !given.has_database && url.path().trim_start_matches('/').is_empty() {
        return Err("names no database: end its path with one, like \
                    postgres://USER:PASSWORD@HOST/DATABASE"
            .into());
    }
    let mut options: PgConnectOptions = text.parse().map_err(|_| FORM)?;
    if let Some(bare) = options.get_host().strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        // An address of IPv6, whose brackets no certificate has.
        let bare = bare.to_owned();
        options = options.host(&bare);
    }
    if options.get_application_name().is_none() {
        options = options.application_name(APPLICATION_NAME);
    }
    let address = PostgresAddress { options: Box::new(options) };
    let mode = given.ssl_mode(address.is_on_this_machine());
    Ok(PostgresAddress { options: Box::new(address.options.ssl_mode(mode)) })
}

/// What an address of PostgreSQL says in its parameters.
#[derive(Default)]
struct Given {
    mode: Option<PgSslMode>,
    has_root: bool,
    has_host: bool,
    has_database: bool,
}

impl Given {
    /// How far the server is verified (libpq, SSL modes).
    fn ssl_mode(&self, is_on_this_machine: bool) -> PgSslMode {
        match self.mode {
            None if is_on_this_machine => PgSslMode::Prefer,
            None => PgSslMode::VerifyFull,
            // As libpq has it; sqlx would not look at the root.
            Some(PgSslMode::Require) if self.has_root => PgSslMode::VerifyCa,
            Some(mode) => mode,
        }
    }
}

/// A mode of libpq's that sqlx keeps to: `allow` would be `disable`.
fn ssl_mode(text: &str) -> Parsed<PgSslMode> {
    text.parse().ok().filter(|mode| !matches!(mode, PgSslMode::Allow)).ok_or_else(|| {
        "has an sslmode that is not supported: write disable, prefer, require, verify-ca or verify-full"
            .into()
    })
}

/// The doubt about a server on another machine that anybody on the way could pretend to be.
fn unverified(location: &Location) -> Option<Complaint> {
    let Location::Postgres(address) = location else { return None };
    let mode = address.options.get_ssl_mode();
    let is_verified = matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    (!is_verified && !address.is_on_this_machine()).then(|| {
        "leads to another machine without verifying it, so somebody between could read and change \
         everything: write sslmode=verify-full, with sslrootcert=FILE for a CA of your own, unless \
         the network between is yours"
            .into()
    })
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        _ => host.parse().is_ok_and(|address: std::net::Ipv6Addr| address.is_loopback()),
    }
}

#[cfg(test)]
mod tests;
