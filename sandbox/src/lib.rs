//! Stand-ins for the services that the bot talks to, over real HTTP on loopback ports.
//!
//! They are for the `demo` command, for the tests and for the benchmarks, and they are meant to be
//! as strict as the real thing: what they refuse, the real service refuses as well, with the same
//! words. Where the real service changed its mind over time there is a switch.
//!
//! - [`novu::Novu`] is Novu's API with its OAuth callback;
//! - [`slack::Slack`] is Slack's Web API, its response URLs and its consent pages;
//! - [`teams::Teams`] is Microsoft Teams: the Bot Connector and Entra with its consent pages;
//! - [`bot_connector::BotConnectorKeys`] is the Bot Connector's identity alone;
//! - [`Browser`] is the person who opens a link and presses a button;
//! - `Postgres` is no stand-in but a real server, private to the tests (feature `postgres`);
//! - [`Scripted`] answers whatever a test has written down, for tests of a single client;
//! - [`Fault`] makes any of them fail in the ways real services fail.
//!
//! Nothing here leaves the machine, and every key, token and person is made up, so all of it may be
//! printed. A stand-in stops when its handle is dropped.

pub mod bot_connector;
mod browser;
mod fault;
pub mod novu;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod record;
mod scripted;
mod server;
pub mod slack;
pub mod teams;
mod transport;

use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use browser::{Browser, BrowserError, Page};
pub use fault::{Effect, Failure, Fault, Hold, Route};
#[cfg(all(unix, feature = "postgres"))]
pub use postgres::Postgres;
pub use record::Recorded;
pub use scripted::{Reply, Scripted};
pub use server::Controls;

/// Locks a mutex; what a panicking holder left behind is still good enough for a stand-in.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lower-case hex of HMAC-SHA256 over the parts, one after the other.
fn hmac_hex(key: &[u8], parts: &[&[u8]]) -> String {
    // HMAC takes keys of any length, so the empty text is never seen.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mut mac| {
            for part in parts {
                mac.update(part);
            }
            hex::encode(mac.finalize().into_bytes())
        },
    )
}
