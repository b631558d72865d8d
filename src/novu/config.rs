//! The section `novu`: how Novu is reached.

use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::Settings;
use crate::config::{Complaint, Key, Parsed, Reader, parse};
use crate::section;

/// A browser that waits for longer than this shows nothing, and people press again.
const LONG_WAIT: Duration = Duration::from_secs(5);
/// One call: below, nothing would ever be in time; above, the client gives up first.
const CALL_TIME: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(30);

/// Novu's own regions. A key belongs to one of them (Novu, authentication).
const REGIONS: [&str; 2] = ["https://api.novu.co", "https://eu.api.novu.co"];

/// The other one of Novu's regions; none if the address is neither.
pub(crate) fn other_region(api_url: &Url) -> Option<Url> {
    let is_at = |region: &str| Url::parse(region).is_ok_and(|it| it.origin() == api_url.origin());
    let own = REGIONS.iter().position(|region| is_at(region))?;
    Url::parse(REGIONS[1 - own]).ok()
}

section! {
    /// How Novu is reached.
    pub(crate) SECTION = "novu";

    pub(crate) API_URL: Key<Url> = Key::new(
        "novu.api_url",
        "the address of Novu's API; https://eu.api.novu.co for Europe",
        api_url,
    )
    .or("https://api.novu.co")
    .doubting(|url| parse::in_the_clear(url).or_else(|| like_a_dashboard(url)));

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

    TEST_WORKFLOW: Key<String> = Key::new(
        "novu.test_workflow",
        "the identifier of the workflow that sends people a test notification",
        parse::identifier,
    );
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
        let test_workflow = reader.optional(&TEST_WORKFLOW);
        Some(Self {
            api_url: api_url?,
            api_key: api_key?,
            timeout: timeout?,
            patience: patience?,
            context_hmac: context_hmac?,
            test_workflow,
        })
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        vec![("Novu", self.api_url.to_string())]
    }
}

/// The address of Novu's API, without the version, which every call has in its path.
fn api_url(text: &str) -> Parsed<Url> {
    let url = parse::base_url(text)?;
    let host = url.host_str().unwrap_or_default();
    let of_novu = host == "novu.co" || host.ends_with(".novu.co");
    if of_novu && !host.split('.').any(|label| label.starts_with("api")) {
        return Err("is not Novu's API: write https://api.novu.co, or https://eu.api.novu.co for \
                    Europe"
            .into());
    }
    let last = url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if matches!(last, "v1" | "v2") {
        return Err("ends with a version, which every call adds by itself: remove it".into());
    }
    Ok(url)
}

/// The doubt about an address that is called as people call their dashboard.
fn like_a_dashboard(url: &Url) -> Option<Complaint> {
    let is_page = |label: &str| label.starts_with("dashboard") || label == "web";
    let host = url.host_str().unwrap_or_default();
    host.split('.')
        .next()
        .is_some_and(is_page)
        .then(|| "looks like the dashboard's address: write the API's, which is another one".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_apis() {
        for text in [
            "https://api.novu.co",
            "https://api.novu.co/",
            "https://eu.api.novu.co",
            "http://novu-api:3000",
            "https://novu.example.com/api/",
            "http://127.0.0.1:3000",
        ] {
            let url = api_url(text).unwrap();
            assert_eq!(like_a_dashboard(&url), None, "{text}");
        }
        for text in [
            "https://api.novu.co/v1",
            "https://api.novu.co/v1/",
            "https://eu.api.novu.co/v2/",
            "https://novu.example.com/api/v1",
            "https://dashboard.novu.co",
            "https://dashboard-v2.novu.co/",
            "https://eu.dashboard.novu.co",
            "https://web.novu.co",
            "https://docs.novu.co",
            "https://novu.co",
        ] {
            assert!(api_url(text).is_err(), "{text}");
        }
        for text in ["https://dashboard.novu.example.com", "http://web:4200"] {
            assert!(like_a_dashboard(&api_url(text).unwrap()).is_some(), "{text}");
        }
    }
}
