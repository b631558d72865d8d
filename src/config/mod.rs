//! The engine that reads the configuration. It knows no key: each section is declared beside its
//! owner, and whoever puts the service together has the list of sections.
//!
//! Values come from a TOML file, then from environment variables `CONNECT_SECTION__KEY` (a list is
//! comma-separated), then, for secrets, from files that variables `CONNECT_SECTION__KEY_FILE` name;
//! what comes later wins. Everything that is wrong is told at once: unknown keys, values that do
//! not fit, empty secrets, contradictions.
//!
//! A key is one entry of its section:
//!
//! ```
//! use novu_connect_bot::config::{Key, Reader, Sources, parse};
//! use novu_connect_bot::section;
//!
//! section! {
//!     /// The section `kettle`.
//!     pub SECTION = "kettle";
//!     /// Where the kettle is.
//!     pub URL: Key<url::Url> = Key::new("kettle.url", "the kettle's address", parse::base_url)
//!         .or("http://127.0.0.1:80");
//! }
//!
//! fn address(reader: &mut Reader) -> Option<url::Url> {
//!     reader.value(&URL)
//! }
//!
//! let mut reader = Sources::default().read_without_secrets(&[&SECTION]);
//! assert_eq!(address(&mut reader).unwrap().as_str(), "http://127.0.0.1/");
//! ```
//!
//! A key is an item of its owner's, so a mistyped one does not compile:
//!
//! ```compile_fail,E0425
//! use novu_connect_bot::config::{Key, Reader, Sources, parse};
//! use novu_connect_bot::section;
//!
//! section! {
//!     /// The section `kettle`.
//!     pub SECTION = "kettle";
//!     /// Where the kettle is.
//!     pub URL: Key<url::Url> = Key::new("kettle.url", "the kettle's address", parse::base_url)
//!         .or("http://127.0.0.1:80");
//! }
//!
//! fn address(reader: &mut Reader) -> Option<url::Url> {
//!     reader.value(&ULR)
//! }
//! ```

mod complaint;
mod fingerprints;
mod keys;
pub mod parse;
mod problems;
mod reader;
mod reload;
mod sources;
#[cfg(test)]
mod tests;
mod time;

pub use self::complaint::{Complaint, Parsed};
pub use self::fingerprints::{Fingerprints, KeyName};
pub use self::keys::{Key, KeyInfo, ListKey, Many, One, Section};
pub use self::problems::{Problem, Problems, Warning};
pub use self::reader::Reader;
pub use self::reload::Reload;
pub use self::sources::{ReadFile, Sources, read_text};
