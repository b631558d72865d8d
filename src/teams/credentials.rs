//! The bot's own access token, with which it speaks to the connector.
//!
//! OAuth 2.0 client credentials at Entra (Bot Connector authentication). Only a client secret is
//! known here; certificates and managed identities are not. A token is asked for once, however many
//! wait for it, renewed before it runs out, and used to its end if it cannot be renewed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::clock::{SharedClock, after};
use crate::metrics::Metrics;
use crate::outbound::{is_loopback, read_limited};

/// How long before its end a token is renewed; a shorter-lived one at half its life.
const RENEW_BEFORE_END: Duration = Duration::from_mins(5);
/// How long nobody asks again after a failure.
const HOLD_OFF: Duration = Duration::from_secs(5);
/// How long asking may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// The longest error word that is kept, in characters.
const LONGEST_WORD: usize = 40;

/// What proves to Entra that this is the bot.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The application id.
    pub client_id: String,
    /// Its client secret.
    pub secret: SecretString,
    /// The token endpoint of the bot's tenant (or of the Bot Framework's, for bots of many tenants).
    pub token_url: Url,
    /// What the token is for, such as `https://api.botframework.com/.default`.
    pub scope: String,
}

/// A token URL that the secret must not be sent to: neither https nor, for tests, loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token URL is not https")]
pub struct InsecureTokenUrl;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Entra does not accept the credentials. The words are its error and its code, such as
    /// `invalid_client` and 7000215, of which the documentation of AADSTS codes tells more.
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
    const fn outcome(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Unavailable => "unavailable",
            Self::Nonsense => "nonsense",
        }
    }
}

/// Gives the bot's access token. Share one between all who need it.
pub struct TokenSource {
    credentials: Credentials,
    http: reqwest::Client,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
    /// Held by the one who asks Entra.
    asking: tokio::sync::Mutex<()>,
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
    failure: Option<(TokenError, Timestamp)>,
}

#[derive(Clone)]
struct Token {
    authorization: HeaderValue,
    renew_at: Timestamp,
    ends_at: Timestamp,
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
    /// A source that has no token yet. `http` has to be one that [`crate::outbound::client`] made.
    ///
    /// # Errors
    /// The token URL is not safe to send a secret to.
    pub fn new(
        credentials: Credentials,
        http: reqwest::Client,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, InsecureTokenUrl> {
        let url = &credentials.token_url;
        if !(url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))) {
            return Err(InsecureTokenUrl);
        }
        let (state, asking) = Default::default();
        Ok(Self { credentials, http, clock, metrics, state, asking })
    }

    /// The `Authorization` header for a call to the connector.
    ///
    /// # Errors
    /// There is no token, and none to be had.
    pub async fn authorization(&self) -> Result<HeaderValue, TokenError> {
        match self.standing() {
            Standing::Fresh(authorization) => Ok(authorization),
            Standing::Ageing(authorization) => {
                // One renews; all others go on with what they have, as does the one if it fails.
                let Ok(_asking) = self.asking.try_lock() else { return Ok(authorization) };
                Ok(self.renew().await.unwrap_or(authorization))
            }
            Standing::Failed(error) => Err(error),
            Standing::Gone => {
                let _asking = self.asking.lock().await;
                match self.standing() {
                    Standing::Fresh(authorization) | Standing::Ageing(authorization) => {
                        Ok(authorization)
                    }
                    Standing::Failed(error) => Err(error),
                    Standing::Gone => self.renew().await,
                }
            }
        }
    }

    fn standing(&self) -> Standing {
        let now = self.clock.now();
        let state = self.state();
        let failure = state.failure.as_ref().filter(|(_, until)| now < *until);
        match (&state.token, failure) {
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

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves whole values behind: there is nothing to repair.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks Entra and keeps what comes of it. Only for the one who holds `asking`.
    async fn renew(&self) -> Result<HeaderValue, TokenError> {
        let started = Instant::now();
        let outcome = self.ask().await;
        let word = outcome.as_ref().map_or_else(TokenError::outcome, |_| "ok");
        self.metrics.upstream("entra", "token", word, started.elapsed());
        let mut state = self.state();
        match outcome {
            Ok(token) => {
                let authorization = token.authorization.clone();
                *state = State { token: Some(token), failure: None };
                Ok(authorization)
            }
            Err(error) => {
                tracing::warn!(%error, "the bot has no new token for the connector");
                state.failure = Some((error.clone(), after(self.clock.now(), HOLD_OFF)));
                Err(error)
            }
        }
    }

    async fn ask(&self) -> Result<Token, TokenError> {
        let Credentials { client_id, secret, token_url, scope } = &self.credentials;
        let asked_at = self.clock.now();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("client_secret", secret.expose_secret()),
            ("scope", scope.as_str()),
        ];
        let response = self
            .http
            .post(token_url.clone())
            .timeout(TIMEOUT)
            .form(&form)
            .send()
            .await
            .map_err(|_| TokenError::Unavailable)?;
        let status = response.status();
        let body =
            read_limited(response, LARGEST_ANSWER).await.map_err(|_| TokenError::Unavailable)?;
        if status.is_success() { token(&body, asked_at) } else { Err(refusal(status, &body)) }
    }
}

