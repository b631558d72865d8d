//! Backing up a file of SQLite while a service uses it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::config::{Location, Settings};
use super::direct::Direct;
use super::key_file::{KeyFile, sync_directory_of};
use super::session::Value;
use super::sqlite;
use super::trouble::cannot_use;

/// Writes a copy of a store's file, as it is at this moment. Gives the key file that belongs to it, if
/// one does: a backup without its key cannot be opened.
///
/// # Errors
/// The store is not a file of SQLite, there is a file of that name already, or one of them cannot be
/// used.
pub async fn back_up(settings: &Settings, to: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Location::Sqlite(path) = &settings.location else {
        let location = &settings.location;
        if let Location::Postgres(_) = location {
            bail!("the store is {location}: back it up with pg_dump, and keep store.keys too");
        }
        bail!("the store is in memory: there is nothing to back up");
    };
    let name = to.to_str().context("the name of the backup is not UTF-8: give it another one")?;
    if to.exists() {
        bail!("{name} is there already: give the backup another name");
    }
    let mut direct = Direct::to_one_in_use(&settings.location).await?;
    // SQLite takes a file that is empty, and then its mode stays as it is.
    sqlite::make_private(to).with_context(|| {
        format!(
            "{name} cannot be written: name a file in a directory that is there and may be written"
        )
    })?;
    let copied = direct.session().execute("VACUUM INTO $1", &[Value::Text(name)]).await;
    let copied = copied.map_err(|error| cannot_use(&settings.location, &error));
    let copied = copied.and_then(|_| {
        File::open(to)?.sync_all()?;
        sync_directory_of(to)?;
        Ok(())
    });
    if let Err(error) = copied {
        // Half a backup is none.
        let _ = fs::remove_file(to);
        return Err(error.context(format!("{name} was not written")));
    }
    direct.close().await?;
    let key_file = KeyFile::beside(path).path().to_owned();
    Ok(settings.keys.is_empty().then_some(key_file))
}
