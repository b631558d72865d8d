//! What there is to look at of Microsoft Teams when everything is examined.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use tokio::sync::OnceCell;

use super::credentials::{CertificateError, TokenError};
use super::{PLATFORM, Teams};
use crate::clock::between;
use crate::doctor::{
    Check, Examination, NovuChecks, NovuSide, Outcome, Probe, Sighting, listed, no_way, not_us,
    told,
};

/// The path that Teams calls.
const MESSAGES: &str = "/api/messages";
/// What Novu needs to find the app in a tenant and to install it for people (Novu 3.19 source, Teams
/// callback).
const PERMISSIONS: [&str; 2] =
    ["AppCatalog.Read.All", "TeamsAppInstallation.ReadWriteSelfForUser.All"];
/// A certificate that ends sooner should be renewed.
const SOON: Duration = Duration::from_hours(24 * 21);
/// The most tenants that are asked for, and how many at a time.
const MOST_TENANTS: usize = 50;
const AT_ONCE: usize = 8;

const NOVU: NovuChecks = NovuChecks {
    integration: Check::TeamsIntegration,
    provider: Check::TeamsIntegrationProvider,
    active: Check::TeamsIntegrationActive,
    hmac: Check::TeamsHmac,
    connections: Check::TeamsConnections,
    pinned: Check::TeamsConnectionPinned,
    context: Check::TeamsConnectionContext,
    email_domains: Check::TeamsEmailDomains,
};

/// One look at Teams.
struct Look {
    teams: Arc<Teams>,
    examination: Arc<Examination>,
    novu: Arc<NovuSide>,
    token: OnceCell<Result<(), TokenError>>,
    consents: OnceCell<Vec<Consent>>,
}

/// What the app may do in a tenant; none where its token does not say.
type Consent = (String, Result<Option<Vec<String>>, TokenError>);

/// The checks of Teams.
pub(super) fn probes(teams: &Arc<Teams>, examination: &Arc<Examination>) -> Vec<Probe> {
    let (integration, pinned) = (&teams.integration, teams.connection.as_deref());
    let novu = NovuSide::new(examination, &PLATFORM, NOVU, integration, pinned);
    let mut probes = novu.probes();
    let look = Arc::new(Look {
        teams: Arc::clone(teams),
        examination: Arc::clone(examination),
        novu,
        token: OnceCell::new(),
        consents: OnceCell::new(),
    });
    macro_rules! probe {
        ($check:ident, $judge:ident) => {{
            let look = Arc::clone(&look);
            probes.push(Probe::new(Check::$check, async move { look.$judge().await }));
        }};
    }
    probe!(TeamsLogin, login);
    probe!(TeamsCredentials, credentials);
    probe!(TeamsConsent, consent);
    probe!(TeamsPermissions, permissions);
    probe!(TeamsKeys, keys);
    if teams.tokens.has_certificate() {
        probe!(TeamsCertificate, certificate);
    } else {
        probes.push(Probe::known(Check::TeamsSecretEnd, secret_end()));
    }
    if examination.outside().is_some() {
        probe!(TeamsMessagesPath, messages_path);
        probes.push(landing(teams));
    }
    probes.push(messages(teams));
    probes
}

/// What cannot be looked up at all.
fn secret_end() -> Outcome {
    Outcome::note(
        "not seen: when the client secret ends, which Entra tells nobody",
        "look at Certificates & secrets of the app registration, or use a certificate",
    )
}

/// What cannot be looked up, but shows once it was seen.
fn messages(teams: &Teams) -> Probe {
    let seen = teams.answering.sightings().has(Sighting::Asked);
    Probe::known(
        Check::TeamsMessageSeen,
        if seen {
            Outcome::ok("a genuine activity has come")
        } else {
            Outcome::note(
                "not seen yet: a genuine activity, so nobody knows whether the bot has the right address",
                format!("write help to the bot; its Messaging endpoint ends with {MESSAGES}"),
            )
        },
    )
}

fn landing(teams: &Teams) -> Probe {
    let seen = teams.answering.sightings().has(Sighting::Landed);
    Probe::known(
        Check::TeamsLandingVisited,
        if seen {
            Outcome::ok("somebody came back from a sign-in")
        } else {
            Outcome::note(
                "not seen yet: somebody who came back from a sign-in, so nobody knows Novu's redirect URL",
                format!(
                    "set the redirect URL of the integration {} in Novu to server.public_url with \
                     /linked/teams, and sign in once",
                    teams.integration
                ),
            )
        },
    )
}

impl Look {
    async fn token(&self) -> &Result<(), TokenError> {
        let ask = async {
            let date = self.teams.tokens.try_out().await?;
            self.examination.note_date("Entra", date);
            Ok(())
        };
        self.token.get_or_init(|| ask).await
    }

    fn told(&self, operation: &'static str, words: &str) -> (String, String) {
        told(self.examination.http(), ("entra", operation), words)
    }

    async fn login(&self) -> Outcome {
        match self.token().await {
            Err(error @ (TokenError::Unavailable | TokenError::Nonsense)) => {
                let (finding, fix) = self.told("try_token", &error.to_string());
                Outcome::failure(finding, fix)
            }
            Ok(()) | Err(TokenError::Refused { .. }) => Outcome::ok("Entra answers"),
        }
    }

    async fn credentials(&self) -> Outcome {
        match self.token().await {
            Err(error @ TokenError::Refused { code, .. }) => {
                let (_, fix) = self.told("try_token", "");
                let word = error.word();
                Outcome::failure(
                    format!("Entra gives the bot no token: {word} (AADSTS{code})"),
                    fix,
                )
            }
            _ => Outcome::ok("Entra gives the bot a token"),
        }
    }

