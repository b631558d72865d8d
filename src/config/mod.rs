//! The one validated configuration.
//!
//! Values come from a TOML file, then from environment variables `CONNECT_SECTION__KEY` (a list is
//! comma-separated), then, for secrets, from files that variables `CONNECT_SECTION__KEY_FILE` name;
//! what comes later wins. [`KEYS`] is the reference of all keys. Everything that is wrong is told at
//! once: unknown keys, values that do not fit, empty secrets, contradictions.
//!
//! A new section is a struct here, its rows in `keys.rs` and a function in `sections.rs`.

mod duration;
mod keys;
mod parse;
mod problems;
mod reader;
mod sections;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use self::keys::{ENV_PREFIX, KEYS, Key};
pub use self::problems::{Problem, Problems};
use self::reader::Reader;
pub use self::values::ReadFile;
use self::values::Values;
use crate::core::resolve::{ResolverKind, Template};
use crate::net::{HostAllowlist, HttpsProxy};
use crate::teams::credentials::CertificateFiles;

/// A configuration in which everything fits together. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// How the service listens.
    pub server: Server,
    /// How Novu is reached.
    pub novu: Novu,
    /// Slack, if it is on.
    pub slack: Option<Slack>,
    /// Microsoft Teams, if it is on.
    pub teams: Option<Teams>,
    /// How a person's subscriber is found.
    pub identity: Identity,
}

/// The section `server`.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The origin at which people reach the service: https, or http on this machine.
    pub public_url: Option<Url>,
    /// Keys of the links to personal pages: the first signs, all verify. One or two if there is a
    /// public URL, else none.
    pub link_keys: Vec<SecretString>,
    /// An address of their own for `/metrics` and `/readyz`.
    pub ops_listen: Option<SocketAddr>,
    /// How many connections are served at a time.
    pub max_connections: usize,
    /// The proxy for https to other machines.
    pub proxy: Option<HttpsProxy>,
}

/// The section `novu`.
#[derive(Debug, Clone)]
pub struct Novu {
    /// Root of the API. May be plain http, as within a cluster; may have a path.
    pub api_url: Url,
    /// Secret key of the environment.
    pub api_key: SecretString,
    /// The longest time of one call.
    pub timeout: Duration,
    /// Whether contexts are signed.
    pub context_hmac: bool,
}

/// The section `slack`.
#[derive(Debug, Clone)]
pub struct Slack {
    /// Signing secrets of the app, at least one; any of them may have signed a request.
    pub signing_secrets: Vec<SecretString>,
    /// Identifier of the Novu integration.
    pub integration: String,
    /// Name of the slash command, with its slash.
    pub command: String,
    /// User scopes to ask for; Novu's own choice if `None`, never empty.
    pub user_scope: Option<Vec<String>>,
    /// Identifier of the channel connection that is preferred where a workspace has several.
    pub connection: Option<String>,
    /// Base of the Web API, such as `https://slack.com/api`.
    pub api_url: Url,
    /// Bot token that replaces the one of the channel connection.
    pub bot_token: Option<SecretString>,
    /// Where a response URL may lead: these hosts and those below them.
    pub response_hosts: HostAllowlist,
    /// Where a sign-in link may lead: these hosts exactly.
    pub link_hosts: HostAllowlist,
    /// How long the HTTP response may wait for the answer.
    pub reply_budget: Duration,
}

