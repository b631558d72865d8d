//! What an app asks of a person at the consent page, and the code that stands for their yes.

use jiff::Timestamp;

/// What the app asks of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthorizeRequest {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) user_scopes: Vec<String>,
    pub(super) team: Option<String>,
}

/// A consent that waits for its exchange.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) asked: AuthorizeRequest,
    pub(super) user: String,
    /// Whether the app is installed for the whole organisation.
    pub(super) for_organisation: bool,
    pub(super) given: Timestamp,
    pub(super) used: bool,
}
