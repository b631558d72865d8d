//! Statements signed with a certificate's key, in place of the app's secret.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::pem::{Issued, OTHER, OURS};
use super::*;
use connect_clock::Clock;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A statement before it is signed.
struct Draft {
    header: Value,
    claims: Value,
    by: &'static Issued,
    with: &'static dyn RsaEncoding,
}

impl Draft {
    /// One that Entra takes, called `id`.
    fn good(bench: &Bench, id: &str) -> Self {
        let now = bench.clock.now().as_second();
        let app = &bench.teams.options().app_id;
        Self {
            header: json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&OURS) }),
            claims: json!({
                "aud": bench.teams.token_url(), "iss": app, "sub": app, "jti": id,
                "nbf": now, "iat": now, "exp": now + 300,
            }),
            by: &OURS,
            with: &RSA_PSS_SHA256,
        }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.header[name] = value.into();
        self
    }

    fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    fn sign(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&self.header), part(&self.claims));
        let pair = KeyPair::from_pkcs8(&self.by.key_der).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(self.with, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn thumbprint(issued: &Issued) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(&issued.certificate_der))
}

/// A bench where our certificate is registered.
async fn registered() -> Bench {
    let bench = Bench::new().await;
    bench.teams.register_certificates(&[&OURS.certificate]).unwrap();
    bench
}

/// Asks with a statement in place of the secret.
async fn ask(bench: &Bench, assertion: &str) -> Answer {
    let changes =
        [("client_secret", ""), ("client_assertion_type", TYPE), ("client_assertion", assertion)];
    bench.ask_token(&bench.teams.token_url(), &changes).await
}

#[tokio::test]
async fn a_statement_is_as_good_as_the_secret_and_good_once() {
    let mut bench = registered().await;
    let assertion = Draft::good(&bench, "one").sign();
    let granted = ask(&bench, &assertion).await;
    bench.token = granted.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    assert_eq!(ask(&bench, &assertion).await.body["error_codes"], json!([700_027]));
    assert_eq!(ask(&bench, &Draft::good(&bench, "two").sign()).await.status, 200);
    bench.teams.register_certificates(&[&OTHER.certificate]).unwrap();
    let withdrawn = ask(&bench, &Draft::good(&bench, "three").sign()).await;
    assert_eq!(withdrawn.body["error_codes"], json!([700_027]));
}

#[tokio::test]
async fn statements_that_prove_nothing_are_refused() {
    let bench = registered().await;
    let good = || Draft::good(&bench, "one");
    let now = bench.clock.now().as_second();
    let elsewhere = format!("{}/organizations/oauth2/v2.0/token", bench.teams.url());
    let cases = [
        (Draft { by: &OTHER, ..good() }.sign(), 700_027),
        (Draft { with: &RSA_PKCS1_SHA256, ..good() }.sign(), 700_027),
        (good().header("x5t#S256", &thumbprint(&OTHER)).sign(), 700_027),
        (good().header("alg", "RS256").sign(), 50_027),
        (good().header("typ", "at+jwt").sign(), 50_027),
        (good().claim("aud", elsewhere).sign(), 700_023),
        (good().claim("aud", json!([bench.teams.token_url()])).sign(), 50_027),
        (good().claim("iss", "another").sign(), 700_021),
        (good().claim("sub", "another").sign(), 700_021),
        (good().claim("exp", now).sign(), 700_024),
        (good().claim("exp", now + 601).sign(), 700_024),
        (good().claim("nbf", now + 1).sign(), 700_024),
        (good().claim("jti", "").sign(), 700_027),
        (good().claim("jti", Value::Null).sign(), 50_027),
        (good().sign().replacen('.', "", 2), 50_027),
        (good().sign() + "!", 50_027),
        ("nonsense".to_owned(), 50_027),
    ];
    for (assertion, code) in cases {
        let refused = ask(&bench, &assertion).await;
        assert_eq!((refused.status, &refused.body["error"]), (401, &json!("invalid_client")));
        assert_eq!(refused.body["error_codes"], json!([code]), "{assertion}");
    }
    assert_eq!(ask(&bench, &good().sign()).await.status, 200);
}

#[tokio::test]
async fn a_request_has_one_proof_of_a_known_type() {
    let bench = registered().await;
    let assertion = Draft::good(&bench, "one").sign();
    let url = bench.teams.token_url();
    let both = [("client_assertion_type", TYPE), ("client_assertion", &assertion)];
    let refused = bench.ask_token(&url, &both).await;
    assert_eq!((refused.status, &refused.body["error"]), (400, &json!("invalid_request")));
    for kind in ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"] {
        let changes = [
            ("client_secret", ""),
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
        ];
        let refused = bench.ask_token(&url, &changes).await;
        assert_eq!(refused.body["error_codes"], json!([7_000_218]), "{kind}");
    }
    assert!(bench.teams.register_certificates(&["nonsense"]).is_err());
    assert!(bench.teams.register_certificates(&[&OURS.key]).is_err());
}