/// The section `teams`. What the section leaves out is the cloud's.
#[derive(Debug, Clone)]
pub struct Teams {
    /// The bot's Entra application id.
    pub app_id: String,
    /// What proves to Entra that the bot is that application.
    pub app_credential: AppCredential,
    /// Identifier of the Microsoft Teams integration in Novu.
    pub integration: String,
    /// Identifier of the channel connection that is preferred.
    pub connection: Option<String>,
    /// `OpenID` metadata of the Bot Connector.
    pub openid_metadata_url: Url,
    /// Who issues the Bot Connector's tokens.
    pub issuer: String,
    /// Where the bot gets its own tokens.
    pub token_url: Url,
    /// What those tokens are for.
    pub token_scope: String,
    /// Hosts that a sign-in link may have.
    pub link_hosts: HostAllowlist,
    /// Hosts that a service URL may have.
    pub service_hosts: HostAllowlist,
    /// How long the HTTP response to a pressed button may wait for its card.
    pub reply_budget: Duration,
    /// How often at most a token with an unknown key causes a look for new ones.
    pub unknown_key_interval: Duration,
}

/// What proves to Entra that the bot is its application.
#[derive(Debug, Clone)]
pub enum AppCredential {
    /// A client secret of the application.
    Secret(SecretString),
    /// A certificate of the application, with its private key. The files have not been read yet.
    Certificate(CertificateFiles),
}

/// The section `identity`.
#[derive(Clone)]
pub struct Identity {
    /// Resolvers in the order in which they are asked; at least one, each once, template last.
    pub chain: Vec<ResolverKind>,
    /// The subscriber id with places to fill in.
    pub template: Template,
    /// The operator's endpoint; there if the chain has the webhook. May carry a key in its query.
    pub webhook_url: Option<Url>,
    /// The key that signs requests to the endpoint; there if the chain has the webhook.
    pub webhook_secret: Option<SecretString>,
    /// The longest time of one request to the endpoint.
    pub webhook_timeout: Duration,
    /// The mapping table, `.csv` or `.toml`; there if the chain has the table.
    pub table: Option<PathBuf>,
    /// Resolvers of the chain whose subscriber may be created; never the e-mail resolver.
    pub create_missing: Vec<ResolverKind>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("chain", &self.chain)
            .field("template", &self.template)
            .field("webhook_host", &self.webhook_url.as_ref().and_then(Url::host_str))
            .field("webhook_secret", &self.webhook_secret)
            .field("webhook_timeout", &self.webhook_timeout)
            .field("table", &self.table)
            .field("create_missing", &self.create_missing)
            .finish()
    }
}

impl Config {
    /// Puts a configuration together from the content of a file and environment variables.
    /// Variables without the prefix `CONNECT_` are passed over, save for `HTTPS_PROXY` and `NO_PROXY`
    /// (see [`HttpsProxy::choose`]).
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(
        file: Option<&str>,
        env: impl IntoIterator<Item = (String, String)>,
        read_file: ReadFile<'_>,
    ) -> Result<Self, Problems> {
        let env: BTreeMap<String, String> = env.into_iter().collect();
        let variable = |name: &str| env.get(name).cloned();
        let mut problems = Problems::default();
        let values = Values::gather(file, env.clone(), read_file, &mut problems);
        let mut reader = Reader::new(values, problems);
        let mut config = sections::config(&mut reader);
        if let Some(config) = &mut config {
            let proxy = HttpsProxy::choose(config.server.proxy.take(), variable);
            config.server.proxy = proxy.unwrap_or_else(|bad| {
                reader.add(&format!("The variable HTTPS_PROXY {bad}."));
                None
            });
        }
        let problems = reader.into_problems();
        config.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// As [`Config::load`], from this process's environment and the file of that path, if any.
    ///
    /// # Errors
    /// Everything that is wrong, at once; or only that the file cannot be read.
    pub fn from_process(path: Option<&Path>) -> Result<Self, Problems> {
        let file = path.map(std::fs::read_to_string).transpose().map_err(|error| {
            let mut problems = Problems::default();
            problems.add(format!(
                "The configuration file cannot be read ({}): correct the path after --config or \
                 the file's permissions.",
                error.kind(),
            ));
            problems
        })?;
        // What is not Unicode keeps its name and gets a replacement character, which is refused.
        let env = std::env::vars_os().map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        });
        Self::load(file.as_deref(), env, &|path| std::fs::read_to_string(path))
    }
}
