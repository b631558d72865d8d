//! The table of checks: each with its name, and with the checks that it makes no sense without.

/// Declares the checks once: variant, name, the checks before it. Everything that lists them is made from
/// it.
macro_rules! checks {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal after [$($before:ident),*];)+) => {
        /// One thing that is looked at. The names are stable: scripts and the documentation carry them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Check {
            /// Every check, in the order in which they are told.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The checks without which this one says nothing: where one of them fails, it is skipped.
            #[must_use]
            pub const fn after(self) -> &'static [Self] {
                match self { $(Self::$variant => &[$(Self::$before),*],)+ }
            }
        }
    };
}

checks! {
    /// Whether the configuration has values that are seldom meant.
    ConfigValues = "config.values" after [];

    /// Whether Novu answers at `novu.api_url`.
    NovuReachable = "novu.reachable" after [];
    /// Whether Novu's rate limits leave room.
    NovuRateLimit = "novu.rate_limit" after [NovuReachable];
    /// Whether the key is one of the region that is asked.
    NovuRegion = "novu.region" after [NovuRateLimit];
    /// Whether Novu takes the key.
    NovuKey = "novu.key" after [NovuRegion];

    /// Whether the chain of TLS certificates at `server.public_url` is trusted.
    ServerTls = "server.tls" after [];
    /// Whether this service answers at `server.public_url`.
    ServerPublicUrl = "server.public_url" after [ServerTls];
    /// Whether the operators' figures are kept from the public.
    ServerOpsPrivate = "server.ops_private" after [ServerPublicUrl];
    /// Whether this machine's clock agrees with those of others.
    ServerClock = "server.clock" after [];
    /// Whether the limit of open files leaves room for `server.max_connections`.
    ServerFiles = "server.files" after [];

    /// Whether what is stored outlives the service.
    StoreDurable = "store.durable" after [];
    /// Whether the store can be opened, and works.
    StoreOpen = "store.open" after [];
    /// Whether the store's tables are ones that this release knows.
    StoreTables = "store.tables" after [StoreOpen];
    /// Whether the keys are there that have sealed what is stored.
    StoreKeys = "store.keys" after [StoreTables];
    /// Whether the store's disk has room.
    StoreDisk = "store.disk" after [];

    /// Whether the identity table can be taken, and has people of every platform.
    IdentityTable = "identity.table" after [];
    /// Whether the identity webhook gives a documented answer to a signed dry run.
    IdentityWebhook = "identity.webhook" after [];
    /// Whether the identity webhook refuses what is not signed with its key.
    IdentityWebhookSignature = "identity.webhook_signature" after [IdentityWebhook];
    /// Whether Novu finds subscribers by e-mail address, and only those.
    IdentityEmailSearch = "identity.email_search" after [NovuKey];

    /// Whether Novu has the integration.
    SlackIntegration = "slack.integration" after [NovuKey];
    /// Whether the integration is one of Slack's.
    SlackIntegrationProvider = "slack.integration_provider" after [SlackIntegration];
    /// Whether the integration is switched on.
    SlackIntegrationActive = "slack.integration_active" after [SlackIntegrationProvider];
    /// Whether contexts are signed where the integration demands it.
    SlackHmac = "slack.hmac" after [SlackIntegrationProvider];
    /// Whether a workspace is connected.
    SlackConnections = "slack.connections" after [SlackIntegrationProvider];
    /// Whether the connection that `slack.connection` prefers is there.
    SlackConnectionPinned = "slack.connection_pinned" after [SlackConnections];
    /// Whether something chooses where a workspace has connections in several contexts.
    SlackConnectionContext = "slack.connection_context" after [SlackConnectionPinned];
    /// Whether every workspace has the e-mail domains that it needs.
    SlackEmailDomains = "slack.email_domains" after [SlackConnections];
    /// Whether Slack's Web API answers.
    SlackApi = "slack.api" after [];
    /// Whether tokens last.
    SlackTokenRotation = "slack.token_rotation" after [SlackConnections, SlackApi];
    /// Whether Slack takes the bot tokens.
    SlackConnectionToken = "slack.connection_token" after [SlackTokenRotation];
    /// Whether each token is of the workspace that its connection names.
    SlackConnectionWorkspace = "slack.connection_workspace" after [SlackConnectionToken];
    /// Whether the tokens have the scopes that are needed.
    SlackScopes = "slack.scopes" after [SlackConnectionToken];
    /// Whether the tokens have the scope for e-mail addresses.
    SlackEmailScope = "slack.email_scope" after [SlackScopes];
    /// Whether Slack says who people are.
    SlackProfiles = "slack.profiles" after [SlackScopes];
    /// Whether a request to the slash command's path gets here from outside.
    SlackCommandsPath = "slack.commands_path" after [ServerPublicUrl];
    /// Whether Slack's headers get here from outside.
    SlackSignatureHeaders = "slack.signature_headers" after [SlackCommandsPath];
    /// Whether the service takes requests that are signed with `slack.signing_secrets`.
    SlackSigningSecret = "slack.signing_secret" after [SlackSignatureHeaders];
    /// Whether bodies get here from outside as they were sent.
    SlackBodyUnchanged = "slack.body_unchanged" after [SlackSigningSecret];
    /// Whether a request to interactivity's path gets here from outside.
    SlackInteractionsPath = "slack.interactions_path" after [SlackSigningSecret];
    /// Whether a genuine slash command was seen.
    SlackCommandSeen = "slack.command_seen" after [SlackSigningSecret];
    /// Whether a genuine press of a button was seen.
    SlackPressSeen = "slack.press_seen" after [SlackInteractionsPath];
    /// Whether somebody came back from a sign-in to our landing page.
    SlackLandingVisited = "slack.landing_visited" after [ServerPublicUrl];
    /// Whether somebody has signed in, so that the app may use its user scopes.
    SlackSignInSeen = "slack.sign_in_seen" after [];

    /// Whether Novu has the integration.
    TeamsIntegration = "teams.integration" after [NovuKey];
    /// Whether the integration is one of Microsoft Teams'.
    TeamsIntegrationProvider = "teams.integration_provider" after [TeamsIntegration];
    /// Whether the integration is switched on.
    TeamsIntegrationActive = "teams.integration_active" after [TeamsIntegrationProvider];
    /// Whether contexts are signed where the integration demands it.
    TeamsHmac = "teams.hmac" after [TeamsIntegrationProvider];
    /// Whether a tenant is connected.
    TeamsConnections = "teams.connections" after [TeamsIntegrationProvider];
    /// Whether the connection that `teams.connection` prefers is there.
    TeamsConnectionPinned = "teams.connection_pinned" after [TeamsConnections];
    /// Whether something chooses where a tenant has connections in several contexts.
    TeamsConnectionContext = "teams.connection_context" after [TeamsConnectionPinned];
    /// Whether every tenant has the e-mail domains that it needs.
    TeamsEmailDomains = "teams.email_domains" after [TeamsConnections];
    /// Whether the bot's certificate lasts.
    TeamsCertificate = "teams.certificate" after [];
    /// When the bot's client secret ends, which Entra tells nobody.
    TeamsSecretEnd = "teams.secret_end" after [];
    /// Whether Entra answers.
    TeamsLogin = "teams.login" after [TeamsCertificate];
    /// Whether Entra takes the bot's secret or certificate.
    TeamsCredentials = "teams.credentials" after [TeamsLogin];
    /// Whether an administrator of each connected tenant has consented.
    TeamsConsent = "teams.consent" after [TeamsCredentials, TeamsConnections];
    /// Whether the app has the permissions with which Novu delivers.
    TeamsPermissions = "teams.permissions" after [TeamsConsent];
    /// Whether the Bot Connector's keys can be fetched.
    TeamsKeys = "teams.keys" after [];
    /// Whether a request to the bot's path gets here from outside.
    TeamsMessagesPath = "teams.messages_path" after [ServerPublicUrl];
    /// Whether a genuine activity was seen.
    TeamsMessageSeen = "teams.message_seen" after [TeamsMessagesPath];
    /// Whether somebody came back from a sign-in to our landing page.
    TeamsLandingVisited = "teams.landing_visited" after [ServerPublicUrl];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own_and_comes_after_those_that_it_needs() {
        let names: std::collections::BTreeSet<_> =
            Check::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), Check::ALL.len());
        for check in Check::ALL {
            // Hence no circles either.
            assert!(check.after().iter().all(|before| before < check), "{}", check.name());
        }
    }
}
