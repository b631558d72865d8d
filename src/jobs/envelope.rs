//! The stored form of a job: its payload and the payload's version.

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

/// Reads the stored form; none where nobody understands it, as after a downgrade.
pub(super) fn open<W: Work>(payload: &SecretString) -> Option<W> {
    let Opened { version, job } = serde_json::from_str(payload.expose_secret()).ok()?;
    if version == W::VERSION { serde_json::from_value(job).ok() } else { W::upgrade(version, job) }
}
