//! The stored form of a job: its payload and the payload's version.

use std::cmp::Ordering;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Work;

#[derive(Serialize)]
struct Sealed<'a, W> {
    #[serde(rename = "v")]
    version: u32,
    #[serde(rename = "job")]
    work: &'a W,
}

#[derive(Deserialize)]
struct Opened {
    #[serde(rename = "v")]
    version: u32,
    job: Value,
}

/// The stored form. It can hold a response URL, hence a secret.
pub(super) fn seal<W: Work>(work: &W) -> SecretString {
    // Structs of texts, numbers and maps with text keys always have a JSON form.
    serde_json::to_string(&Sealed { version: W::VERSION, work }).unwrap_or_default().into()
}

/// Why a stored form is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is of a later release, which may run beside this one.
    Newer,
    /// Nobody understands it.
    Broken,
}

/// Reads the stored form.
pub(super) fn open<W: Work>(payload: &SecretString) -> Result<W, Unread> {
    let opened = serde_json::from_str(payload.expose_secret());
    let Opened { version, job } = opened.map_err(|_| Unread::Broken)?;
    let work = match version.cmp(&W::VERSION) {
        Ordering::Less => W::upgrade(version, job),
        Ordering::Equal => serde_json::from_value(job).ok(),
        Ordering::Greater => return Err(Unread::Newer),
    };
    work.ok_or(Unread::Broken)
}
