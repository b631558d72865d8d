//! Certificates and keys: what is taken, what is signed with them, and files that change.

use std::path::Path;

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::pem::{Issued, OTHER, OURS, pem, short_key};
use super::*;
use crate::random::SystemRandom;
use crate::teams::credentials::certified_key::{CertifiedKey, Statement};

fn read(certificate: &str, key: &str) -> Result<(), Unsuitable> {
    CertifiedKey::from_pem(certificate.as_bytes(), key.as_bytes()).map(|_| ())
}

#[test]
fn a_certificate_and_its_key_are_found_whatever_is_around_them() {
    let (ours, other) = (&*OURS, &*OTHER);
    let chain = format!("{}{}", ours.certificate, other.certificate);
    let one_file = format!("{}{}", ours.pkcs1(), chain);
    let bags = format!("Bag Attributes\n    localKeyID: 01\nKey Attributes: <none>\n{}", ours.key);
    let windows = ours.certificate.replace('\n', "\r\n");
    for (certificate, key) in [
        (&ours.certificate, &ours.key),
        (&ours.certificate, &ours.pkcs1()),
        (&chain, &ours.key),
        (&one_file, &one_file),
        (&windows, &bags),
    ] {
        assert_eq!(read(certificate, key), Ok(()), "{certificate}{key}");
    }
}

#[test]
fn what_does_not_fit_is_told_apart() {
    let (ours, other, elliptic) = (&*OURS, &*OTHER, Issued::elliptic());
    let wrong_order = format!("{}{}", other.certificate, ours.certificate);
    let encrypted = pem("ENCRYPTED PRIVATE KEY", &ours.key_der);
    let label = "-----BEGIN RSA PRIVATE KEY-----\n";
    let header = format!("{label}Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00FF\n\n");
    let encrypted_pkcs1 = ours.pkcs1().replace(label, &header);
    let cut = &ours.key[..ours.key.len() / 2];
    let cases = [
        (wrong_order.as_str(), ours.key.as_str(), Unsuitable::Mismatch),
        (&ours.certificate, &other.key, Unsuitable::Mismatch),
        (&elliptic.certificate, &ours.key, Unsuitable::Mismatch),
        (&elliptic.certificate, &elliptic.key, Unsuitable::Key),
        (&ours.certificate, &pem("EC PRIVATE KEY", &elliptic.key_der), Unsuitable::Key),
        (&ours.certificate, &short_key(), Unsuitable::Key),
        (&ours.certificate, &pem("RSA PRIVATE KEY", &ours.key_der), Unsuitable::Key),
        (&ours.certificate, &pem("PRIVATE KEY", b"garbage"), Unsuitable::Key),
        (&ours.certificate, &encrypted, Unsuitable::NoKey),
        (&ours.certificate, &encrypted_pkcs1, Unsuitable::NoKey),
        (&ours.certificate, cut, Unsuitable::NoKey),
        (&ours.certificate, &ours.certificate, Unsuitable::NoKey),
        (&ours.certificate, "", Unsuitable::NoKey),
        (&pem("CERTIFICATE", b"garbage"), &ours.key, Unsuitable::Certificate),
        (&pem("CERTIFICATE", &ours.key_der), &ours.key, Unsuitable::Certificate),
        (&ours.key, &ours.key, Unsuitable::NoCertificate),
        ("garbage", "garbage", Unsuitable::NoCertificate),
    ];
    for (certificate, key, expected) in cases {
        assert_eq!(read(certificate, key), Err(expected), "{certificate}{key}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(
        one in proptest::collection::vec(any::<u8>(), 0..300),
        two in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        prop_assert!(CertifiedKey::from_pem(&one, &two).is_err());
        let certificate = pem("CERTIFICATE", &one);
        prop_assert_eq!(read(&certificate, &certificate), Err(Unsuitable::Certificate));
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
            prop_assert_eq!(read(&OURS.certificate, &pem(label, &two)), Err(Unsuitable::Key));
        }
    }

    #[test]
    fn a_certificate_with_one_wrong_byte_makes_nothing_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut der = OURS.certificate_der.clone();
        der[at.index(OURS.certificate_der.len())] = byte;
        let _ = read(&pem("CERTIFICATE", &der), &OURS.key);
    }
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn a_statement_is_what_entra_asks_for() {
    let key = CertifiedKey::from_pem(OURS.certificate.as_bytes(), OURS.key.as_bytes()).unwrap();
    let audience = Url::parse("https://login.example/tenant/oauth2/v2.0/token").unwrap();
    let now = "2026-08-01T10:00:00Z".parse().unwrap();
    let statement = Statement { client_id: "app-1", audience: &audience, id: "id-1", now };
    let signed = key.sign(&statement).unwrap();
    let (message, signature) = signed.expose_secret().rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&OURS.certificate_der));
    assert_eq!(decode(header), json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
    assert_eq!(
        decode(claims),
        json!({"aud": "https://login.example/tenant/oauth2/v2.0/token", "iss": "app-1",
            "sub": "app-1", "jti": "id-1", "nbf": 1_785_578_400, "iat": 1_785_578_400,
            "exp": 1_785_578_700}),
    );
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &OURS.public)
        .verify(message.as_bytes(), &signature)
        .unwrap();
    assert_eq!(format!("{key:?} {signed:?}").matches("..").count(), 1);
    assert!(!format!("{key:?} {signed:?}").contains(&thumbprint));
}

