//! The addresses of personal pages: making them, and telling what is behind one.
//!
//! What is in an address says nothing: it is random, and the store knows by its hash whom the page is
//! for. Addresses that carry a signed token are from before that, and are only read.

mod invitation;
pub(crate) mod token;

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::clock::SharedClock;
use crate::core::{Invitee, Person};
use crate::net::SecretUrl;
use crate::novu::LINK_LIFETIME;
use crate::random::SharedRandom;
use crate::signing::SigningKey;
use crate::store::{NewPage, Owner, PageId, PageTimes, Store, StoreError, StoredPage};
use invitation::Invited;
use token::Keys;

pub(crate) use invitation::Invitation;

/// How long a personal page can be used.
pub(crate) const LIFETIME: Duration = Duration::from_hours(24);
/// A press is spent for as long as the link that it minted can be used. No longer: a stranger who has the
/// address can press as well, and must not keep its owner out.
const TIMES: PageTimes = PageTimes { lifetime: LIFETIME, spent: LINK_LIFETIME };
/// Random bytes in an address. They are all that keeps strangers from a page.
const ID_LENGTH: usize = 18;
/// The same in characters, which no signed token is as short as.
const ID_CHARACTERS: usize = ID_LENGTH / 3 * 4;

/// What personal pages need.
#[derive(Debug)]
pub struct Parts {
    /// The origin at which people reach the service.
    pub public_url: Url,
    /// The keys that signed the addresses from before.
    pub former_keys: Vec<SigningKey>,
    /// Holds the pages.
    pub store: Store,
    /// Makes what is in an address.
    pub random: SharedRandom,
    /// Tells the time.
    pub clock: SharedClock,
}

/// Makes addresses of personal pages, and tells what is behind one.
#[derive(Debug)]
pub struct Links {
    pub(crate) public_url: Url,
    former_keys: RwLock<Keys>,
    store: Store,
    random: SharedRandom,
    pub(crate) clock: SharedClock,
}

/// A personal page that is there to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    invited: Invited,
    age: Duration,
    /// Its row; none where the address is from before.
    id: Option<PageId>,
    spent: bool,
}

/// Why an address leads to no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is not ours, or not any more: altered, cut off, made up, replaced. Which of these is nobody's
    /// business.
    Unknown,
    /// It is ours, and its time is up.
    Expired {
        /// What the person types to get a new one.
        command: String,
    },
    /// Somebody said on it that it is not theirs.
    Ended {
        /// What the person types to get a new one.
        command: String,
    },
    /// The store does not answer.
    Unavailable,
}

impl From<StoreError> for Rejected {
    fn from(_: StoreError) -> Self {
        // The store says itself what is wrong.
        Self::Unavailable
    }
}

impl Page {
    /// Who was invited. All its texts are short, on one line and free of e-mail addresses.
    pub(crate) fn invitation(&self) -> &Invitation {
        &self.invited.invitation
    }

    /// How long ago it was made.
    pub(crate) const fn age(&self) -> Duration {
        self.age
    }

    /// Whether its button was pressed, and the link that came of it can still be used.
    pub(crate) const fn is_spent(&self) -> bool {
        self.spent
    }

    /// Whether it is kept in the store; addresses from before are not, and are good for their day.
    pub(crate) const fn is_kept(&self) -> bool {
        self.id.is_some()
    }

    /// Whether it named the subscriber that the person would be connected to now.
    pub(crate) fn names(&self, invitee: &Invitee) -> bool {
        self.invited.names(invitee.subscriber.as_str())
    }

    /// Refuses what was good, because it no longer says the truth: as if its time were up.
    pub(crate) fn outdated(&self) -> Rejected {
        Rejected::Expired { command: self.command() }
    }

    /// Refuses what was ended meanwhile.
    pub(crate) fn ended(&self) -> Rejected {
        Rejected::Ended { command: self.command() }
    }

    fn command(&self) -> String {
        self.invitation().command.clone()
    }
}

