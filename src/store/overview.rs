//! What is in a store, in figures; and what of it is one person's.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Error};

use super::config::{Location, Settings};
use super::direct::{Direct, key_texts};
use super::owner::Owner;
use super::schema;
use super::sealing::{KeyId, SealedColumn, Sealing};
use super::session::Session;
use super::statements::{Write, Wrote};
use super::trouble::cannot_use;

pub use super::statements::Forgotten;

/// What is in a store.
#[derive(Debug)]
pub struct Overview {
    /// The step of its tables.
    pub step: i64,
    /// The step that this release knows.
    pub known_step: i64,
    /// Jobs that are open.
    pub open_jobs: i64,
    /// Jobs that have ended and are still remembered.
    pub ended_jobs: i64,
    /// Messages that can change later.
    pub messages: i64,
    /// Links that are known, and those of them that have gone.
    pub links: (i64, i64),
    /// Lines of the audit.
    pub audit: i64,
    /// Chat accounts that another subscriber is known to hold.
    pub held: i64,
    /// Personal pages.
    pub pages: i64,
    /// Requests to connect a workspace, and those of them that have not ended.
    pub workspaces: (i64, i64),
    /// The id of each key, how many rows it has sealed, and what it is.
    pub keys: Vec<(String, i64, KeyRole)>,
    /// Why the key file is of no use.
    pub key_trouble: Option<String>,
}

/// What a key is to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRole {
    /// It seals.
    First,
    /// It opens what it has sealed.
    Further,
    /// It is not given, so what it has sealed does not open.
    Missing,
}

/// Looks into a store, which a service may be using.
///
/// # Errors
/// There is none, or it cannot be read.
pub async fn overview(settings: &Settings) -> anyhow::Result<Overview> {
    let (texts, key_trouble) = match key_texts(settings) {
        Ok(texts) => (texts, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let sealing = Sealing::from_texts(&texts)?;
    let mut direct = Direct::to_one_in_use(&settings.location).await?;
    let looked = look(&mut direct.session(), sealing.as_ref()).await;
    let mut overview = looked.map_err(|error| cannot_use(&settings.location, &error))?;
    overview.key_trouble = key_trouble;
    direct.close().await?;
    Ok(overview)
}

async fn look(session: &mut Session<'_>, sealing: Option<&Sealing>) -> Result<Overview, Error> {
    Ok(Overview {
        step: schema::version(session).await?,
        known_step: schema::latest(),
        open_jobs: count(session, "SELECT COUNT(*) FROM jobs WHERE outcome IS NULL").await?,
        ended_jobs: count(session, "SELECT COUNT(*) FROM jobs WHERE outcome IS NOT NULL").await?,
        messages: count(session, "SELECT COUNT(*) FROM messages").await?,
        links: (
            count(session, "SELECT COUNT(*) FROM links").await?,
            count(session, "SELECT COUNT(*) FROM links WHERE gone = 1").await?,
        ),
        audit: count(session, "SELECT COUNT(*) FROM audit").await?,
        held: count(session, "SELECT COUNT(*) FROM held").await?,
        pages: count(session, "SELECT COUNT(*) FROM pages").await?,
        workspaces: (
            count(session, "SELECT COUNT(*) FROM workspace_requests").await?,
            count(session, "SELECT COUNT(*) FROM workspace_requests WHERE open_until IS NOT NULL")
                .await?,
        ),
        keys: keys(session, sealing).await?,
        key_trouble: None,
    })
}

async fn count(session: &mut Session<'_>, statement: &'static str) -> Result<i64, Error> {
    let row = session.row(statement, &[]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// How many rows each key has sealed: those that are given, then others.
async fn keys(
    session: &mut Session<'_>,
    sealing: Option<&Sealing>,
) -> Result<Vec<(String, i64, KeyRole)>, Error> {
    let mut sealed = BTreeMap::new();
    for column in SealedColumn::ALL {
        let (table, column) = (column.table(), column.column());
        let statement = format!(
            "SELECT substr({column}, 1, 5), COUNT(*) FROM {table} WHERE length({column}) > 0 GROUP BY 1"
        );
        for row in session.rows(AssertSqlSafe(statement), &[]).await? {
            if let Some(key) = KeyId::of(&row.get::<Vec<u8>>(0)?) {
                *sealed.entry(key).or_default() += row.get::<i64>(1)?;
            }
        }
    }
    let given = sealing.into_iter().flat_map(Sealing::key_ids);
    let roles = std::iter::once(KeyRole::First).chain(std::iter::repeat(KeyRole::Further));
    let mut keys = Vec::new();
    for (key, role) in given.zip(roles) {
        keys.push((key.to_string(), sealed.remove(&key).unwrap_or(0), role));
    }
    keys.extend(sealed.into_iter().map(|(key, rows)| (key.to_string(), rows, KeyRole::Missing)));
    Ok(keys)
}

/// Removes what is kept of a person. What is still promised to them is gone when it is kept. Gives what
/// that was.
///
/// # Errors
/// There is no store, or it cannot be written.
pub async fn forget(location: &Location, owner: Owner) -> anyhow::Result<Forgotten> {
    let mut direct = Direct::to_one_in_use(location).await?;
    let forget = Write::Forget(owner);
    let wrote = direct.write(&forget, 0).await.map_err(|error| cannot_use(location, &error))?;
    direct.close().await?;
    Ok(if let Wrote::Forgotten(forgotten) = wrote { forgotten } else { Forgotten::default() })
}
