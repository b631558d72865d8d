//! The section `slack`.

use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::{Complaint, Key, ListKey, Parsed, Reader, parse};
use crate::core::Access;
use crate::net::settings::{host, hosts};
use crate::net::{HostAllowlist, Subdomains};
use crate::section;
use crate::signing::SigningKey;

/// Slack refuses longer command names (Slack app manifest schema, slash command).
const COMMAND_LENGTH: RangeInclusive<usize> = 2..=32;
/// Slack waits 3 s, its network included (Slack: handling user interaction).
const REPLY_TIME: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_millis(2500);

section! {
    /// Slack is on if this section is there.
    pub(crate) SECTION = "slack";

    pub(super) SIGNING_SECRETS: ListKey<SecretString> = ListKey::new(
        "slack.signing_secrets",
        "the signing secret of the Slack app; while it is being replaced, the old and the new one",
        signing_secret,
    )
    .secret()
    .doubting(unlike_a_signing_secret);

    INTEGRATION: Key<String> = Key::new(
        "slack.integration",
        "the identifier of the Slack integration in Novu",
        parse::identifier,
    );

    pub(super) COMMAND: Key<String> =
        Key::new("slack.command", "the name of the slash command", command).or("/connect");

    pub(super) USER_SCOPE: ListKey<String> = ListKey::new(
        "slack.user_scope",
        "the user scopes to ask for instead of Novu's own choice",
        scope,
    );

    CONNECTION: Key<String> = Key::new(
        "slack.connection",
        "the identifier of the Novu channel connection to prefer where a workspace has several",
        parse::identifier,
    );

    API_URL: Key<Url> = Key::new(
        "slack.api_url",
        "the base address of Slack's Web API",
        parse::secure_base_url,
    )
    .or("https://slack.com/api");

    BOT_TOKEN: Key<SecretString> = Key::new(
        "slack.bot_token",
        "a bot token to use instead of the one in Novu's channel connection",
        parse::secret,
    )
    .secret();

    RESPONSE_HOSTS: ListKey<String> = ListKey::new(
        "slack.response_hosts",
        "the hosts that a response URL may have, or be a sub-domain of",
        host,
    )
    .or("slack.com,slack-gov.com");

    LINK_HOSTS: ListKey<String> = ListKey::new(
        "slack.link_hosts",
        "the hosts that a sign-in link may have, exactly",
        host,
    )
    .or("slack.com,slack-gov.com");

    REQUIRE_PROFILE: Key<bool> = Key::new(
        "slack.require_profile",
        "false to serve people of whom Slack does not say who they are, else true",
        parse::boolean,
    )
    .or("true");

    ADMINISTRATORS: ListKey<String> = ListKey::new(
        "slack.administrators",
        "the users, as U… ids, who may connect a workspace while there is no bot token by which Slack \
         could say who its administrators are",
        parse::identifier,
    );

    pub(super) WORKSPACES: ListKey<String> = ListKey::new(
        "slack.workspaces",
        "the only workspaces, as T… ids, or organisations, as E… ids, that may be connected",
        parse::identifier,
    );

    REPLY_BUDGET: Key<Duration> = Key::new(
        "slack.reply_budget",
        "how long the HTTP response to Slack may wait for the answer",
        |text| parse::time(text, &REPLY_TIME),
    )
    .or("2s");
}

