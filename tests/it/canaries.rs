//! Nothing secret in any log line of the whole suite, at the most verbose level, nor in a figure.
//!
//! Every secret of the suite has a telling word in it. All log lines of all parts, the libraries'
//! included, are read as they are written, and each test fails that ends after one has sung.

use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::bot::{ADA, API_KEY, BOT_TOKEN, Bot, SECRET};
use crate::log::{Fields, no_field_collides};

/// What no log line may hold: the word in our secrets, in e-mail addresses and in response URLs,
/// and what sign-in links, personal links, states, tokens, signatures, signed statements and keys look
/// like: the last two are what every RSA key begins with, as PEM and as bytes. And ids are shown as
/// they are, not in our type's name.
const CANARIES: [&str; 18] = [
    "canary",
    "/oauth/v2/authorize?",
    "/oauth2/v2.0/authorize?",
    "/link/",
    "/workspace/",
    "/adminconsent?",
    "state=",
    "v0=",
    "trigger_id",
    "xoxb-",
    "/commands/T",
    "Bearer ",
    "eyJhbGciOi",
    "client_assertion",
    "-----BEGIN",
    "BgkqhkiG9w0BAQEF",
    "Id(\"",
    "42, 134, 72, 134, 247, 13, 1, 1, 1",
];
/// What the HTTP client calls itself. It speaks to `log`, as other libraries do.
const SPEAKER_TO_LOG: &str = " reqwest::";

static SUNG: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The lines that operators see at the default level.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LINES: Mutex<usize> = Mutex::new(0);
static LINES_FROM_LOG: Mutex<usize> = Mutex::new(0);

struct Listener;

impl Write for Listener {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if CANARIES.iter().any(|canary| text.contains(canary)) {
            SUNG.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_string());
        }
        if text.contains(SPEAKER_TO_LOG) {
            *LINES_FROM_LOG.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        if text.contains(" WARN ") || text.contains(" INFO ") || text.contains("ERROR ") {
            TOLD.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_string());
        }
        *LINES.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Listener {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// Reads every log line from now on, those of libraries that speak to `log` included: `init` bridges
/// them.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(Listener)
            .with_ansi(false)
            .finish()
            .with(Fields)
            .init();
    });
}

/// The lines at the default level, of all tests so far, that hold a text.
pub(crate) fn lines_with(text: &str) -> Vec<String> {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    told.iter().filter(|line| line.contains(text)).cloned().collect()
}

/// Fails if a secret has been logged by anybody up to now.
#[track_caller]
pub(crate) fn none_sang() {
    let sung = SUNG.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(sung.is_empty(), "logged: {}", sung[0]);
    no_field_collides();
}

/// Fails if a text that strangers may read holds a secret.
#[track_caller]
pub(crate) fn assert_silent(text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
}

#[test]
fn a_canary_that_sings_is_heard() {
    // Not through the log, which all tests share.
    let mut sung: Vec<&str> = Vec::new();
    for line in ["token=xoxb-1", "GET /oauth/v2/authorize?client_id=1", "ada@canary.example"] {
        sung.extend(CANARIES.iter().find(|canary| line.contains(**canary)));
    }
    assert_eq!(sung.len(), 3);
}

#[tokio::test]
async fn figures_and_health_hold_no_secret_and_the_log_is_really_read() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.link(ADA).await;
    bot.command(ADA, "connect").await;
    bot.post_raw("/slack/commands", bot.slash(ADA, "").signed_with("canary-wrong")).await;
    for path in ["/metrics", "/readyz", "/healthz"] {
        let body = bot.ops(path).await.body;
        for canary in CANARIES.iter().chain(&[SECRET, API_KEY, BOT_TOKEN, "U0ADA", "T0ACME"]) {
            assert!(!body.contains(canary), "{canary} in {path}");
        }
    }
    assert!(*LINES.lock().unwrap() > 100, "the log is empty, so its silence proves nothing");
    assert!(*LINES_FROM_LOG.lock().unwrap() > 0, "libraries that speak to `log` are not heard");
}
