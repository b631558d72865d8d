//! The section `novu`: how Novu is reached.

use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::Settings;
use crate::config::{Complaint, Key, Reader, parse};
use crate::section;

/// A browser that waits for longer than this shows nothing, and people press again.
const LONG_WAIT: Duration = Duration::from_secs(5);
/// One call: below, nothing would ever be in time; above, the client gives up first.
const CALL_TIME: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(30);

section! {
    /// How Novu is reached.
    pub(crate) SECTION = "novu";

    pub(crate) API_URL: Key<Url> = Key::new(
        "novu.api_url",
        "the address of Novu's API; https://eu.api.novu.co for Europe",
        parse::base_url,
    )
    .or("https://api.novu.co")
    .doubting(parse::in_the_clear);

    API_KEY: Key<SecretString> =
        Key::new("novu.api_key", "a secret key of the Novu environment", parse::secret).secret();

    TIMEOUT: Key<Duration> = Key::new(
        "novu.timeout",
        "the longest time that one call to Novu may take while a browser waits for it",
        |text| parse::time(text, &CALL_TIME),
    )
    .or("2s")
    .doubting(long_wait);

    PATIENCE: Key<Duration> = Key::new(
        "novu.patience",
        "the longest time that one call to Novu may take where the answer can follow as a message",
        |text| parse::time(text, &CALL_TIME),
    )
    .or("15s");

    CONTEXT_HMAC: Key<bool> = Key::new(
        "novu.context_hmac",
        "true if the Novu integration demands signed contexts, else false",
        parse::boolean,
    )
    .or("false");
}

fn long_wait(timeout: &Duration) -> Option<Complaint> {
    (*timeout > LONG_WAIT).then(|| {
        "is longer than people wait in front of a browser, which is all that it is for: leave it at \
         2s, and set novu.patience to how long the bot waits where an answer can follow"
            .into()
    })
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let api_url = reader.value(&API_URL);
        let api_key = reader.value(&API_KEY);
        let timeout = reader.value(&TIMEOUT);
        let patience = reader.value(&PATIENCE);
        let context_hmac = reader.value(&CONTEXT_HMAC);
        Some(Self {
            api_url: api_url?,
            api_key: api_key?,
            timeout: timeout?,
            patience: patience?,
            context_hmac: context_hmac?,
        })
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        vec![("Novu", self.api_url.to_string())]
    }
}