/// What the section says.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Signing secrets of the app, at least one; any of them may have signed a request.
    pub(crate) signing_secrets: Vec<SecretString>,
    /// Identifier of the Novu integration.
    pub(crate) integration: String,
    /// Name of the slash command, with its slash.
    pub(crate) command: String,
    /// User scopes to ask for; Novu's own choice if `None`, never empty.
    pub(crate) user_scope: Option<Vec<String>>,
    /// Identifier of the channel connection that is preferred where a workspace has several.
    pub(crate) connection: Option<String>,
    /// Base of the Web API, such as `https://slack.com/api`.
    pub(crate) api_url: Url,
    /// Bot token that replaces the one of the channel connection.
    pub(crate) bot_token: Option<SecretString>,
    /// Where a response URL may lead: these hosts and those below them.
    pub(crate) response_hosts: HostAllowlist,
    /// Where a sign-in link may lead: these hosts exactly.
    pub(crate) link_hosts: HostAllowlist,
    /// Who may connect a workspace, and which.
    pub(crate) access: Access,
    /// Whether people are refused of whom Slack does not say who they are.
    pub(crate) require_profile: bool,
    /// How long the HTTP response may wait for the answer.
    pub(crate) reply_budget: Duration,
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let signing_secrets = reader.filled_list(&SIGNING_SECRETS);
        let integration = reader.value(&INTEGRATION);
        let command = reader.value(&COMMAND);
        let user_scope = reader.optional_list(&USER_SCOPE);
        let connection = reader.optional(&CONNECTION);
        let api_url = reader.value(&API_URL);
        let bot_token = reader.optional(&BOT_TOKEN);
        let response_hosts = hosts(reader, &RESPONSE_HOSTS, Subdomains::Allowed);
        let link_hosts = hosts(reader, &LINK_HOSTS, Subdomains::Refused);
        let access = Access {
            administrators: reader.optional_list(&ADMINISTRATORS).unwrap_or_default(),
            allowed: reader.optional_list(&WORKSPACES),
            allowed_key: WORKSPACES.info().name,
        };
        let require_profile = reader.value(&REQUIRE_PROFILE);
        let reply_budget = reader.value(&REPLY_BUDGET);
        Some(Self {
            signing_secrets: signing_secrets?,
            integration: integration?,
            command: command?,
            user_scope,
            connection,
            api_url: api_url?,
            bot_token,
            response_hosts: response_hosts?,
            link_hosts: link_hosts?,
            access,
            require_profile: require_profile?,
            reply_budget: reply_budget?,
        })
    }

    /// The keys that sign Slack's requests.
    pub(crate) fn signing_keys(&self) -> Vec<SigningKey> {
        self.signing_secrets.iter().filter_map(SigningKey::new).collect()
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let secrets = match self.signing_secrets.len() {
            1 => "one signing secret".to_owned(),
            count => format!("{count} signing secrets"),
        };
        let connection = self.connection.as_deref().unwrap_or("none");
        let token = if self.bot_token.is_some() { "configured" } else { "from Novu" };
        let words = format!(
            "{} by integration {}, {secrets}, preferred connection {connection}, bot token {token}",
            self.command, self.integration,
        );
        vec![("Slack", words)]
    }
}

/// The name of a slash command (Slack: implementing slash commands; app manifest schema).
fn command(text: &str) -> Parsed<String> {
    let name_fits = text.strip_prefix('/').is_some_and(|name| {
        !name.chars().any(|c| c.is_whitespace() || c.is_uppercase() || c == '/')
    });
    if name_fits && COMMAND_LENGTH.contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    Err("is not a command name: write a slash and up to 31 characters, without spaces or capitals"
        .into())
}

/// A signing secret, and not a token (Slack: token types).
fn signing_secret(text: &str) -> Parsed<SecretString> {
    if ["xox", "xapp-", "xwfp-"].iter().any(|kind| text.starts_with(kind)) {
        return Err(
            "is a token: copy the Signing Secret from the app's page Basic Information".into()
        );
    }
    parse::secret(text)
}

/// The doubt about a signing secret that has not the form of Slack's.
fn unlike_a_signing_secret(secret: &SecretString) -> Option<Complaint> {
    let text = secret.expose_secret();
    let usual = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!usual).then(|| {
        "is not 32 hexadecimal digits, as Slack's signing secrets are: compare it with the app's \
         page Basic Information"
            .into()
    })
}

/// A Slack scope.
fn scope(text: &str) -> Parsed<String> {
    if text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | ':' | '_' | '-')) {
        return Ok(text.to_owned());
    }
    Err("is not a Slack scope: write it like identity.basic".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_what_slack_takes() {
        let longest = format!("/{}", "a".repeat(31));
        for text in ["/connect", "/novu-connect", "/c", "/verbinden_äöü", &longest] {
            assert!(command(text).is_ok(), "{text:?}");
        }
        let longer = format!("/{}", "a".repeat(32));
        for text in ["connect", "/", "/Connect", "/con nect", "//x", "", &longer] {
            assert!(command(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_signing_secret_is_no_token_and_doubted_if_it_does_not_look_like_one() {
        let doubted =
            |text: &str| unlike_a_signing_secret(&signing_secret(text).unwrap()).is_some();
        assert!(!doubted("8f742231b10e8888abcd99a5e1f2a3b4"));
        for text in ["8f742231b10e8888abcd99a5e1f2a3b", "1234.5678", "aF5ynEYQH0dFN9imlgcADxDB"] {
            assert!(doubted(text), "{text}");
        }
        for text in ["xoxb-canary", "xoxp-canary", "xoxe.xoxb-canary", "xapp-1-canary"] {
            assert!(signing_secret(text).is_err(), "{text}");
        }
    }

    #[test]
    fn scopes_are_written_as_slack_writes_them() {
        for text in ["identity.basic", "users:read"] {
            assert!(scope(text).is_ok(), "{text:?}");
        }
        for text in ["identity basic", "a,b", "Identity"] {
            assert!(scope(text).is_err(), "{text:?}");
        }
    }
}
