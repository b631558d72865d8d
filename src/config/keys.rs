//! The key reference: every configuration key with its meaning and its default, written once.
//!
//! The reader, the messages about wrong keys and the test of `config.example.toml` all go by this
//! table. A default stands here as an operator would write it, and is parsed like any other value.

/// Environment variables that configure the service start with this.
pub const ENV_PREFIX: &str = "CONNECT_";

/// A configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// `section.key`, as in the file.
    pub name: &'static str,
    /// What to put there: a phrase that completes "set it to …".
    pub meaning: &'static str,
    /// The value that applies when none is given; lists are comma-separated.
    pub default: Option<&'static str>,
    /// Whether the value must not print, and may come from a file named by `…_FILE`.
    pub secret: bool,
}

impl Key {
    const fn plain(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, default: None, secret: false }
    }

    const fn secret(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, default: None, secret: true }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The section, which is the part of the name before the dot.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(section, _)| section)
    }

    /// The environment variable, such as `CONNECT_NOVU__API_KEY`.
    #[must_use]
    pub fn env(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.replace('.', "__").to_uppercase())
    }
}

/// Every key there is.
pub const KEYS: &[Key] = &[
    Key::plain("server.listen", "the IP address and port to listen on").or("127.0.0.1:3000"),
    Key::plain(
        "server.public_url",
        "the https origin at which people reach this service, without a path",
    ),
    Key::secret(
        "server.link_keys",
        "the key that signs the links to personal pages; while it is being replaced, the new and \
         the old one",
    ),
    Key::plain(
        "server.ops_listen",
        "an IP address and port of their own for /metrics and /readyz, away from the public",
    ),
    Key::secret(
        "server.proxy",
        "the address of an HTTP proxy for outgoing https, like http://proxy.example.com:3128",
    ),
    Key::plain("server.max_connections", "how many connections are served at a time").or("1024"),
    Key::plain("novu.api_url", "the address of Novu's API; https://eu.api.novu.co for Europe")
        .or("https://api.novu.co"),
    Key::secret("novu.api_key", "a secret key of the Novu environment"),
    Key::plain("novu.timeout", "the longest time that one call to Novu may take").or("2s"),
    Key::plain(
        "novu.context_hmac",
        "true if the Novu integration demands signed contexts, else false",
    )
    .or("false"),
    Key::secret(
        "slack.signing_secrets",
        "the signing secret of the Slack app; while it is being replaced, the old and the new one",
    ),
    Key::plain("slack.integration", "the identifier of the Slack integration in Novu"),
    Key::plain("slack.command", "the name of the slash command").or("/connect"),
    Key::plain("slack.user_scope", "the user scopes to ask for instead of Novu's own choice"),
    Key::plain(
        "slack.connection",
        "the identifier of the Novu channel connection to prefer where a workspace has several",
    ),
    Key::plain("slack.api_url", "the base address of Slack's Web API").or("https://slack.com/api"),
    Key::secret(
        "slack.bot_token",
        "a bot token to use instead of the one in Novu's channel connection",
    ),
    Key::plain(
        "slack.response_hosts",
        "the hosts that a response URL may have, or be a sub-domain of",
    )
    .or("slack.com,slack-gov.com"),
    Key::plain("slack.link_hosts", "the hosts that a sign-in link may have, exactly")
        .or("slack.com,slack-gov.com"),
    Key::plain("slack.reply_budget", "how long the HTTP response to Slack may wait for the answer")
        .or("2s"),
    Key::plain("teams.cloud", "the Microsoft cloud: public, usgov or china").or("public"),
    Key::plain("teams.app_id", "the application (client) id of the bot's Entra application"),
    Key::secret("teams.app_secret", "a client secret of the bot's Entra application"),
    Key::plain(
        "teams.app_certificate",
        "the PEM file of a certificate of the bot's Entra application, in place of a secret",
    ),
    Key::plain(
        "teams.app_certificate_key",
        "the PEM file of that certificate's unencrypted private key",
    ),
    Key::plain(
        "teams.app_tenant",
        "the tenant of a single-tenant bot; without it the bot is one of many tenants",
    ),
    Key::plain("teams.integration", "the identifier of the Microsoft Teams integration in Novu"),
    Key::plain(
        "teams.connection",
        "the identifier of the Novu channel connection to prefer where a workspace has several",
    ),
    Key::plain(
        "teams.openid_metadata_url",
        "the OpenID metadata of the Bot Connector instead of the cloud's",
    ),
    Key::plain(
        "teams.token_url",
        "the address that gives the bot its tokens instead of the cloud's",
    ),
    Key::plain("teams.issuer", "the issuer of the Bot Connector's tokens instead of the cloud's"),
    Key::plain(
        "teams.link_hosts",
        "the hosts that a sign-in link may have, exactly, instead of the cloud's",
    ),
    Key::plain(
        "teams.service_hosts",
        "the hosts that a service URL may have, exactly, instead of the cloud's",
    ),
    Key::plain(
        "teams.reply_budget",
        "how long the response to a pressed button may wait for its card",
    )
    .or("1200ms"),
    Key::plain(
        "teams.unknown_key_interval",
        "how often at most a token with an unknown key makes the bot look for new ones",
    )
    .or("5m"),
    Key::plain(
        "identity.chain",
        "the resolvers that find a person's subscriber, in order: table, webhook, email, template",
    )
    .or("template"),
    Key::plain(
        "identity.template",
        "a subscriber id with the placeholders {platform}, {workspace}, {team} and {user}",
    )
    .or("{platform}:{workspace}:{user}"),
    Key::plain("identity.webhook_url", "the address of your own endpoint that names subscribers"),
    Key::secret("identity.webhook_secret", "the key that signs requests to identity.webhook_url"),
    Key::plain("identity.webhook_timeout", "the longest time that your endpoint may take").or("1s"),
    Key::plain("identity.table", "a .csv or .toml file that maps people to subscriber ids"),
    Key::plain(
        "identity.create_missing",
        "the resolvers whose subscriber may be created where Novu does not have it",
    )
    .or("template"),
];

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_have_one_section() {
        let names: BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
        assert!(names.iter().all(|name| name.split('.').count() == 2));
    }

    #[test]
    fn the_environment_variable_follows_from_the_name() {
        let key = find("slack.signing_secrets").unwrap();
        assert_eq!(key.env(), "CONNECT_SLACK__SIGNING_SECRETS");
        assert_eq!(key.section(), "slack");
    }
}
