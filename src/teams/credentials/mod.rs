//! The bot's own access token, with which it speaks to the connector.
//!
//! OAuth 2.0 client credentials at Entra (Bot Connector authentication), with a client secret or a
//! certificate; managed identities are not known here. A token is asked for once, however many
//! wait for it, renewed before it runs out, used to its end if it cannot be renewed, and dropped if
//! the connector refuses it. Asking runs on its own, so that a caller who gives up neither wastes it
//! nor hides that it failed.

mod certificate;
mod certified_key;
mod error;
mod grant;
#[cfg(test)]
pub(crate) mod tests;
mod validity;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;
use url::Url;

use self::certificate::ASSERTION_TYPE;
pub use self::certificate::{Certificate, CertificateError, CertificateFiles, Unsuitable};
pub use self::error::TokenError;
use crate::clock::{SharedClock, Tick};
use crate::net::{self, Answered, Flight, Outgoing, SingleFlight, encode_segment, is_loopback};

/// How long nobody asks again after a failure.
const HOLD_OFF: Duration = Duration::from_secs(5);
/// How long asking may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// A token that is refused sooner than this after it was asked for stays: the next one would fare no
/// better, and Entra would be asked once for every call.
const BREATHER: Duration = Duration::from_mins(1);
/// How often it is looked after the token in hand.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What the bot asks Entra for a token with.
#[derive(Debug)]
pub struct Credentials {
    /// The application id.
    pub client_id: String,
    /// What proves to Entra that this is the bot.
    pub proof: Proof,
    /// The token endpoint of the bot's tenant (or of the Bot Framework's, for bots of many tenants).
    pub token_url: Url,
    /// What the token is for, such as `https://api.botframework.com/.default`.
    pub scope: String,
    /// What a token is for that tells the permissions in a tenant, such as
    /// `https://graph.microsoft.com/.default`.
    pub graph_scope: String,
}

/// What proves to Entra that this is the bot.
#[derive(Debug)]
pub enum Proof {
    /// A client secret.
    Secret(SecretString),
    /// A certificate, and statements signed with its key.
    Certificate(Certificate),
}

impl Proof {
    fn is_other_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(one), Self::Secret(other)) => {
                one.expose_secret() != other.expose_secret()
            }
            (Self::Certificate(one), Self::Certificate(other)) => one.is_other_than(other),
            _ => true,
        }
    }
}

impl Application {
    /// The token endpoint of another tenant.
    fn token_url_of(&self, tenant: &str) -> Url {
        let mut url = self.token_url.clone();
        let rest = url.path().trim_start_matches('/').split_once('/').map(|(_, rest)| rest);
        let path = format!("/{}/{}", encode_segment(tenant), rest.unwrap_or_default());
        url.set_path(&path);
        url
    }

    /// The form of a token request (RFC 6749, section 4.4.2; RFC 7523, section 2.2), made `now`.
    async fn form(
        &self,
        proof: &Proof,
        (token_url, scope): (&Url, &str),
        now: Timestamp,
    ) -> Result<Vec<(&'static str, SecretString)>, TokenError> {
        let mut form = vec![
            ("grant_type", "client_credentials".into()),
            ("client_id", self.client_id.as_str().into()),
        ];
        match proof {
            Proof::Secret(secret) => form.push(("client_secret", secret.clone())),
            Proof::Certificate(certificate) => {
                let assertion = certificate.assertion(&self.client_id, token_url, now);
                form.push(("client_assertion_type", ASSERTION_TYPE.into()));
                form.push(("client_assertion", assertion.await?));
            }
        }
        form.push(("scope", scope.into()));
        Ok(form)
    }
}

/// Whom a token is for: credentials without what proves them.
struct Application {
    client_id: String,
    token_url: Url,
    scope: String,
    graph_scope: String,
}

/// A token URL that the secret must not be sent to: neither https nor, for tests, loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token URL is not https")]
pub struct InsecureTokenUrl;

/// Gives the bot's access token. Share one between all who need it.
pub struct TokenSource {
    application: Application,
    /// Can be replaced at any time.
    proof: RwLock<Arc<Proof>>,
    http: Outgoing,
    clock: SharedClock,
    state: Mutex<State>,
    /// The question that Entra has not answered yet.
    renewal: SingleFlight<Result<HeaderValue, TokenError>>,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The last failure, and until when it stands in for another attempt.
    failure: Option<(TokenError, Tick)>,
}

/// A question to Entra that is under way.
type Renewal = Flight<Result<HeaderValue, TokenError>>;

#[derive(Clone)]
struct Token {
    authorization: HeaderValue,
    asked_at: Tick,
    renew_at: Tick,
    ends_at: Tick,
}

