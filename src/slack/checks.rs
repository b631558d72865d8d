//! What there is to look at of Slack when everything is examined.

mod paths;

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use super::self_test::Fate;
use super::web_api::{ADDRESS_SCOPE, CallError, Token};
use super::{PLATFORM, Slack};
use crate::core::resolve::ResolverKind;
use crate::core::workspaces::config::NEEDED_SCOPES;
use crate::doctor::{
    Check, Examination, NovuChecks, NovuSide, Outcome, Probe, Sighting, listed, told,
};

/// The path of the slash command, and that of interactivity.
const COMMANDS: &str = "/slack/commands";
const INTERACTIONS: &str = "/slack/interactions";
/// The most tokens that are tested, and how many at a time.
const MOST_TOKENS: usize = 100;
const AT_ONCE: usize = 8;
/// What the tokens begin with that Slack replaces after twelve hours (Slack, token rotation).
const ROTATES: &str = "xoxe.";

const NOVU: NovuChecks = NovuChecks {
    integration: Check::SlackIntegration,
    provider: Check::SlackIntegrationProvider,
    active: Check::SlackIntegrationActive,
    hmac: Check::SlackHmac,
    connections: Check::SlackConnections,
    pinned: Check::SlackConnectionPinned,
    context: Check::SlackConnectionContext,
    email_domains: Check::SlackEmailDomains,
};

/// A bot token, and what Slack says of it.
struct Tested {
    /// What names it: the connection's identifier, or the key of the configuration.
    name: String,
    /// The workspace or organisation that it should be of, where that is known.
    workspace: Option<String>,
    token: SecretString,
    said: Result<Token, CallError>,
}

/// One look at Slack.
struct Look {
    slack: Arc<Slack>,
    examination: Arc<Examination>,
    novu: Arc<NovuSide>,
    tokens: OnceCell<Vec<Tested>>,
    signed: OnceCell<Option<Fate>>,
}

/// The checks of Slack.
pub(super) fn probes(slack: &Arc<Slack>, examination: &Arc<Examination>) -> Vec<Probe> {
    let about = &slack.settings;
    let novu = NovuSide::new(
        examination,
        &PLATFORM,
        NOVU,
        &about.integration,
        about.connection.as_deref(),
    );
    let mut probes = novu.probes();
    let look = Arc::new(Look {
        slack: Arc::clone(slack),
        examination: Arc::clone(examination),
        novu,
        tokens: OnceCell::new(),
        signed: OnceCell::new(),
    });
    macro_rules! probe {
        ($check:ident, $judge:ident) => {{
            let look = Arc::clone(&look);
            probes.push(Probe::new(Check::$check, async move { look.$judge().await }));
        }};
    }
    probe!(SlackApi, api);
    probe!(SlackTokenRotation, rotation);
    probe!(SlackConnectionToken, tokens_are_good);
    probe!(SlackConnectionWorkspace, workspaces_fit);
    probe!(SlackScopes, scopes);
    probe!(SlackProfiles, profiles);
    if examination.chain().has(ResolverKind::Email) {
        probe!(SlackEmailScope, email_scope);
    }
    if examination.outside().is_some() {
        probe!(SlackCommandsPath, commands_path);
        probe!(SlackSignatureHeaders, signature_headers);
        probe!(SlackSigningSecret, signing_secret);
        probe!(SlackBodyUnchanged, body_unchanged);
        probe!(SlackInteractionsPath, interactions_path);
    }
    probes.extend(sightings(slack, examination));
    probes
}

