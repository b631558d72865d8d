//! Why a call failed, in words for the log.

use std::error::Error;
use std::fmt;
use std::io;

use reqwest::StatusCode;

/// The longest text that is kept of a TLS failure, in characters.
const LONGEST_TEXT: usize = 200;

/// Why a call failed. Holds no URL and no secret, so that it can be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The host's name cannot be resolved.
    Dns,
    /// The host refuses the connection: nobody listens at the port.
    ConnectionRefused,
    /// There is no way to the host.
    Unreachable,
    /// No TLS comes about; in the TLS library's words.
    Tls(Box<str>),
    /// The proxy opens no tunnel to the host.
    Proxy,
    /// The time for the call ran out.
    TimedOut,
    /// The connection broke off before the answer was complete.
    BrokeOff,
    /// What came back is not HTTP.
    NotHttp,
    /// The answer is larger than the limit, in bytes.
    TooLarge(usize),
    /// No such request can exist: a malformed address or header.
    Unsendable,
    /// A redirect, with its status. Redirects are not followed.
    Redirect(u16),
    /// A status with a body that is not JSON, so it is likely not the upstream's own answer but that
    /// of something on the way, such as a proxy's page.
    Foreign(u16),
    /// The upstream asks to slow down (429).
    Throttled,
    /// A failure of the upstream's own, with its status (5xx).
    ServerError(u16),
    /// A refusal, with its status.
    Refused(u16),
    /// An answer that cannot be understood; how.
    Nonsense(&'static str),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns => f.write_str("the host's name cannot be resolved (DNS)"),
            Self::ConnectionRefused => f.write_str("the connection is refused"),
            Self::Unreachable => f.write_str("the host cannot be reached"),
            Self::Tls(words) => write!(f, "TLS fails: {words}"),
            Self::Proxy => f.write_str("the proxy opens no tunnel to the host"),
            Self::TimedOut => f.write_str("no complete answer in time"),
            Self::BrokeOff => f.write_str("the connection broke off"),
            Self::NotHttp => f.write_str("the answer is not HTTP"),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
            Self::Unsendable => f.write_str("the address or a header is malformed"),
            Self::Redirect(status) => write!(f, "status {status}, a redirect, is not followed"),
            Self::Foreign(status) => {
                write!(f, "status {status} with a body that is not JSON, such as a proxy's page")
            }
            Self::Throttled => f.write_str("status 429, too many requests"),
            Self::ServerError(status) | Self::Refused(status) => write!(f, "status {status}"),
            Self::Nonsense(how) => write!(f, "the answer is not understood: {how}"),
        }
    }
}

impl Cause {
    /// What an operator can do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Dns => "check the host's name in the configuration, and this machine's DNS",
            Self::ConnectionRefused => {
                "check the address and port in the configuration, and whether it is running"
            }
            Self::Unreachable | Self::TimedOut => {
                "check whether it is up, and whether a firewall or proxy stands in the way"
            }
            Self::Tls(_) => {
                "check the host's certificate; a private CA has to be in this machine's trust \
                 store or in the file that SSL_CERT_FILE names"
            }
            Self::Proxy => "check server.proxy or HTTPS_PROXY, and what the proxy allows",
            Self::BrokeOff => "usually passes; else look at what stands in between",
            Self::NotHttp => "check the scheme and port of the address in the configuration",
            Self::TooLarge(_) | Self::Nonsense(_) => {
                "check the address in the configuration, and the version of what answers there"
            }
            Self::Unsendable => "check the address and the credentials in the configuration",
            Self::Redirect(_) => "write the address that it redirects to into the configuration",
            Self::Foreign(_) => {
                "look at what answers in its place: a proxy, a gateway, or a wrong address"
            }
            Self::Throttled => "usually passes; else raise the rate limit or the plan",
            Self::ServerError(_) => "look at its logs or its status page",
            Self::Refused(_) => "check the configuration that this call uses",
        }
    }

    /// The cause in a status that is not success; `foreign` where the body is not JSON.
    pub(super) fn of_status(status: StatusCode, foreign: bool) -> Self {
        match status.as_u16() {
            code @ 300..=399 => Self::Redirect(code),
            429 => Self::Throttled,
            code if foreign => Self::Foreign(code),
            code @ 500..=599 => Self::ServerError(code),
            code => Self::Refused(code),
        }
    }

    /// The cause of a failed exchange: the first known one among the sources of the error.
    pub(super) fn of_error(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            return Self::Unsendable;
        }
        if error.is_timeout() {
            return Self::TimedOut;
        }
        let mut source = error.source();
        while let Some(error) = source {
            if let Some(cause) = known(error) {
                return cause;
            }
            source = error.source();
        }
        if error.is_connect() { Self::Unreachable } else { Self::BrokeOff }
    }
}

fn known(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return known_io(error);
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(tls(error));
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return if error.is_parse() {
            Some(Cause::NotHttp)
        } else {
            error.is_incomplete_message().then_some(Cause::BrokeOff)
        };
    }
    // These types are private to the HTTP library: only their words tell them.
    let words = error.to_string();
    if words.starts_with("dns error") {
        Some(Cause::Dns)
    } else if words.starts_with("tunnel error") {
        Some(Cause::Proxy)
    } else {
        None
    }
}

fn known_io(error: &io::Error) -> Option<Cause> {
    // The source of an I/O error leaves out the very error that it was made of.
    if let Some(cause) = error.get_ref().and_then(|inner| known(inner)) {
        return Some(cause);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Cause::ConnectionRefused),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Some(Cause::Unreachable),
        io::ErrorKind::TimedOut => Some(Cause::TimedOut),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(Cause::BrokeOff),
        _ => None,
    }
}

fn tls(error: &rustls::Error) -> Cause {
    let words = error.to_string();
    Cause::Tls(words.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect())
}