impl Links {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { public_url, former_keys, store, random, clock } = parts;
        let former_keys = RwLock::new(Keys::new(former_keys));
        Self { public_url, former_keys, store, random, clock }
    }

    /// Verifies addresses from before with these keys from now on.
    pub(crate) fn use_keys(&self, keys: Vec<SigningKey>) {
        // Only ever replaced as a whole, so a panic leaves nothing to repair.
        *self.former_keys.write().unwrap_or_else(PoisonError::into_inner) = Keys::new(keys);
    }

    /// Makes a page for a person and gives its address, good for [`LIFETIME`] from now. It takes the place
    /// of the page that the same message led to before. Only for a message that this person alone sees.
    ///
    /// # Errors
    /// The page cannot be stored, or chance fails.
    pub async fn url_for(&self, invitation: &Invitation) -> Result<SecretUrl, NoPage> {
        let mut bytes = [0; ID_LENGTH];
        self.random.fill(&mut bytes);
        if bytes == [0; ID_LENGTH] {
            return Err(NoPage::NoChance);
        }
        let id = URL_SAFE_NO_PAD.encode(bytes);
        // Structs of texts and numbers always have a JSON form.
        let body = serde_json::to_string(&Invited::new(invitation)).unwrap_or_default();
        let page = NewPage {
            id: PageId::of(&id),
            owner: owner(&invitation.person),
            message: invitation.reference.to_string(),
            body: SecretString::from(body),
        };
        self.store.put_page(page).await?;
        let mut url = self.public_url.clone();
        url.set_path(&format!("/link/{id}"));
        Ok(SecretUrl::new(url))
    }

    /// The page behind what came in an address.
    pub(crate) async fn open(&self, text: &str) -> Result<Page, Rejected> {
        if text.len() != ID_CHARACTERS {
            return self.open_signed(text);
        }
        let id = PageId::of(text);
        let found = self.store.page(&id).await?.ok_or(Rejected::Unknown)?;
        let StoredPage { body, age, pressed, ended } = found;
        let invited: Invited =
            serde_json::from_str(body.expose_secret()).map_err(|_| Rejected::Unknown)?;
        let spent = pressed.is_some_and(|pressed| pressed < TIMES.spent);
        let page = Page { invited, age, id: Some(id), spent };
        if ended {
            Err(page.ended())
        } else if age >= TIMES.lifetime {
            Err(page.outdated())
        } else {
            Ok(page)
        }
    }

    fn open_signed(&self, text: &str) -> Result<Page, Rejected> {
        let now = self.clock.now();
        let token = {
            let keys = self.former_keys.read().unwrap_or_else(PoisonError::into_inner);
            keys.open(text, now)?
        };
        Ok(Page { age: token.age(now), invited: token.into_invited(), id: None, spent: false })
    }

    /// Takes the one press that a page has at a time. Whether it was there to be taken.
    pub(crate) async fn press(&self, page: &Page) -> Result<bool, Rejected> {
        match &page.id {
            Some(id) => Ok(self.store.press_page(id, TIMES).await?),
            None => Ok(true),
        }
    }

    /// Gives a press back of which no link came. Where that fails it comes back by itself.
    pub(crate) async fn release(&self, page: &Page) {
        if let Some(id) = &page.id {
            let _ = self.store.release_page(id).await;
        }
    }

    /// Ends a page for good. Whether that was not done before.
    pub(crate) async fn end(&self, page: &Page) -> Result<bool, Rejected> {
        match &page.id {
            Some(id) => Ok(self.store.end_page(id).await?),
            None => Ok(false),
        }
    }
}

/// Why there is no page for a person.
#[derive(Debug, thiserror::Error)]
pub enum NoPage {
    /// It cannot be stored.
    #[error("the page cannot be stored: {0}")]
    Store(#[from] StoreError),
    /// The system gives no randomness.
    #[error("the system gives no randomness for an address")]
    NoChance,
}

/// Whose a page is.
fn owner(person: &Person) -> Owner {
    Owner::of(person.platform.as_str(), person.workspace.realm(), &person.user)
}

#[cfg(test)]
mod tests;
