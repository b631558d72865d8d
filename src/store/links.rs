//! Which chat account is linked to which subscriber, as far as the service knows: what `status` says while
//! Novu is away.
//!
//! One chat account belongs to one subscriber, so there is one row for each account. The columns that rows
//! are looked up by are pseudonyms; the rest is sealed.

mod calls;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sqlx::Error;

use super::owner::{Owner, pseudonym};
use super::session::{Row, Session};

/// The most links of one subscriber that are read.
const MOST_OF_ONE: usize = 100;
/// How long a link is kept that has gone, in milliseconds.
const GONE_KEPT: i64 = 30 * 24 * 60 * 60 * 1000;
/// How long a link is kept that was not written again, in milliseconds.
pub(super) const LINKS_KEPT: i64 = 400 * 24 * 60 * 60 * 1000;

/// A chat account that is linked to a subscriber, or was.
#[derive(Debug, Clone)]
pub struct KnownLink {
    /// The chat account.
    pub owner: Owner,
    /// The platform's name.
    pub platform: String,
    /// The realm of the account: its workspace, tenant or organisation.
    pub workspace: String,
    /// What people call the workspace, where that is known.
    pub workspace_name: Option<String>,
    /// The person, in JSON.
    pub person: SecretString,
    /// The subscriber's id in Novu.
    pub subscriber: String,
    /// The identifier of the channel endpoint.
    pub endpoint: String,
    /// The identifier of the channel connection that it delivers over, where it has one.
    pub connection: Option<String>,
    /// Since when it is there, where Novu says so.
    pub since: Option<Timestamp>,
    /// How it is known that it is the right person's.
    pub verified: Verified,
    /// When Novu last said that it is there.
    pub seen_at: Timestamp,
    /// Whether it is there no more.
    pub gone: bool,
}

/// How it is known that a link is the right person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// It came about while the person's own link was watched, by that very account.
    SignedIn,
    /// It was there when the person asked.
    Found,
    /// The person said so when they were asked.
    Confirmed,
}

/// What of a link is sealed.
#[derive(Serialize, Deserialize)]
struct Body {
    platform: String,
    workspace: String,
    workspace_name: Option<String>,
    person: String,
    subscriber: String,
    endpoint: String,
    connection: Option<String>,
    since: Option<Timestamp>,
    verified: Verified,
    seen_at: Timestamp,
}

impl KnownLink {
    fn body(&self) -> SecretString {
        let body = Body {
            platform: self.platform.clone(),
            workspace: self.workspace.clone(),
            workspace_name: self.workspace_name.clone(),
            person: self.person.expose_secret().to_owned(),
            subscriber: self.subscriber.clone(),
            endpoint: self.endpoint.clone(),
            connection: self.connection.clone(),
            since: self.since,
            verified: self.verified,
            seen_at: self.seen_at,
        };
        // Texts and times can always be written; a body without anything would not be read back.
        serde_json::to_string(&body).unwrap_or_default().into()
    }

    pub(super) fn read(owner: Owner, body: &SecretString, gone: bool) -> Option<Self> {
        let body: Body = serde_json::from_str(body.expose_secret()).ok()?;
        Some(Self {
            owner,
            platform: body.platform,
            workspace: body.workspace,
            workspace_name: body.workspace_name,
            person: body.person.into(),
            subscriber: body.subscriber,
            endpoint: body.endpoint,
            connection: body.connection,
            since: body.since,
            verified: body.verified,
            seen_at: body.seen_at,
            gone,
        })
    }
}

/// What is written of links.
#[derive(Debug)]
pub(super) enum LinkChange {
    Remember { owner: Owner, subscriber: String, body: Vec<u8>, gone: bool },
    Gone(Owner),
    Forget(Owner),
}

/// A link as it is stored.
pub(super) struct StoredLink {
    pub(super) owner: Owner,
    pub(super) body: Vec<u8>,
    pub(super) gone: bool,
}

impl LinkChange {
    pub(super) async fn run(&self, session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
        const REMEMBER: &str = "
            INSERT INTO links (owner, subscriber, body, gone, stored_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (owner) DO UPDATE SET subscriber = excluded.subscriber, body = excluded.body,
                gone = excluded.gone, stored_at = excluded.stored_at";
        const GONE: &str = "
            UPDATE links SET gone = 1, stored_at = $2 WHERE owner = $1 AND gone = 0";
        match self {
            Self::Remember { owner, subscriber, body, gone } => {
                let values = [
                    owner.as_str().into(),
                    subscriber.as_str().into(),
                    body.as_slice().into(),
                    i64::from(*gone).into(),
                    now.into(),
                ];
                session.execute(REMEMBER, &values).await
            }
            Self::Gone(owner) => session.execute(GONE, &[owner.as_str().into(), now.into()]).await,
            Self::Forget(owner) => forget(session, owner).await,
        }
    }
}

/// Removes what is known of an account's link.
pub(super) async fn forget(session: &mut Session<'_>, owner: &Owner) -> Result<u64, Error> {
    session.execute("DELETE FROM links WHERE owner = $1", &[owner.as_str().into()]).await
}

/// Removes what is kept for no longer.
pub(super) async fn prune(session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
    const PRUNE: &str = "
        DELETE FROM links WHERE stored_at < $1 OR (gone = 1 AND stored_at < $2)";
    session.execute(PRUNE, &[(now - LINKS_KEPT).into(), (now - GONE_KEPT).into()]).await
}

/// The link of one account.
pub(super) async fn one(
    session: &mut Session<'_>,
    owner: &Owner,
) -> Result<Option<StoredLink>, Error> {
    const LINK: &str = "SELECT owner, body, gone FROM links WHERE owner = $1";
    session.row(LINK, &[owner.as_str().into()]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<StoredLink, Error> {
    let owner = Owner::stored(row.text(0)?);
    Ok(StoredLink { owner, body: row.bytes(1)?, gone: row.number(2)? != 0 })
}

fn key_of(subscriber: &str) -> String {
    pseudonym(["subscriber", subscriber])
}