    async fn certificate(&self) -> Outcome {
        match self.teams.tokens.certificate_end().await {
            Some(Err(error)) => unusable(error),
            None | Some(Ok(None)) => Outcome::note(
                "nobody can read when the bot's certificate ends",
                "look with openssl x509 -enddate",
            ),
            Some(Ok(Some(end))) => lasting(end, self.examination.clock().now()),
        }
    }

    async fn keys(&self) -> Outcome {
        match self.teams.verifier.try_keys().await {
            Ok((keys, date)) => {
                self.examination.note_date("the Bot Connector", date);
                Outcome::ok(format!("the Bot Connector publishes {keys} usable keys"))
            }
            Err(words) => {
                let (finding, fix) =
                    told(self.examination.http(), ("bot_connector", "keys"), &words);
                Outcome::failure(finding, fix)
            }
        }
    }

    /// What the app may do in each tenant that is connected.
    async fn consents(&self) -> &[Consent] {
        let ask = async {
            let tenants = self.novu.workspaces().await.into_iter().take(MOST_TENANTS);
            let ask = |tenant: String| async move {
                let permissions = self.teams.tokens.permissions_in(&tenant).await;
                (tenant, permissions)
            };
            stream::iter(tenants).map(ask).buffered(AT_ONCE).collect().await
        };
        self.consents.get_or_init(|| ask).await
    }

    async fn consent(&self) -> Outcome {
        let mut without = Vec::new();
        let mut unasked = Vec::new();
        for (tenant, permissions) in self.consents().await {
            match permissions {
                Ok(_) => {}
                Err(TokenError::Refused { .. }) => without.push(tenant.as_str()),
                Err(_) => unasked.push(tenant.as_str()),
            }
        }
        if !without.is_empty() {
            return Outcome::failure(
                format!("no administrator has consented to the app in {}", listed(&without)),
                "let an administrator of that tenant connect it again, and consent",
            );
        }
        if !unasked.is_empty() {
            let finding = format!("Entra does not say whether {} consented", listed(&unasked));
            return Outcome::warning(
                finding,
                "try again; if it stays, look at Entra's status page",
            );
        }
        Outcome::ok("every connected tenant has consented to the app")
    }

    async fn permissions(&self) -> Outcome {
        let mut lacking = Vec::new();
        let mut silent = false;
        for (tenant, permissions) in self.consents().await {
            let Ok(permissions) = permissions else { continue };
            silent |= permissions.is_none();
            let Some(permissions) = permissions else { continue };
            let lacks = |name: &&&str| !permissions.iter().any(|held| held == *name);
            let lacks: Vec<_> = PERMISSIONS.iter().filter(lacks).copied().collect();
            if !lacks.is_empty() {
                lacking.push(format!("{tenant} lacks {}", lacks.join(" and ")));
            }
        }
        if !lacking.is_empty() {
            let lacking: Vec<_> = lacking.iter().map(String::as_str).collect();
            return Outcome::failure(
                format!("the app lacks permissions with which Novu delivers: {}", listed(&lacking)),
                "add these application permissions of Microsoft Graph to the app registration, and let \
                 an administrator consent anew; it takes up to an hour to count",
            );
        }
        if silent {
            let fix = "compare the app's page API permissions with the README";
            return Outcome::note("Entra does not say which permissions the app has", fix);
        }
        Outcome::ok("the app has the permissions with which Novu delivers")
    }

    /// A request without a token: this service refuses it, and nobody else does in the same way.
    async fn messages_path(&self) -> Outcome {
        let Some(outside) = self.examination.outside() else {
            return Outcome::note("there is nothing to try it with", "set server.public_url");
        };
        let answer = outside.send("unsigned", Method::POST, MESSAGES, |request| request).await;
        match answer {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && answer.body.is_empty() => {
                Outcome::ok(format!("requests to {MESSAGES} get here from outside"))
            }
            Ok(answer) => not_us(MESSAGES, &answer),
            Err(failure) => no_way(&failure),
        }
    }
}

fn unusable(error: CertificateError) -> Outcome {
    Outcome::failure(
        format!("the bot's certificate cannot be used: {error}"),
        "correct teams.app_certificate and teams.app_certificate_key, or their files",
    )
}

fn lasting(end: Timestamp, now: Timestamp) -> Outcome {
    let day = end.strftime("%Y-%m-%d");
    let fix = "make a new certificate, add it to the app registration, and write it over the files";
    if end <= now {
        Outcome::failure(format!("the bot's certificate ended on {day}"), fix)
    } else if between(now, end) < SOON {
        Outcome::warning(format!("the bot's certificate ends on {day}"), fix)
    } else {
        Outcome::ok(format!("the bot's certificate ends on {day}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn a_certificate_that_ends_soon_is_a_warning_before_it_is_a_failure() {
        let end = "2027-05-01T00:00:00Z".parse().unwrap();
        let cases = [
            ("2026-05-01T00:00:00Z", Severity::Ok),
            ("2027-04-09T00:00:00Z", Severity::Ok),
            ("2027-04-11T00:00:00Z", Severity::Warning),
            ("2027-05-01T00:00:00Z", Severity::Failure),
        ];
        for (now, severity) in cases {
            let outcome = lasting(end, now.parse().unwrap());
            assert_eq!(outcome.severity(), severity, "{now}");
            assert!(outcome.finding().ends_with("on 2027-05-01"), "{}", outcome.finding());
        }
    }
}
