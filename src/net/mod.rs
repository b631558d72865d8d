//! Everything outgoing: which hosts may be called, the one way to make a call, and what is known of
//! the health of the systems that are called.
//!
//! [`client()`] builds the HTTP client, which follows no redirects; [`Outgoing`] makes calls with it:
//! each has limits of time and size, ends in one class of outcome, is measured, and has its cause in
//! the log where it fails. A URL that came from outside passes a [`HostAllowlist`] first.

mod allowlist;
mod call;
mod cause;
mod client;
mod health;
pub(crate) mod lenient;
pub mod origin;
mod retry_after;
mod secret_url;
mod segment;
pub(crate) mod settings;
mod single_flight;

pub use crate::config::parse::is_loopback;
pub use allowlist::{BadHost, HostAllowlist, Subdomains, UrlRefused};
pub use call::{Answered, Call, Certainty, Failure, Outgoing};
pub use cause::Cause;
pub use client::{BadProxy, HttpsProxy, client, client_through};
pub use health::{Ill, Upstreams};
pub use retry_after::{LONGEST_WAIT, retry_after};
pub use secret_url::SecretUrl;
pub use segment::encode_segment;
pub use single_flight::{Flight, SingleFlight};