/// A directory with a certificate and its key.
struct Disk(TempDir);

impl Disk {
    fn with(issued: &Issued) -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.put(issued);
        disk
    }

    fn put(&self, issued: &Issued) {
        std::fs::write(self.files().certificate, &issued.certificate).unwrap();
        std::fs::write(self.files().key, &issued.key).unwrap();
    }

    fn files(&self) -> CertificateFiles {
        let path = |name: &str| Path::new(self.0.path()).join(name);
        CertificateFiles { certificate: path("bot.crt"), key: path("bot.key") }
    }

    async fn open(&self) -> Result<Certificate, CertificateError> {
        Certificate::open(self.files(), Arc::new(SystemRandom)).await
    }
}

/// Whose certificate a statement names, and what the statement is called.
async fn stated(certificate: &Certificate) -> (Value, Value) {
    let audience = Url::parse("https://login.example/").unwrap();
    let signed = certificate.assertion("app-1", &audience, Timestamp::UNIX_EPOCH).await.unwrap();
    let mut parts = signed.expose_secret().split('.').map(str::to_owned);
    let (header, claims) = (decode(&parts.next().unwrap()), decode(&parts.next().unwrap()));
    (header["x5t#S256"].clone(), claims["jti"].clone())
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
    let disk = Disk::with(&OURS);
    let certificate = disk.open().await.unwrap();
    let (ours, one) = stated(&certificate).await;
    let (again, two) = stated(&certificate).await;
    assert_eq!(ours, again);
    assert_ne!(one, two, "every statement has a name of its own");

    std::fs::write(disk.files().certificate, &OTHER.certificate).unwrap();
    assert_eq!(stated(&certificate).await.0, ours, "the key is not there yet");
    disk.put(&OTHER);
    let (other, _) = stated(&certificate).await;
    assert_ne!(other, ours);

    std::fs::remove_file(disk.files().key).unwrap();
    assert_eq!(stated(&certificate).await.0, other);
    assert!(format!("{certificate:?}").contains("in_use: Mutex"));
    assert!(!format!("{certificate:?}").contains(other.as_str().unwrap()));
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_apart() {
    use std::io::ErrorKind;
    let disk = Disk::with(&OURS);
    std::fs::write(disk.files().key, &OTHER.key).unwrap();
    assert_eq!(disk.open().await.unwrap_err(), Unsuitable::Mismatch.into());
    std::fs::remove_file(disk.files().key).unwrap();
    let missing = CertificateError::KeyFile(ErrorKind::NotFound);
    assert_eq!(disk.open().await.unwrap_err(), missing);
    std::fs::write(disk.files().certificate, vec![b'\n'; 256 * 1024 + 1]).unwrap();
    let large = CertificateError::CertificateFile(ErrorKind::FileTooLarge);
    assert_eq!(disk.open().await.unwrap_err(), large);
    assert_eq!(large.to_string(), "the certificate's file cannot be read (file too large)");
}

#[tokio::test]
async fn every_question_carries_a_statement_of_its_own_and_no_secret() {
    let disk = Disk::with(&OURS);
    let proof = Proof::Certificate(disk.open().await.unwrap());
    let (entra, clock, source) = start_with(proof).await;
    entra.then(503, &json!({}));
    entra.grants("one", 3600);
    assert_eq!(source.authorization().await, Err(TokenError::Unavailable));
    clock.advance(HOLD_OFF);
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    let asked = entra.forms();
    let fields = asked.iter().map(|body| {
        form_urlencoded::parse(body.as_bytes()).into_owned().collect::<Vec<(String, String)>>()
    });
    let mut assertions = Vec::new();
    for mut fields in fields {
        let (name, assertion) = fields.remove(3);
        assert_eq!(name, "client_assertion");
        assertions.push(assertion);
        let rest: Vec<_> =
            fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(
            rest,
            [
                ("grant_type", "client_credentials"),
                ("client_id", "app-1"),
                ("client_assertion_type", kind),
                ("scope", "https://api.botframework.com/.default"),
            ],
        );
    }
    assert_eq!(assertions.len(), 2);
    assert_ne!(assertions[0], assertions[1]);
}