/// Reads a token response (RFC 6749, section 5.1). Counted from when it was asked for, the token ends
/// sooner rather than later than Entra thinks.
fn token(body: &Bytes, asked_at: Timestamp) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: SecretString,
        expires_in: Value,
    }
    let granted: Granted = serde_json::from_slice(body).map_err(|_| TokenError::Nonsense)?;
    let token = granted.access_token.expose_secret();
    let seconds = seconds(&granted.expires_in).ok_or(TokenError::Nonsense)?;
    if token.is_empty() {
        return Err(TokenError::Nonsense);
    }
    let mut authorization =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| TokenError::Nonsense)?;
    authorization.set_sensitive(true);
    let life = Duration::from_secs(seconds);
    let margin = RENEW_BEFORE_END.min(life / 2);
    Ok(Token {
        authorization,
        renew_at: after(asked_at, life.saturating_sub(margin)),
        ends_at: after(asked_at, life),
    })
}

/// Seconds as a number, or as text as older endpoints of Entra write them.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Reads an error response (RFC 6749, section 5.2). Its description stays unread: it quotes ids.
fn refusal(status: StatusCode, body: &Bytes) -> TokenError {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
        #[serde(default)]
        error_codes: Vec<u64>,
    }
    if !matches!(status.as_u16(), 400 | 401 | 403) {
        return TokenError::Unavailable;
    }
    match serde_json::from_slice::<Refused>(body) {
        Ok(refused) => {
            let word = refused.error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_');
            let code = refused.error_codes.first().copied().unwrap_or_default();
            TokenError::Refused { error: word.take(LONGEST_WORD).collect(), code }
        }
        Err(_) => TokenError::Nonsense,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use axum::Router;
    use axum::extract::State as AxumState;
    use axum::http::StatusCode as HttpStatus;
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::clock::ManualClock;

    /// Answers from a script, one permit of the gate an answer, and remembers what it was asked.
    #[derive(Clone)]
    struct Entra {
        replies: Arc<Mutex<VecDeque<(u16, Value)>>>,
        asked: Arc<Mutex<Vec<String>>>,
        gate: Arc<Semaphore>,
    }

    impl Entra {
        fn then(&self, status: u16, body: Value) {
            self.replies.lock().unwrap().push_back((status, body));
        }

        fn grants(&self, token: &str, seconds: u64) {
            self.then(200, json!({"access_token": token, "expires_in": seconds}));
        }

        fn asked(&self) -> usize {
            self.asked.lock().unwrap().len()
        }
    }

    async fn answer(AxumState(entra): AxumState<Entra>, body: String) -> (HttpStatus, String) {
        entra.asked.lock().unwrap().push(body);
        entra.gate.acquire().await.unwrap().forget();
        let (status, body) = entra.replies.lock().unwrap().pop_front().unwrap();
        (HttpStatus::from_u16(status).unwrap(), body.to_string())
    }

    async fn start() -> (Entra, ManualClock, Arc<TokenSource>) {
        let entra = Entra {
            replies: Arc::default(),
            asked: Arc::default(),
            gate: Arc::new(Semaphore::new(1000)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(entra.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
        let url = format!("http://{address}/tenant/oauth2/v2.0/token");
        let source = source(&url, &clock).unwrap();
        (entra, clock, Arc::new(source))
    }

    fn source(token_url: &str, clock: &ManualClock) -> Result<TokenSource, InsecureTokenUrl> {
        let credentials = Credentials {
            client_id: "app-1".to_owned(),
            secret: SecretString::from("s3cret&=word"),
            token_url: Url::parse(token_url).unwrap(),
            scope: "https://api.botframework.com/.default".to_owned(),
        };
        let http = crate::outbound::client().unwrap();
        TokenSource::new(credentials, http, Arc::new(clock.clone()), Arc::default())
    }

    fn bearer(token: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Bearer {token}")).unwrap()
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_and_used_until_it_nears_its_end() {
        let (entra, clock, source) = start().await;
        entra.grants("one", 3600);
        entra.grants("two", 3600);
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        clock.advance(Duration::from_mins(54));
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        assert_eq!(entra.asked(), 1);
        assert_eq!(
            entra.asked.lock().unwrap()[0],
            "grant_type=client_credentials&client_id=app-1&client_secret=s3cret%26%3Dword\
             &scope=https%3A%2F%2Fapi.botframework.com%2F.default",
        );
        clock.advance(Duration::from_mins(1));
        assert_eq!(source.authorization().await, Ok(bearer("two")));
    }

    #[tokio::test]
    async fn many_who_wait_cause_one_question() {
        let (entra, _clock, source) = start().await;
        entra.grants("one", 3600);
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let source = Arc::clone(&source);
                tokio::spawn(async move { source.authorization().await })
            })
            .collect();
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Ok(bearer("one")));
        }
        assert_eq!(entra.asked(), 1);
    }

    #[tokio::test]
    async fn while_one_renews_the_others_go_on() {
        let (entra, clock, source) = start().await;
        entra.grants("one", 3600);
        entra.grants("two", 3600);
        source.authorization().await.unwrap();
        clock.advance(Duration::from_mins(56));
        entra.gate.forget_permits(1000);
        let renewing = tokio::spawn({
            let source = Arc::clone(&source);
            async move { source.authorization().await }
        });
        let patience = Instant::now();
        while entra.asked() < 2 {
            assert!(patience.elapsed() < Duration::from_secs(5));
            tokio::task::yield_now().await;
        }
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        entra.gate.add_permits(1);
        assert_eq!(renewing.await.unwrap(), Ok(bearer("two")));
        assert_eq!(entra.asked(), 2);
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
        let (entra, clock, source) = start().await;
        entra.grants("one", 3600);
        for _ in 0..3 {
            entra.then(503, json!({}));
        }
        source.authorization().await.unwrap();
        clock.advance(Duration::from_mins(56));
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        assert_eq!(entra.asked(), 2, "nobody asks again at once");
        clock.advance(HOLD_OFF);
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        assert_eq!(entra.asked(), 3);
        clock.advance(Duration::from_mins(4));
        assert_eq!(source.authorization().await, Err(TokenError::Unavailable));
        clock.advance(HOLD_OFF);
        entra.grants("two", 3600);
        assert_eq!(source.authorization().await, Ok(bearer("two")));
    }

    #[tokio::test]
    async fn a_failure_stands_for_a_while() {
        let (entra, clock, source) = start().await;
        entra.then(401, json!({"error": "invalid_client", "error_codes": [7_000_215]}));
        let refused = TokenError::Refused { error: "invalid_client".to_owned(), code: 7_000_215 };
        for _ in 0..5 {
            assert_eq!(source.authorization().await, Err(refused.clone()));
        }
        assert_eq!(entra.asked(), 1);
        clock.advance(HOLD_OFF);
        entra.grants("one", 3600);
        assert_eq!(source.authorization().await, Ok(bearer("one")));
    }

    #[tokio::test]
    async fn answers_without_a_token_are_told_apart() {
        let cases = [
            (200, json!({"access_token": "x"}), TokenError::Nonsense),
            (200, json!({"access_token": "", "expires_in": 3600}), TokenError::Nonsense),
            (200, json!({"access_token": "a\nb", "expires_in": 3600}), TokenError::Nonsense),
            (200, json!("x".repeat(LARGEST_ANSWER)), TokenError::Unavailable),
            (400, json!("<html>"), TokenError::Nonsense),
            (302, json!({}), TokenError::Unavailable),
            (429, json!({"error": "temporarily_unavailable"}), TokenError::Unavailable),
            (500, json!({}), TokenError::Unavailable),
        ];
        for (status, body, error) in cases {
            let (entra, _clock, source) = start().await;
            entra.then(status, body);
            assert_eq!(source.authorization().await, Err(error), "{status}");
        }
    }

    #[tokio::test]
    async fn a_short_life_and_one_in_text_are_understood() {
        let (entra, clock, source) = start().await;
        entra.then(200, json!({"access_token": "one", "expires_in": "60"}));
        entra.grants("two", 3600);
        source.authorization().await.unwrap();
        clock.advance(Duration::from_secs(29));
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        clock.advance(Duration::from_secs(1));
        assert_eq!(source.authorization().await, Ok(bearer("two")));
    }

    #[test]
    fn a_secret_goes_nowhere_in_the_clear() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        assert!(source("http://login.example/token", &clock).is_err());
        assert!(source("ftp://127.0.0.1/token", &clock).is_err());
        let source = source("https://login.example/token", &clock).unwrap();
        let printed = format!("{source:?} {:?}", source.credentials);
        assert!(!printed.contains("s3cret"));
    }
}