/// How the token in hand stands.
enum Standing {
    /// Good for a while.
    Fresh(HeaderValue),
    /// Good, and to be renewed.
    Ageing(HeaderValue),
    /// Not there, or no longer good.
    Gone,
    /// Not there, and asking has just failed.
    Failed(TokenError),
}

impl TokenSource {
    /// A source that has no token yet.
    ///
    /// # Errors
    /// The token URL is not safe to send a secret to.
    pub fn new(
        credentials: Credentials,
        http: Outgoing,
        clock: SharedClock,
    ) -> Result<Self, InsecureTokenUrl> {
        let Credentials { client_id, proof, token_url, scope, graph_scope } = credentials;
        let is_plain = token_url.scheme() == "http";
        if !(token_url.scheme() == "https" || (is_plain && is_loopback(&token_url))) {
            return Err(InsecureTokenUrl);
        }
        let application = Application { client_id, token_url, scope, graph_scope };
        let proof = RwLock::new(Arc::new(proof));
        let (state, renewal) = (Mutex::default(), SingleFlight::default());
        Ok(Self { application, proof, http, clock, state, renewal })
    }

    /// Whether both are certificates, and other ones.
    pub(super) fn has_other_certificate_than(&self, proof: &Proof) -> bool {
        match (&*self.proof(), proof) {
            (Proof::Certificate(own), Proof::Certificate(other)) => own.is_other_than(other),
            _ => false,
        }
    }

    /// Asks with another proof from now on. If it really is another one, a token is asked for at once, so
    /// that a wrong one shows; the token in hand stays good to its end.
    pub fn use_proof(self: &Arc<Self>, proof: Proof) {
        let is_new = proof.is_other_than(&self.proof());
        *self.proof.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(proof);
        if is_new {
            self.state().failure = None;
            drop(self.join_or_begin());
        }
    }

