//! What the store offers about known links.

use secrecy::ExposeSecret;

use super::{KnownLink, LinkChange, MOST_OF_ONE, StoredLink, key_of, one, read};
use crate::store::database::Database;
use crate::store::owner::Owner;
use crate::store::sealing::LINKS_BODY;
use crate::store::statements::Write;
use crate::store::trouble::StoreError;
use crate::store::{Memory, Store};

impl Store {
    /// Remembers a link, in place of what was known of its chat account.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn remember_link(&self, link: KnownLink) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.remember_link(link);
                Ok(())
            }
            Self::Database(database) => database.remember_link(&link).await,
        }
    }

    /// What is known of the link of a chat account.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn known_link(&self, owner: &Owner) -> Result<Option<KnownLink>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.known_link(owner)),
            Self::Database(database) => database.known_link(owner).await,
        }
    }

    /// The links of one subscriber, in every workspace of every platform, those included that have gone;
    /// a hundred at most.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn links_of(&self, subscriber: &str) -> Result<Vec<KnownLink>, StoreError> {
        let mut links = match self {
            Self::Memory(memory) => memory.links_of(subscriber),
            Self::Database(database) => database.links_of(subscriber).await?,
        };
        links.sort_by(|one, other| {
            (&one.platform, &one.workspace, &one.owner).cmp(&(
                &other.platform,
                &other.workspace,
                &other.owner,
            ))
        });
        Ok(links)
    }

    /// Notes that a link is there no more.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn link_is_gone(&self, owner: &Owner) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.link_is_gone(owner);
                Ok(())
            }
            Self::Database(database) => database.change_link(LinkChange::Gone(owner.clone())).await,
        }
    }

    /// Forgets a link.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn forget_link(&self, owner: &Owner) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.links.remove(owner);
                Ok(())
            }
            Self::Database(database) => {
                database.change_link(LinkChange::Forget(owner.clone())).await
            }
        }
    }
}

impl Memory {
    fn remember_link(&self, link: KnownLink) {
        self.links.insert(link.owner.clone(), link);
    }

    fn known_link(&self, owner: &Owner) -> Option<KnownLink> {
        self.links.get(owner)
    }

    fn links_of(&self, subscriber: &str) -> Vec<KnownLink> {
        let all = self.links.iter().map(|(_, link)| link);
        all.filter(|link| link.subscriber == subscriber).take(MOST_OF_ONE).collect()
    }

    fn link_is_gone(&self, owner: &Owner) {
        if let Some(link) = self.links.get(owner) {
            self.links.insert(owner.clone(), KnownLink { gone: true, ..link });
        }
    }
}

impl Database {
    async fn remember_link(&self, link: &KnownLink) -> Result<(), StoreError> {
        let body = link.body();
        let body = self
            .sealing
            .seal(&LINKS_BODY, link.owner.as_str(), body.expose_secret().as_bytes())
            .map_err(|error| self.cannot_seal(error))?;
        let (owner, subscriber) = (link.owner.clone(), key_of(&link.subscriber));
        self.change_link(LinkChange::Remember { owner, subscriber, body, gone: link.gone }).await
    }

    async fn change_link(&self, change: LinkChange) -> Result<(), StoreError> {
        self.write(Write::Link(change)).await.map(drop)
    }

    async fn known_link(&self, owner: &Owner) -> Result<Option<KnownLink>, StoreError> {
        let owner = owner.clone();
        let found =
            self.read(move |mut reading| async move { one(&mut reading.session(), &owner).await });
        Ok(found.await?.and_then(|found| self.open_link(found)))
    }

    async fn links_of(&self, subscriber: &str) -> Result<Vec<KnownLink>, StoreError> {
        const LINKS: &str =
            "SELECT owner, body, gone FROM links WHERE subscriber = $1 ORDER BY owner LIMIT $2";
        let (key, most) = (key_of(subscriber), i64::try_from(MOST_OF_ONE).unwrap_or(i64::MAX));
        let found = self.read(move |mut reading| async move {
            let values = [key.as_str().into(), most.into()];
            reading.session().rows(LINKS, &values).await?.iter().map(read).collect()
        });
        let found: Vec<StoredLink> = found.await?;
        Ok(found.into_iter().filter_map(|found| self.open_link(found)).collect())
    }

    fn open_link(&self, StoredLink { owner, body, gone }: StoredLink) -> Option<KnownLink> {
        let body = self.open(&LINKS_BODY, owner.as_str(), &body)?;
        KnownLink::read(owner, &body, gone)
    }
}
