//! The addresses of personal pages and their tokens.

pub(crate) mod token;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use url::Url;

use crate::clock::SharedClock;
use crate::net::SecretUrl;
use crate::signing::SigningKey;
use token::Keys;

pub(crate) use token::Invitation;
pub(crate) use token::{Rejected, Token};

/// Makes addresses of personal pages, and tells whether it made one.
#[derive(Debug)]
pub struct Links {
    pub(crate) public_url: Url,
    keys: RwLock<Keys>,
    pub(crate) clock: SharedClock,
}

impl Links {
    /// Links below an origin. The first key signs, all of them verify, so that keys can be
    /// replaced. Nothing without a key.
    #[must_use]
    pub fn new(public_url: Url, keys: Vec<SigningKey>, clock: SharedClock) -> Option<Self> {
        Some(Self { public_url, keys: RwLock::new(Keys::new(keys)?), clock })
    }

    /// Signs and verifies with these keys from now on, as [`Links::new`]. Without a key it goes on with
    /// those that it has.
    pub(crate) fn use_keys(&self, keys: Vec<SigningKey>) {
        if let Some(keys) = Keys::new(keys) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
    }

    /// The address of a person's page, good for [`token::LIFETIME`] from now. Only for a message that this
    /// person alone sees.
    #[must_use]
    pub fn url_for(&self, invitation: &Invitation) -> SecretUrl {
        let token = self.keys().seal(&Token::issue(invitation, self.clock.now()));
        let mut url = self.public_url.clone();
        url.set_path(&format!("/link/{token}"));
        SecretUrl::new(url)
    }

    /// Reads a token that came in an address.
    pub(crate) fn open(&self, token: &str) -> Result<Token, Rejected> {
        self.keys().open(token, self.clock.now())
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        // Only ever replaced as a whole, so a panic leaves nothing to repair.
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}
