//! Requests to connect a workspace, for commands beside a service that uses the store.
//!
//! The time is the one that the service has written down last, a few seconds ago at most while one runs.
//! While none runs, the store's time stands still.

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret, SecretString};

use super::{
    NewWorkspaceRequest, RequestRow, RequestWrite, RequestWrote, StoredWorkspaceRequest, find,
};
use crate::store::config::Settings;
use crate::store::direct::{Direct, sealing};
use crate::store::resealed::keys_in_use;
use crate::store::sealing::{MISSING_KEY, Sealing, Unsealed, WORKSPACE_REQUESTS_BODY};
use crate::store::statements::{Write, Wrote};
use crate::store::trouble::cannot_use;

/// As [`Store::put_workspace_request`](crate::store::Store::put_workspace_request), into the store that
/// the configuration names, which a service may be using.
///
/// # Errors
/// There is no store, it cannot be written, a key is missing, or the request that is there already does
/// not open.
pub async fn put_workspace_request_beside(
    settings: &Settings,
    request: NewWorkspaceRequest,
) -> anyhow::Result<Option<StoredWorkspaceRequest>> {
    let location = &settings.location;
    let mut direct = Direct::to_one_in_use(location).await?;
    let sealing = sealing(settings)?;
    // What is sealed with another key than the service's keeps the service from its next start.
    let used = keys_in_use(&mut direct.session()).await;
    let used = used.map_err(|error| cannot_use(location, &error))?;
    sealing.must_have(used).with_context(|| format!("{location} cannot be used"))?;
    let now = direct.time(location).await?;
    let put = Write::WorkspaceRequest(RequestWrite::Put(request.seal(&sealing)?));
    let wrote = direct.write(&put, now).await.map_err(|error| cannot_use(location, &error))?;
    direct.close().await?;
    match wrote {
        Wrote::WorkspaceRequest(RequestWrote::There(row)) => open(row, &sealing, now).map(Some),
        _ => Ok(None),
    }
}

/// A request of the store that the configuration names, which a service may be using.
///
/// # Errors
/// There is no store, it cannot be read, or the request does not open with the keys that are given.
pub async fn workspace_request_beside(
    settings: &Settings,
    id: &str,
) -> anyhow::Result<Option<StoredWorkspaceRequest>> {
    let location = &settings.location;
    let mut direct = Direct::to_one_in_use(location).await?;
    let now = direct.time(location).await?;
    let found = find(&mut direct.session(), id).await;
    let found = found.map_err(|error| cannot_use(location, &error))?;
    direct.close().await?;
    let Some(row) = found else { return Ok(None) };
    open(row, &sealing(settings)?, now).map(Some)
}

fn open(row: RequestRow, sealing: &Sealing, now: i64) -> anyhow::Result<StoredWorkspaceRequest> {
    let body = match sealing.open(&WORKSPACE_REQUESTS_BODY, row.id.as_str(), &row.body) {
        Ok(body) => SecretString::from(std::str::from_utf8(body.expose_secret())?),
        Err(error @ Unsealed::UnknownKey(_)) => {
            bail!("the request does not open: {error}; {MISSING_KEY}")
        }
        Err(error @ Unsealed::Damaged) => bail!("the request does not open: {error}"),
    };
    Ok(row.opened(body, now))
}