    fn proof(&self) -> Arc<Proof> {
        // Only ever replaced as a whole, so a panic leaves nothing to repair.
        Arc::clone(&self.proof.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The `Authorization` header for a call to the connector. Waits only if there is no good token
    /// in hand, and may be given up at any time: Entra is asked all the same, once for all.
    ///
    /// # Errors
    /// There is no token, and none to be had.
    pub async fn authorization(self: &Arc<Self>) -> Result<HeaderValue, TokenError> {
        self.find_authorization().await.unwrap_or(Err(TokenError::Unavailable))
    }

    /// As [`TokenSource::authorization`]; none where asking broke off.
    async fn find_authorization(self: &Arc<Self>) -> Option<Result<HeaderValue, TokenError>> {
        let renewal = {
            let now = self.clock.monotonic();
            let state = self.state();
            match state.standing(now) {
                Standing::Fresh(authorization) => return Some(Ok(authorization)),
                Standing::Ageing(authorization) => {
                    drop(self.join_or_begin());
                    return Some(Ok(authorization));
                }
                Standing::Failed(error) => return Some(Err(error)),
                Standing::Gone => self.join_or_begin(),
            }
        };
        renewal.outcome().await
    }

    /// Takes note that the connector has refused a token, given as its `Authorization` header, and
    /// says whether [`TokenSource::authorization`] has another one to offer.
    ///
    /// The token is dropped only while it is the one in hand, so that many refusals of one token
    /// cause one question. One that was asked for less than a minute ago is kept.
    pub fn refused(&self, authorization: &HeaderValue) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let in_hand = state.token.as_ref().filter(|token| token.authorization == authorization);
        let Some(token) = in_hand else { return true };
        if now - token.asked_at < BREATHER {
            return false;
        }
        state.token = None;
        tracing::warn!("the Bot Connector refuses the bot's token: a fresh one is asked for");
        true
    }

    /// Keeps a good token in hand, until `stop`: that there is none shows before somebody waits for a
    /// card, and that there is one again, by itself. Ends before that where asking breaks off.
    pub async fn keep_fresh(self: &Arc<Self>, stop: CancellationToken) {
        let asking = async {
            // Failures are told where they happen.
            while self.find_authorization().await.is_some() {
                self.clock.sleep(LOOK_EVERY).await;
            }
        };
        stop.run_until_cancelled(asking).await;
    }

    /// What keeps every message from being sent, in a word for the operator: there is no good token.
    #[must_use]
    pub fn trouble(&self) -> Option<&'static str> {
        let now = self.clock.monotonic();
        let state = self.state();
        if state.token.as_ref().is_some_and(|token| now < token.ends_at) {
            return None;
        }
        Some(state.failure.as_ref().map_or("no_token_yet", |(error, _)| error.word()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves whole values behind: there is nothing to repair.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join_or_begin(self: &Arc<Self>) -> Renewal {
        self.renewal.join_or_begin(|| {
            let source = Arc::clone(self);
            async move { source.renew().await }
        })
    }

    /// Asks Entra and keeps what comes of it. Only for the one renewal.
    async fn renew(&self) -> Result<HeaderValue, TokenError> {
        let mut call = self.http.call("entra", "token", TIMEOUT);
        let outcome = self.ask(&mut call).await;
        conclude(call, outcome.as_ref().err());
        let mut state = self.state();
        match outcome {
            Ok(token) => {
                let authorization = token.authorization.clone();
                (state.token, state.failure) = (Some(token), None);
                Ok(authorization)
            }
            Err(error) => {
                state.failure = Some((error.clone(), self.clock.monotonic() + HOLD_OFF));
                Err(error)
            }
        }
    }

    /// Asks Entra for a token without using it, and what time it is there.
    ///
    /// # Errors
    /// There is none to be had.
    pub(super) async fn try_out(&self) -> Result<Option<Timestamp>, TokenError> {
        let mut call = self.http.call("entra", "try_token", TIMEOUT);
        let Application { token_url, scope, .. } = &self.application;
        let granted = self.request(&mut call, (token_url, scope)).await;
        let outcome = granted.and_then(|answer| {
            grant::token(&answer.body, self.clock.monotonic()).map(|_| answer.date())
        });
        conclude(call, outcome.as_ref().err());
        outcome
    }

    /// The application permissions of Microsoft Graph that the app has in a tenant, if its token tells.
    ///
    /// # Errors
    /// There is no token for that tenant: its administrator has not consented, or Entra does not answer.
    pub(super) async fn permissions_in(
        &self,
        tenant: &str,
    ) -> Result<Option<Vec<String>>, TokenError> {
        let mut call = self.http.call("entra", "permissions", TIMEOUT);
        let token_url = self.application.token_url_of(tenant);
        let granted = self.request(&mut call, (&token_url, &self.application.graph_scope)).await;
        let outcome = granted.map(|answer| grant::permissions(&answer.body));
        match &outcome {
            // One tenant's no is for whoever asked, and no failure of Entra's.
            Err(error @ TokenError::Refused { .. }) => call.answered(error.outcome()),
            outcome => conclude(call, outcome.as_ref().err()),
        }
        outcome
    }

    /// Whether the bot has a certificate in place of a secret.
    pub(super) fn has_certificate(&self) -> bool {
        matches!(&*self.proof(), Proof::Certificate(_))
    }

    /// When the certificate on disk ends, where that can be read; none where the bot has a secret.
    pub(super) async fn certificate_end(
        &self,
    ) -> Option<Result<Option<Timestamp>, CertificateError>> {
        match &*self.proof() {
            Proof::Certificate(certificate) => Some(certificate.end().await),
            Proof::Secret(_) => None,
        }
    }

    async fn ask(&self, call: &mut net::Call<'_>) -> Result<Token, TokenError> {
        let asked_at = self.clock.monotonic();
        let Application { token_url, scope, .. } = &self.application;
        let answer = self.request(call, (token_url, scope)).await?;
        grant::token(&answer.body, asked_at)
    }

    /// Asks a token endpoint for a token that is for something. Gives an answer of success.
    async fn request(
        &self,
        call: &mut net::Call<'_>,
        (token_url, scope): (&Url, &str),
    ) -> Result<Answered, TokenError> {
        let (proof, now) = (self.proof(), self.clock.now());
        let form = self.application.form(&proof, (token_url, scope), now).await?;
        let form: Vec<_> =
            form.iter().map(|(name, value)| (*name, value.expose_secret())).collect();
        let request = self.http.request(Method::POST, token_url.clone());
        let answer = call.send(request.form(&form), LARGEST_ANSWER).await;
        let answer = answer.map_err(|_| TokenError::Unavailable)?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(grant::refusal(answer.status, &answer.body))
        }
    }
}

/// Records how a call went.
fn conclude(mut call: net::Call<'_>, error: Option<&TokenError>) {
    match error {
        None => call.ok(),
        Some(error) => {
            error.describe(&mut call);
            call.failed(error.outcome(), error.advice());
        }
    }
}

impl State {
    fn standing(&self, now: Tick) -> Standing {
        let failure = self.failure.as_ref().filter(|(_, until)| now < *until);
        match (&self.token, failure) {
            (Some(token), failure) if now < token.ends_at => {
                if now < token.renew_at || failure.is_some() {
                    Standing::Fresh(token.authorization.clone())
                } else {
                    Standing::Ageing(token.authorization.clone())
                }
            }
            (_, Some((error, _))) => Standing::Failed(error.clone()),
            (_, None) => Standing::Gone,
        }
    }
}
