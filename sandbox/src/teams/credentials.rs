//! What Entra has registered and given out: the app's certificates, codes and access tokens.

use std::io;

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;

/// The tenant of the Bot Framework, by its id.
pub(super) const BOT_FRAMEWORK: &str = "d6d49420-f39b-4df7-a1dc-d59a935871db";
/// What the connector's tokens are for.
pub(super) const CONNECTOR: &str = "https://api.botframework.com";

/// What an access token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) audience: &'static str,
    /// The tenant that issued it.
    pub(super) tenant: String,
    pub(super) expires: Timestamp,
}

impl Grant {
    /// Whether the connector takes it: made for it, not over, and from the tenant where the bot is
    /// registered.
    pub(super) fn opens_connector(&self, registered: &str, now: Timestamp) -> bool {
        self.audience == CONNECTOR && now < self.expires && self.tenant == registered
    }
}

/// A sign-in that waits for its exchange.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) tenant: String,
    pub(super) oid: String,
    pub(super) name: String,
    pub(super) upn: Option<String>,
    pub(super) given: Timestamp,
    pub(super) used: bool,
}

impl Code {
    pub(super) fn has_scope(&self, wanted: &str) -> bool {
        self.scope.split(' ').any(|scope| scope == wanted)
    }
}

/// What Entra keeps of a certificate of the app's.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub(super) thumbprint: String,
    public_key: SubjectPublicKeyInfoDer<'static>,
}

impl Registered {
    /// Reads the first certificate in a PEM text.
    pub(super) fn from_pem(pem: &str) -> io::Result<Self> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(io::Error::other)?;
        let certificate = EndEntityCert::try_from(&der).map_err(io::Error::other)?;
        Ok(Self {
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&der)),
            public_key: certificate.subject_public_key_info(),
        })
    }

    pub(super) fn has_signed(&self, message: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &self.public_key)
            .verify(message.as_bytes(), signature)
            .is_ok()
    }
}
