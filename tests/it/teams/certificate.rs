//! A bot that proves itself to Entra with a certificate, and certificates that are renewed.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connect_sandbox::Recorded;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use tempfile::TempDir;

use crate::bot::teams::{ADA, TeamsBot, link};
use crate::bot::until;
use crate::canaries;
use crate::log::Log;

/// A certificate with its private key, as PEM.
struct Issued {
    certificate: String,
    key: String,
}

impl Issued {
    fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        Self {
            certificate: pem("CERTIFICATE", certificate.der()),
            key: pem("PRIVATE KEY", &key.serialize_der()),
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// A directory where whoever renews certificates puts them.
struct Mount(TempDir);

impl Mount {
    fn of(issued: &Issued) -> Self {
        let mount = Self(tempfile::tempdir().unwrap());
        mount.renew(issued);
        mount
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn renew(&self, issued: &Issued) {
        std::fs::write(self.path("tls.crt"), &issued.certificate).unwrap();
        std::fs::write(self.path("tls.key"), &issued.key).unwrap();
    }

    /// A service that has the certificate and no secret, with an Entra that knows these. Not ready yet.
    async fn start(&self, known: &[&str]) -> TeamsBot {
        let (certificate, key) = (self.path("tls.crt"), self.path("tls.key"));
        let settings = [
            ("CONNECT_TEAMS__APP_CERTIFICATE", certificate.to_str().unwrap()),
            ("CONNECT_TEAMS__APP_CERTIFICATE_KEY", key.to_str().unwrap()),
        ];
        TeamsBot::start_among(|teams| teams.register_certificates(known).unwrap(), &settings).await
    }
}

fn field(request: &Recorded, name: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(&request.body);
    fields.find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
}

/// Which certificate a token request names.
fn thumbprint(request: &Recorded) -> String {
    let assertion = field(request, "client_assertion").unwrap();
    let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["x5t#S256"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_bot_with_a_certificate_answers_without_any_secret() {
    let issued = Issued::new();
    let mount = Mount::of(&issued);
    let bot = mount.start(&[&issued.certificate]).await;
    bot.ready().await;
    link(&bot.ask(ADA, "connect").await);
    let requests = bot.token_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(field(&requests[0], "client_secret"), None);
    let figures = bot.ops("/metrics").await.body;
    canaries::assert_silent(&figures);
    assert!(!figures.contains(&thumbprint(&requests[0])), "{figures}");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_for_the_next_token() {
    let (old, new) = (Issued::new(), Issued::new());
    let mount = Mount::of(&old);
    let bot = mount.start(&[&old.certificate, &new.certificate]).await;
    bot.ready().await;
    link(&bot.ask(ADA, "connect").await);

    mount.renew(&new);
    bot.teams.register_certificates(&[&new.certificate]).unwrap();
    bot.clock.advance(Duration::from_hours(1));
    link(&bot.ask(ADA, "connect").await);

    // What is written next is not usable, so the last one stays in use.
    std::fs::write(mount.path("tls.key"), &old.key).unwrap();
    bot.clock.advance(Duration::from_hours(1));
    link(&bot.ask(ADA, "connect").await);

    let named: Vec<_> = bot.token_requests().iter().map(thumbprint).collect();
    assert_eq!(named.len(), 3);
    assert_ne!(named[0], named[1]);
    assert_eq!(named[1], named[2]);
    let asked =
        "connect_upstream_seconds_count{upstream=\"entra\",operation=\"token\",outcome=\"ok\"}";
    assert_eq!(bot.metric(asked).await, 3);
}

#[tokio::test]
async fn a_certificate_that_entra_does_not_know_gets_no_token() {
    let bot = Mount::of(&Issued::new()).start(&[]).await;
    let named = r#"[{"part":"teams","trouble":"certificate_unknown"}]"#;
    let missing = async || bot.ops("/readyz").await.json["missing"].to_string();
    bot.until_later(async || missing().await == named).await;
    bot.say(ADA, "connect").await;
    let refused = "connect_upstream_seconds_count{upstream=\"entra\",operation=\"token\",outcome=\"refused\"}";
    bot.until_later(async || bot.metric(refused).await > 0).await;
    assert_eq!(bot.teams.messages(), []);
}

#[tokio::test]
async fn a_renewed_certificate_is_tried_at_once_when_the_configuration_is_read_anew() {
    let (old, new) = (Issued::new(), Issued::new());
    let mount = Mount::of(&old);
    let log = Log::read();
    let bot = mount.start(&[&old.certificate, &new.certificate]).await;
    bot.ready().await;

    // Half renewed, it is no reason to stop, nor to take anything else.
    std::fs::write(mount.path("tls.key"), &new.key).unwrap();
    bot.reload(&[]).await;
    let refused = log.lines("the new configuration is not taken: nothing changes");
    let error = refused[0]["error"].as_str().unwrap();
    assert!(error.contains("teams.app_certificate_key cannot be used"), "{error}");

    mount.renew(&new);
    bot.reload(&[]).await;
    until(async || bot.token_requests().len() == 2).await;
    let named: Vec<_> = bot.token_requests().iter().map(thumbprint).collect();
    assert_ne!(named[0], named[1]);
    let taken = log.lines("the configuration was read anew");
    assert_eq!(taken[0]["keys"], "teams.app_certificate");
    link(&bot.ask(ADA, "connect").await);
}