/// What cannot be looked up, but shows once it was seen.
fn sightings(slack: &Slack, examination: &Examination) -> Vec<Probe> {
    let probe = |check, sighting, seen: &str, unseen: &str, fix: String| {
        let seen = slack.answering.sightings().has(sighting).then(|| Outcome::ok(seen));
        let unseen = || Outcome::note(format!("not seen yet: {unseen}"), fix);
        Probe::known(check, seen.unwrap_or_else(unseen))
    };
    let (command, integration) = (&slack.command, &slack.settings.integration);
    let at = |path| match examination.outside() {
        Some(_) => format!("server.public_url with {path}"),
        None => format!("the address of this service with {path}"),
    };
    let mut probes = vec![
        probe(
            Check::SlackCommandSeen,
            Sighting::Asked,
            "a genuine slash command has come",
            "a genuine slash command, so nobody knows whether the app has the right address",
            format!(
                "type {command} help in Slack; the Request URL of {command} is {}",
                at(COMMANDS)
            ),
        ),
        probe(
            Check::SlackPressSeen,
            Sighting::Pressed,
            "a genuine press of a button has come",
            "a genuine press of a button, so nobody knows whether the app has the right address",
            format!("press a button; the Request URL of Interactivity is {}", at(INTERACTIONS)),
        ),
        probe(
            Check::SlackSignInSeen,
            Sighting::SignedIn,
            "somebody has signed in by their own link",
            "a sign-in, so nobody knows whether the app may use its user scopes",
            format!("type {command} and sign in; where Slack refuses, set slack.user_scope"),
        ),
    ];
    if examination.outside().is_some() {
        probes.push(probe(
            Check::SlackLandingVisited,
            Sighting::Landed,
            "somebody came back from a sign-in",
            "somebody who came back from a sign-in, so nobody knows Novu's redirect URL",
            format!(
                "set the redirect URL of the integration {integration} in Novu to server.public_url with \
                 /linked/slack, and sign in once"
            ),
        ));
    }
    probes
}

impl Look {
    async fn api(&self) -> Outcome {
        match self.slack.web_api.test_api().await {
            Ok(date) => {
                self.examination.note_date("Slack", date);
                Outcome::ok("Slack's Web API answers")
            }
            Err(error) => {
                let words = format!("Slack's Web API does not answer ({})", error.word());
                let (finding, fix) = told(self.examination.http(), ("slack", "api_test"), &words);
                Outcome::failure(finding, fix)
            }
        }
    }

    /// The tokens that are in use, tested.
    async fn tokens(&self) -> &[Tested] {
        self.tokens.get_or_init(|| self.test_tokens()).await
    }

    async fn test_tokens(&self) -> Vec<Tested> {
        let named: Vec<_> = if let Some(token) = &self.slack.settings.bot_token {
            vec![("slack.bot_token".to_owned(), None, token.clone())]
        } else {
            let connections = self.novu.connections().await.unwrap_or_default();
            let named = connections.iter().filter_map(|it| {
                let workspace = it.workspace.as_ref().map(|workspace| workspace.id.clone());
                Some((it.identifier.clone(), workspace, it.access_token.clone()?))
            });
            named.take(MOST_TOKENS).collect()
        };
        let test = |(name, workspace, token): (String, Option<String>, SecretString)| async move {
            let said = self.slack.web_api.test_token(&token).await;
            Tested { name, workspace, token, said }
        };
        stream::iter(named).map(test).buffered(AT_ONCE).collect().await
    }

    /// Those of which something is so, with more about each.
    async fn tokens_of(&self, tell: impl Fn(&Tested) -> Option<String>) -> Vec<String> {
        self.tokens().await.iter().filter_map(tell).collect()
    }

    async fn rotation(&self) -> Outcome {
        let expired = self.tokens_of(|it| it.is_expired().then(|| it.name.clone())).await;
        if !expired.is_empty() {
            return Outcome::failure(
                format!("tokens have expired, which Novu alone renews: {}", all(&expired)),
                "let Novu send something there, or use a Slack app without token rotation",
            );
        }
        let rotating = self
            .tokens_of(|it| it.token.expose_secret().starts_with(ROTATES).then(|| it.name.clone()))
            .await;
        if rotating.is_empty() {
            return Outcome::ok("no token rotates");
        }
        Outcome::warning(
            format!("tokens rotate, and expire unless Novu sends in time: {}", all(&rotating)),
            "use a Slack app without token rotation; it cannot be switched off again",
        )
    }

