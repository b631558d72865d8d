//! A certificate with its private key, and the statements that are signed with it.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use webpki::EndEntityCert;

use super::validity;
use crate::clock::after;

/// How long a statement is good for. Entra wants it short; it is sent at once, and only once.
const LIFE: Duration = Duration::from_mins(5);

/// Why a certificate and a key cannot be used. Says nothing of their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// There is no PEM section `CERTIFICATE`, or it is broken.
    #[error("the certificate's file holds no certificate in PEM form")]
    NoCertificate,
    /// The certificate is broken, or of a kind that TLS libraries do not read either.
    #[error("the certificate is not one of X.509 version 3")]
    Certificate,
    /// There is no PEM section of a private key, it is broken, or it is encrypted.
    #[error("the key's file holds no unencrypted private key in PEM form (PKCS#8 or PKCS#1)")]
    NoKey,
    /// The key is of another kind, too short, or broken. Entra takes RSA only.
    #[error("the private key is not an RSA key of 2048 to 8192 bits")]
    Key,
    /// They do not belong together.
    #[error("the private key is not the one of the first certificate in the certificate's file")]
    Mismatch,
}

/// What a statement says beside who signs it.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// The application id of whom it is from and about.
    pub(super) client_id: &'a str,
    /// Whom it is for: the token endpoint.
    pub(super) audience: &'a Url,
    /// What no other statement is called.
    pub(super) id: &'a str,
    /// When it is made.
    pub(super) now: Timestamp,
}

impl Statement<'_> {
    fn claims(&self) -> Value {
        let now = self.now.as_second();
        json!({
            "aud": self.audience.as_str(),
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": self.id,
            "nbf": now,
            "iat": now,
            "exp": after(self.now, LIFE).as_second(),
        })
    }
}

/// A certificate's thumbprint and its private key. Its `Debug` shows neither.
pub(super) struct CertifiedKey {
    /// SHA-256 of the certificate, as JOSE headers carry it (RFC 7515, section 4.1.8).
    thumbprint: String,
    /// When it ends, where that can be read.
    end: Option<Timestamp>,
    pair: KeyPair,
}

impl fmt::Debug for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertifiedKey").finish_non_exhaustive()
    }
}

impl CertifiedKey {
    /// Reads a certificate and its private key from PEM. Of several in one text, the first counts.
    ///
    /// # Errors
    /// One of them is missing or unsuitable, or they do not belong together.
    pub(super) fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, Unsuitable> {
        let certificate =
            CertificateDer::from_pem_slice(certificate).map_err(|_| Unsuitable::NoCertificate)?;
        let certified = EndEntityCert::try_from(&certificate)
            .map_err(|_| Unsuitable::Certificate)?
            .subject_public_key_info();
        let pair = read_key(key)?;
        let own = pair.public_key().as_der().map_err(|_| Unsuitable::Key)?;
        if own.as_ref() != certified.as_ref() {
            return Err(Unsuitable::Mismatch);
        }
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
        Ok(Self { thumbprint, end: validity::end(&certificate), pair })
    }

    /// When the certificate ends, where that can be read.
    pub(super) const fn end(&self) -> Option<Timestamp> {
        self.end
    }

    /// Whether this is the same certificate.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint
    }

    /// Signs a statement: a JWT with PS256 (Microsoft identity platform, certificate credentials).
    ///
    /// # Errors
    /// For want of memory or randomness.
    pub(super) fn sign(&self, statement: &Statement<'_>) -> Result<SecretString, Unspecified> {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&statement.claims()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let chance = SystemRandom::new();
        self.pair.sign(&RSA_PSS_SHA256, &chance, message.as_bytes(), &mut signature)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

fn read_key(pem: &[u8]) -> Result<KeyPair, Unsuitable> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| Unsuitable::NoKey)?;
    // In a box that is wiped when it is dropped.
    let key = SecretBox::new(Box::new(key));
    match key.expose_secret() {
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(Unsuitable::Key),
    }
    .map_err(|_| Unsuitable::Key)
}
