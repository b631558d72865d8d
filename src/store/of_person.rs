//! What a store that is in use knows of one person, for a command beside the service.

use std::time::Duration;

use anyhow::Context as _;
use secrecy::SecretString;
use sqlx::Error;

use super::config::Settings;
use super::database::text;
use super::direct::{Direct, key_texts};
use super::owner::Owner;
use super::sealing::{HELD_ENDPOINT, LINKS_BODY, MESSAGES_BODY, RowId, SealedColumn, Sealing};
use super::session::Session;
use super::trouble::cannot_use;
use super::{Change, KnownLink, Store, StoredMessage, held, links, statements};

/// Takes over into `store` what the store of these settings knows of a person: their link, who holds their
/// account, their newest message. A service may be using that store; it is not changed.
///
/// # Errors
/// There is no such store, or it cannot be read.
pub async fn take_over(settings: &Settings, owner: &Owner, store: &Store) -> anyhow::Result<()> {
    let mut direct = Direct::to_one_in_use(&settings.location).await?;
    let sealing = Sealing::from_texts(&key_texts(settings)?)?;
    let sealing = sealing.context("there is no key: set store.keys, or put the key file back")?;
    let known = Known::read(&mut direct.session(), owner).await;
    let known = known.map_err(|error| cannot_use(&settings.location, &error))?;
    direct.close().await?;
    known.put(&sealing, store).await
}

/// What is known of a person, sealed.
struct Known {
    link: Option<links::StoredLink>,
    held: Option<(Owner, Vec<u8>)>,
    message: Option<Message>,
}

/// Their newest message.
struct Message {
    owner: Owner,
    id: String,
    platform: String,
    body: Vec<u8>,
}

impl Known {
    async fn read(session: &mut Session<'_>, owner: &Owner) -> Result<Self, Error> {
        let newest = statements::newest_message(session, owner).await?;
        let message = match newest {
            Some(id) => {
                let row = statements::message(session, owner, &id).await?;
                let read = row.map(|row| {
                    let (owner, platform, body) = (owner.clone(), row.text(0)?, row.bytes(1)?);
                    Ok::<_, Error>(Message { owner, id, platform, body })
                });
                read.transpose()?
            }
            None => None,
        };
        let link = links::one(session, owner).await?;
        Ok(Self { link, held: held::one(session, owner).await?, message })
    }

    async fn put(self, sealing: &Sealing, store: &Store) -> anyhow::Result<()> {
        if let Some(links::StoredLink { owner, body, gone }) = self.link {
            let body = open(sealing, &LINKS_BODY, owner.as_str(), &body)?;
            if let Some(link) = KnownLink::read(owner, &body, gone) {
                store.remember_link(link).await?;
            }
        }
        if let Some((owner, endpoint)) = self.held {
            let endpoint = open(sealing, &HELD_ENDPOINT, owner.as_str(), &endpoint)?;
            store.remember_held(&owner, secrecy::ExposeSecret::expose_secret(&endpoint)).await?;
        }
        if let Some(Message { owner, id, platform, body }) = self.message {
            let body = open(sealing, &MESSAGES_BODY, owner.row(&id).as_str(), &body)?;
            let message = StoredMessage { owner, id, platform, body, version: 0 };
            store
                .write(vec![Change::PutMessage(message, None::<(SecretString, Duration)>)])
                .await?;
        }
        Ok(())
    }
}

fn open<'a>(
    sealing: &Sealing,
    column: &'static SealedColumn,
    row: impl Into<RowId<'a>>,
    sealed: &[u8],
) -> anyhow::Result<SecretString> {
    text(&sealing.open(column, row, sealed)?).context("a stored row is no text")
}
