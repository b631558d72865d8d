//! A Novu integration: which one a chat platform's people are answered through, and what the operator decided
//! about it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::platform::Platform;
use super::profiles::ProfilesError;
use crate::net::HostAllowlist;

/// The Novu integration of one chat platform, and what its links are like.
#[derive(Debug)]
pub struct Integration {
    /// The platform.
    pub platform: &'static Platform,
    /// Its identifier in Novu.
    pub identifier: String,
    /// What to ask of the person at sign-in, in place of Novu's default. Slack only.
    pub user_scope: Option<Vec<String>>,
    /// The hosts that a minted link may have.
    pub link_hosts: HostAllowlist,
    /// The bot token to use in place of the one that the channel connection carries.
    pub bot_token: Option<SecretString>,
    /// Whether people are refused of whom the platform does not say who they are.
    pub require_profile: bool,
    /// What the operator calls workspaces, by their canonical ids, where Novu does not know.
    pub workspace_names: HashMap<String, String>,
    /// Who may connect a workspace, and which.
    pub access: Access,
    /// Tells whether a bot token lives; none where the platform has no tokens.
    pub tokens: Option<Arc<dyn TokenCheck>>,
}

/// What decides who may connect a workspace, and which.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The users who may, by their canonical ids, where the platform does not say who is an administrator.
    pub administrators: Vec<String>,
    /// The only workspaces or tenants that may be connected, by their canonical ids; any without it.
    pub allowed: Option<Vec<String>>,
    /// The configuration's key of that list.
    pub allowed_key: &'static str,
}

/// Whether a bot token lives, asked of the platform.
pub trait TokenCheck: Send + Sync + Debug {
    /// What the platform says of a token.
    fn check<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Result<(), ProfilesError>>;
}
