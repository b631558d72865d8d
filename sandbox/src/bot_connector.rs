//! A stand-in for the Bot Connector's identity: makes tokens, and publishes the keys to check them.
//!
//! It is as genuine as can be: real RSA keys, fresh in every process, and the two documents over
//! HTTP on loopback, in the vendor's form. It also fails in the ways that the real one might, and
//! counts how often it is asked.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding};
use axum::Router;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use connect_clock::{SharedClock, after};

/// Who issues the tokens of the public cloud (Microsoft, Bot Connector authentication).
pub const ISSUER: &str = "https://api.botframework.com";
/// The channel that the keys endorse: Teams.
const CHANNEL: &str = "msteams";
const METADATA_PATH: &str = "/v1/.well-known/openidconfiguration";
const KEYS_PATH: &str = "/v1/.well-known/keys";
/// How long a token is valid.
const TOKEN_LIFE: Duration = Duration::from_hours(1);
/// More than any honest document has, in bytes.
const TOO_MUCH: usize = 2 << 20;

/// What a token says: exactly what the Bot Connector's tokens say.
#[derive(Debug, Clone, Serialize)]
pub struct Claims {
    /// Who issued it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The app id of the bot that it is for.
    #[serde(rename = "aud")]
    pub audience: String,
    /// The service URL of the activity that it comes with.
    #[serde(rename = "serviceurl")]
    pub service_url: String,
    /// When it begins to be valid.
    #[serde(rename = "nbf", with = "jiff::fmt::serde::timestamp::second::required")]
    pub not_before: Timestamp,
    /// When it ceases to be valid.
    #[serde(rename = "exp", with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires: Timestamp,
}

/// How the documents fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They are answered with this status.
    Status(StatusCode),
    /// They are never answered.
    Silence,
    /// They are a web page.
    Nonsense,
    /// They are longer than anybody should read.
    Flood,
    /// They are elsewhere, it is said.
    Redirect,
    /// No keys are published.
    NoKeys,
}

/// A key that tokens are signed with.
struct SigningKey {
    /// Which key it is, from 1.
    number: u64,
    pair: KeyPair,
}

struct Published {
    /// The one that signs.
    key: Arc<SigningKey>,
    /// Those that signed before it and are still published.
    former: Vec<Arc<SigningKey>>,
    endorsements: Option<Vec<String>>,
    keys_url: String,
    fault: Option<Fault>,
}

struct Shared {
    published: Mutex<Published>,
    metadata_fetches: AtomicU64,
    key_fetches: AtomicU64,
}

/// The stand-in. It serves as long as it lives, unless another server has its documents.
pub struct BotConnectorKeys {
    metadata_url: Url,
    shared: Arc<Shared>,
    clock: SharedClock,
    _server: Option<AbortOnDropHandle<io::Result<()>>>,
}

impl std::fmt::Debug for BotConnectorKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BotConnectorKeys").finish_non_exhaustive()
    }
}

