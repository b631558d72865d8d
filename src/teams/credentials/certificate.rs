//! The bot's certificate on disk, and the signed statements that stand in for a secret.
//!
//! Entra knows the certificate, the bot has its private key, and a statement signed with it proves
//! who asks for a token (Microsoft identity platform, certificate credentials; RFC 7523, section
//! 2.2). Whoever renews certificates writes the files in place, so they are read again for every
//! statement, which is about once an hour.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use url::Url;

use super::TokenError;
pub use super::certified_key::Unsuitable;
use super::certified_key::{CertifiedKey, Statement};
use crate::random::SharedRandom;

/// What `client_assertion_type` has to say (RFC 7523, section 2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The largest file that is read, in bytes. A chain of four takes about 8 KiB.
const LARGEST_FILE: u64 = 256 * 1024;
/// How long reading one file may take. Longer, and a network disk is in trouble.
const READ_TIME: Duration = Duration::from_secs(1);

/// Where a certificate and its private key are, in PEM form. Both may be in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate; of a chain, the bot's comes first.
    pub certificate: PathBuf,
    /// Its unencrypted private key, PKCS#8 or PKCS#1.
    pub key: PathBuf,
}

/// Why a certificate cannot be used. Says nothing of what the files hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The certificate's file cannot be read.
    #[error("the certificate's file cannot be read ({0})")]
    CertificateFile(io::ErrorKind),
    /// The key's file cannot be read.
    #[error("the key's file cannot be read ({0})")]
    KeyFile(io::ErrorKind),
    /// What the files hold does not fit.
    #[error(transparent)]
    Unsuitable(#[from] Unsuitable),
}

impl CertificateFiles {
    async fn read(&self) -> Result<CertifiedKey, CertificateError> {
        let certificate = read(&self.certificate).await;
        let certificate = certificate.map_err(CertificateError::CertificateFile)?;
        let key = read(&self.key).await.map_err(CertificateError::KeyFile)?;
        Ok(CertifiedKey::from_pem(certificate.expose_secret(), key.expose_secret())?)
    }
}

/// Both files may hold the key, so both are secret.
async fn read(path: &Path) -> Result<SecretSlice<u8>, io::ErrorKind> {
    let reading = async {
        if tokio::fs::metadata(path).await?.len() > LARGEST_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        tokio::fs::read(path).await
    };
    match tokio::time::timeout(READ_TIME, reading).await {
        Ok(content) => content.map(SecretSlice::from).map_err(|error: io::Error| error.kind()),
        Err(_) => Err(io::ErrorKind::TimedOut),
    }
}

/// A certificate that follows its files.
#[derive(Debug)]
pub struct Certificate {
    files: CertificateFiles,
    random: SharedRandom,
    /// The last good one.
    in_use: Mutex<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the files for the first time. `random` names the statements.
    ///
    /// # Errors
    /// A file cannot be read, or what the two hold does not fit.
    pub async fn open(
        files: CertificateFiles,
        random: SharedRandom,
    ) -> Result<Self, CertificateError> {
        let in_use = Mutex::new(Arc::new(files.read().await?));
        Ok(Self { files, random, in_use })
    }

    /// Whether this is another certificate than `other`, as they were last read.
    pub(super) fn is_other_than(&self, other: &Self) -> bool {
        let read = |certificate: &Self| {
            Arc::clone(&certificate.in_use.lock().unwrap_or_else(PoisonError::into_inner))
        };
        !read(self).is(&read(other))
    }

    /// A statement for the token endpoint at `audience`, made `now`: good once, for five minutes.
    ///
    /// # Errors
    /// [`TokenError::Unavailable`] where the machine is short of memory or randomness.
    pub(super) async fn assertion(
        &self,
        client_id: &str,
        audience: &Url,
        now: Timestamp,
    ) -> Result<SecretString, TokenError> {
        let mut id = [0; 16];
        self.random.fill(&mut id);
        let id = hex::encode(id);
        let statement = Statement { client_id, audience, id: &id, now };
        self.newest().await.sign(&statement).map_err(|_| TokenError::Unavailable)
    }

    /// When the certificate that is on disk now ends, where that can be read.
    ///
    /// # Errors
    /// A file cannot be read, or what the two hold does not fit.
    pub(super) async fn end(&self) -> Result<Option<Timestamp>, CertificateError> {
        Ok(self.files.read().await?.end())
    }

    /// The certificate that is on disk now; if that is none, the last good one.
    async fn newest(&self) -> Arc<CertifiedKey> {
        let read = self.files.read().await;
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(read) => {
                if !read.is(&in_use) {
                    tracing::info!("the bot has a new certificate");
                }
                *in_use = Arc::new(read);
            }
            Err(error) => {
                tracing::warn!(%error, "the bot's certificate cannot be used; the last one stays in use");
            }
        }
        Arc::clone(&in_use)
    }
}
