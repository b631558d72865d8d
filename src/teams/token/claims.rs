//! What a token says, and the rules it has to meet.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::unverified::Unverified;
use crate::clock::between;

/// How far Microsoft's clock and ours may be apart, in either direction.
pub const SKEW: Duration = Duration::from_mins(5);

/// The claims that matter. Genuine tokens have exactly these.
#[derive(Deserialize)]
pub(super) struct Claims {
    #[serde(rename = "iss")]
    issuer: String,
    #[serde(rename = "aud")]
    audience: Audience,
    #[serde(rename = "exp", with = "jiff::fmt::serde::timestamp::second::required")]
    expires: Timestamp,
    #[serde(rename = "nbf", with = "jiff::fmt::serde::timestamp::second::optional", default)]
    not_before: Option<Timestamp>,
    /// Spelled in lower case here, and only here.
    #[serde(rename = "serviceurl")]
    service_url: String,
}

/// One audience, as such or as the only one of a list (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    /// Checks everything that can be told without the activity.
    pub(super) fn check(
        &self,
        issuer: &str,
        app_id: &str,
        now: Timestamp,
    ) -> Result<(), Unverified> {
        if self.issuer != issuer {
            return Err(Unverified::Issuer);
        }
        if !self.audience.is_only(app_id) {
            return Err(Unverified::Audience);
        }
        self.check_time(now)
    }

    /// Checks that the token's time has come and is not over, give or take [`SKEW`].
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), Unverified> {
        if between(self.expires, now) > SKEW {
            return Err(Unverified::Expired);
        }
        if self.not_before.is_some_and(|start| between(now, start) > SKEW) {
            return Err(Unverified::NotYetValid);
        }
        Ok(())
    }

    /// Whether the token is for this service URL. Nothing but one slash at the end may differ:
    /// neither case nor port, because answers and the bot's own token go where it says.
    pub(super) fn vouches_for(&self, service_url: &str) -> bool {
        let bare = without_slash(service_url);
        !bare.is_empty() && bare == without_slash(&self.service_url)
    }
}

impl Audience {
    fn is_only(&self, app_id: &str) -> bool {
        match self {
            Self::One(audience) => audience == app_id,
            Self::Many(audiences) => {
                matches!(audiences.as_slice(), [audience] if audience == app_id)
            }
        }
    }
}

fn without_slash(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}