impl BotConnectorKeys {
    /// Starts on a free port of loopback with one key, endorsed for Teams. Tokens are valid from
    /// what `clock` shows.
    ///
    /// # Errors
    /// No port is free, or the system gives no randomness for a key.
    pub async fn start(clock: SharedClock) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let (keys, router) = Self::signing_with(SigningKey::generate(1)?, clock, &origin)?;
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { _server: Some(AbortOnDropHandle::new(server)), ..keys })
    }

    /// The same without a server of its own: the documents are routes of the server at `origin`. All
    /// of these begin with the same key.
    pub(super) fn mounted(clock: SharedClock, origin: &str) -> io::Result<(Self, Router)> {
        Self::signing_with(SigningKey::shared()?, clock, origin)
    }

    fn signing_with(
        key: Arc<SigningKey>,
        clock: SharedClock,
        origin: &str,
    ) -> io::Result<(Self, Router)> {
        let metadata_url =
            Url::parse(&format!("{origin}{METADATA_PATH}")).map_err(io::Error::other)?;
        let published = Published {
            key,
            former: Vec::new(),
            endorsements: Some(vec![CHANNEL.to_owned()]),
            keys_url: format!("{origin}{KEYS_PATH}"),
            fault: None,
        };
        let shared = Arc::new(Shared {
            published: Mutex::new(published),
            metadata_fetches: AtomicU64::new(0),
            key_fetches: AtomicU64::new(0),
        });
        let router = Router::new()
            .route(METADATA_PATH, get(metadata))
            .route(KEYS_PATH, get(keys))
            .with_state(Arc::clone(&shared));
        Ok((Self { metadata_url, shared, clock, _server: None }, router))
    }

    /// Where the metadata document is.
    #[must_use]
    pub fn metadata_url(&self) -> Url {
        self.metadata_url.clone()
    }

    /// How often the metadata document was asked for.
    #[must_use]
    pub fn metadata_fetches(&self) -> u64 {
        self.shared.metadata_fetches.load(Ordering::Relaxed)
    }

    /// How often the keys were asked for.
    #[must_use]
    pub fn key_fetches(&self) -> u64 {
        self.shared.key_fetches.load(Ordering::Relaxed)
    }

    /// Signs with a new key from now on and publishes only that.
    ///
    /// # Errors
    /// The system gives no randomness for a key.
    pub fn rotate(&self) -> io::Result<()> {
        self.introduce()?;
        self.shared.published().former.clear();
        Ok(())
    }

    /// Signs with a new key from now on and publishes it beside those before it.
    ///
    /// # Errors
    /// The system gives no randomness for a key.
    pub fn introduce(&self) -> io::Result<()> {
        let number = self.shared.published().key.number;
        let next = SigningKey::generate(number + 1)?;
        let mut published = self.shared.published();
        let former = std::mem::replace(&mut published.key, next);
        published.former.push(former);
        Ok(())
    }

    /// Publishes the key with these endorsements, or with no such entry at all.
    pub fn endorse(&self, channels: Option<&[&str]>) {
        let channels = channels.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        self.shared.published().endorsements = channels;
    }

    /// Says in the metadata that the keys are at this address.
    pub fn announce_keys_at(&self, url: &str) {
        url.clone_into(&mut self.shared.published().keys_url);
    }

    /// Fails from now on, or ceases to.
    pub fn fail(&self, fault: Option<Fault>) {
        self.shared.published().fault = fault;
    }

    /// The name of the key that signs now.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.shared.published().key.id()
    }

    /// What a genuine token of the public cloud says: valid now, and for an hour.
    #[must_use]
    pub fn claims(&self, app_id: &str, service_url: &str) -> Claims {
        let now = self.clock.now();
        Claims {
            issuer: ISSUER.to_owned(),
            audience: app_id.to_owned(),
            service_url: service_url.to_owned(),
            not_before: now,
            expires: after(now, TOKEN_LIFE),
        }
    }

    /// A token in the form of the genuine ones.
    #[must_use]
    pub fn token(&self, claims: &Claims) -> String {
        let header = json!({"alg": "RS256", "kid": self.key_id(), "typ": "JWT"});
        self.sign(&header, &json!(claims))
    }

    /// A token of any content, signed with RS256 whatever its header says.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_as(&RSA_PKCS1_SHA256, header, claims)
    }

    /// A token of any content, signed in any way that an RSA key can sign.
    #[must_use]
    pub fn sign_as(
        &self,
        algorithm: &'static dyn RsaEncoding,
        header: &Value,
        claims: &Value,
    ) -> String {
        let key = Arc::clone(&self.shared.published().key);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = key.sign(algorithm, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The public half of the key that signs now, as DER. An attacker would know it.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.shared.published().key.pair.public_key().as_ref().to_vec()
    }
}

impl Shared {
    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SigningKey {
    fn generate(number: u64) -> io::Result<Arc<Self>> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
        Ok(Arc::new(Self { number, pair }))
    }

    /// One key for the whole process: making one takes longer than most tests.
    fn shared() -> io::Result<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<SigningKey>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*shared {
            return Ok(Arc::clone(key));
        }
        let key = Self::generate(1)?;
        *shared = Some(Arc::clone(&key));
        Ok(key)
    }

    fn id(&self) -> String {
        format!("sandbox-{}", self.number)
    }

    /// Fails only where the key cannot sign at all; nobody accepts the empty signature then.
    fn sign(&self, algorithm: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        match self.pair.sign(algorithm, &SystemRandom::new(), message, &mut signature) {
            Ok(()) => signature,
            Err(_) => Vec::new(),
        }
    }
}

impl Published {
    /// The key set (RFC 7517, section 5), with Microsoft's `endorsements`.
    fn key_set(&self) -> Value {
        if self.fault == Some(Fault::NoKeys) {
            return json!({ "keys": [] });
        }
        let keys = self.former.iter().chain([&self.key]);
        json!({ "keys": keys.map(|key| self.describe(key)).collect::<Vec<_>>() })
    }

    fn describe(&self, key: &SigningKey) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(key.pair.public_key());
        let mut entry = json!({
            "kty": "RSA",
            "use": "sig",
            "kid": key.id(),
            "n": URL_SAFE_NO_PAD.encode(public.n),
            "e": URL_SAFE_NO_PAD.encode(public.e),
        });
        if let Some(endorsements) = &self.endorsements {
            entry["endorsements"] = json!(endorsements);
        }
        entry
    }

    /// The metadata document (`OpenID` Connect Discovery, section 3).
    fn metadata(&self) -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": self.keys_url,
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        })
    }
}

async fn metadata(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    shared.metadata_fetches.fetch_add(1, Ordering::Relaxed);
    let (fault, document) = {
        let published = shared.published();
        (published.fault, published.metadata())
    };
    respond(fault, &uri, document).await
}

async fn keys(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    shared.key_fetches.fetch_add(1, Ordering::Relaxed);
    let (fault, document) = {
        let published = shared.published();
        (published.fault, published.key_set())
    };
    respond(fault, &uri, document).await
}

async fn respond(fault: Option<Fault>, uri: &Uri, document: Value) -> Response {
    match fault {
        None | Some(Fault::NoKeys) => axum::Json(document).into_response(),
        Some(Fault::Status(status)) => status.into_response(),
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Nonsense) => "<html>We'll be back soon</html>".into_response(),
        Some(Fault::Flood) => " ".repeat(TOO_MUCH).into_response(),
        Some(Fault::Redirect) => (StatusCode::FOUND, [(LOCATION, uri.to_string())]).into_response(),
    }
}
