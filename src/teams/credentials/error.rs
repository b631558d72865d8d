//! Why Entra gives the bot no token.

use crate::net;

const TOKEN_UNAVAILABLE: &str = "token_unavailable";
const TOKEN_NONSENSE: &str = "token_nonsense";

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Entra does not accept the credentials. The words are its error and its code, such as
    /// `invalid_client` and 7000215 (the secret is wrong) or 700027 (the certificate is not
    /// accepted), of which the documentation of AADSTS codes tells more.
    #[error("entra refuses the bot's credentials: {error} {code}")]
    Refused {
        /// The OAuth error word.
        error: String,
        /// The AADSTS code, 0 where there is none.
        code: u64,
    },
    /// Entra does not answer, or is in trouble.
    #[error("entra gives no token at the moment")]
    Unavailable,
    /// Entra's answer holds no token.
    #[error("entra's answer holds no token")]
    Nonsense,
}

impl TokenError {
    /// The word for it in metrics.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Unavailable => "unavailable",
            Self::Nonsense => "nonsense",
        }
    }

    /// Tells what came back, for the log.
    pub(super) fn describe(&self, call: &mut net::Call<'_>) {
        match self {
            Self::Refused { error, code: 0 } => call.said(error),
            Self::Refused { error, code } => call.said(&format!("{error} AADSTS{code}")),
            Self::Nonsense => call.nonsense("it holds no token"),
            Self::Unavailable => {}
        }
    }

    /// Every word of [`TokenError::word`].
    pub fn words() -> impl Iterator<Item = &'static str> {
        let of_refusals = REFUSALS.into_iter().map(|(_, word, _)| word);
        of_refusals.chain([TOKEN_UNAVAILABLE, TOKEN_NONSENSE])
    }

    /// The word for it in `/readyz`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } => refusal(*code).0,
            Self::Unavailable => TOKEN_UNAVAILABLE,
            Self::Nonsense => TOKEN_NONSENSE,
        }
    }

    /// What an operator can do about it, where that is more than the cause tells.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Refused { code, .. } => Some(refusal(*code).1),
            Self::Unavailable | Self::Nonsense => None,
        }
    }
}

/// Refusals by their AADSTS codes: the word for each, and what an operator can do about it (Microsoft,
/// AADSTS error codes). The last one is for all other codes.
const REFUSALS: [(&[u64], &str, &str); 8] = [
    (
        &[7_000_215],
        "secret_wrong",
        "teams.app_secret is wrong: copy the secret's value, not its id",
    ),
    (
        &[7_000_222],
        "secret_expired",
        "teams.app_secret has expired: make a new one in Entra, put it there and reload",
    ),
    (
        &[700_027],
        "certificate_unknown",
        "Entra does not know teams.app_certificate: add it to the application",
    ),
    (&[700_024], "clock_wrong", "this machine's clock is wrong: set it"),
    (
        &[700_016],
        "app_unknown",
        "Entra does not find the application: check teams.app_id and teams.app_tenant",
    ),
    (&[7_000_112], "app_disabled", "the application is disabled in Entra: enable it"),
    (
        &[90_002, 900_023],
        "tenant_unknown",
        "Entra does not find the tenant: check teams.app_tenant",
    ),
    (
        &[],
        "credentials_refused",
        "check teams.app_id, teams.app_tenant, and the bot's secret or certificate",
    ),
];

/// The word for a refusal by its AADSTS code, and what an operator can do about it.
fn refusal(code: u64) -> (&'static str, &'static str) {
    let [.., others] = REFUSALS;
    let (_, word, advice) =
        REFUSALS.into_iter().find(|(codes, ..)| codes.contains(&code)).unwrap_or(others);
    (word, advice)
}