    async fn tokens_are_good(&self) -> Outcome {
        if self.tokens().await.is_empty() {
            return Outcome::failure(
                "no connection has a bot token",
                "run workspace reconnect, or set slack.bot_token",
            );
        }
        let dead = |it: &Tested| match &it.said {
            Err(error) if !it.is_expired() => Some(format!("{} ({})", it.name, error.word())),
            _ => None,
        };
        let dead = self.tokens_of(dead).await;
        if dead.is_empty() {
            return Outcome::ok("Slack takes every bot token");
        }
        Outcome::failure(
            format!("Slack does not take the bot token of {}", all(&dead)),
            "run workspace reconnect for that workspace, or correct slack.bot_token",
        )
    }

    async fn workspaces_fit(&self) -> Outcome {
        let others = self
            .tokens_of(|it| {
                let (wanted, said) = (it.workspace.as_ref()?, it.said.as_ref().ok()?);
                let own = [Some(&said.team_id), said.enterprise_id.as_ref()];
                let is_own = own.into_iter().flatten().any(|id| PLATFORM.same_id(id, wanted));
                (!is_own).then(|| format!("{} ({wanted}, token of {})", it.name, said.team_id))
            })
            .await;
        if others.is_empty() {
            return Outcome::ok("every token is of its own workspace");
        }
        Outcome::failure(
            format!("tokens are of another workspace than their connection: {}", all(&others)),
            "connect each workspace under an identifier of its own, and run workspace reconnect for these",
        )
    }

    async fn scopes(&self) -> Outcome {
        let needed = NEEDED_SCOPES.map(|(scope, _)| scope);
        self.have(&needed).await
    }

    async fn email_scope(&self) -> Outcome {
        self.have(&[ADDRESS_SCOPE]).await
    }

    async fn have(&self, needed: &[&str]) -> Outcome {
        let lacking = |it: &Tested| {
            let scopes = it.said.as_ref().ok()?.scopes.as_ref()?;
            let lacks = |name: &&&str| !scopes.iter().any(|scope| scope == *name);
            let lacking: Vec<_> = needed.iter().filter(lacks).copied().collect();
            (!lacking.is_empty()).then(|| format!("{} lacks {}", it.name, lacking.join(" and ")))
        };
        let lacking = self.tokens_of(lacking).await;
        if !lacking.is_empty() {
            return Outcome::failure(
                format!("bot tokens lack scopes: {}", all(&lacking)),
                "add these bot scopes to the Slack app and to workspaces.scope, and run workspace reconnect",
            );
        }
        let silent = |it: &Tested| it.said.as_ref().is_ok_and(|said| said.scopes.is_none());
        if self.tokens().await.iter().any(silent) {
            let fix = "compare the app's page OAuth & Permissions with what manifest slack prints";
            return Outcome::note("Slack does not say which scopes the tokens have", fix);
        }
        Outcome::ok(format!("every token has {}", needed.join(", ")))
    }

    async fn profiles(&self) -> Outcome {
        let mut refused = Vec::new();
        for tested in self.tokens().await.iter().take(AT_ONCE) {
            let Ok(said) = &tested.said else { continue };
            let profile = self.slack.web_api.test_profile(&tested.token, &said.user_id).await;
            if let Err(error) = profile {
                refused.push(format!("{} ({})", tested.name, error.word()));
            }
        }
        if refused.is_empty() {
            return Outcome::ok("Slack says who people are");
        }
        let words = format!("Slack does not say who people are: {}", all(&refused));
        let (finding, fix) = told(self.examination.http(), ("slack", "users_info"), &words);
        Outcome::failure(finding, fix)
    }
}

impl Tested {
    fn is_expired(&self) -> bool {
        self.said.as_ref().is_err_and(|error| error.word() == "token_expired")
    }
}

fn all(names: &[String]) -> String {
    listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
}
