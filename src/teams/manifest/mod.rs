//! The Teams app package: a manifest and two icons in a ZIP file (Teams: app package).

mod document;
mod icons;
mod options;
mod values;

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

pub use self::document::{COMMANDS, Command};
pub(crate) use self::options::PackageOptions;
pub use self::values::{
    AppId, Developer, DeveloperName, NotADeveloperName, NotAVersion, NotAWebPage, NotAnAppId,
    Version, WebPage,
};
use crate::net::origin::Origin;

/// What people call the app where it has no name of its own.
const NAME: &str = "Novu Connect";
const COLOR_ICON: &str = "color.png";
const OUTLINE_ICON: &str = "outline.png";

/// Why a package could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The manifest could not be written.
    #[error("the manifest could not be written")]
    Manifest(#[from] serde_json::Error),
    /// The ZIP file could not be written.
    #[error("the ZIP file could not be written")]
    Zip(#[from] zip::result::ZipError),
    /// A file in the ZIP file could not be written.
    #[error("a file could not be packed")]
    File(#[from] std::io::Error),
}

/// What an installation of the app has of its own.
#[derive(Debug, Clone)]
pub struct Package {
    /// The Entra application. It is the bot's id, and the app's too: Novu looks the app up in the
    /// organisation's catalogue by it (Novu 3.19 source, Teams link-user use case).
    pub app_id: AppId,
    /// What people call the app, at most 30 characters.
    pub name: String,
    /// Where people reach the service, if they can.
    pub origin: Option<Origin>,
    /// The version of the package.
    pub version: Version,
    /// Who stands behind the app.
    pub developer: Developer,
}

impl Package {
    /// The package of an app with the usual names.
    #[must_use]
    pub fn new(app_id: AppId, origin: Option<Origin>) -> Self {
        Self {
            app_id,
            name: NAME.to_owned(),
            origin,
            version: Version::default(),
            developer: Developer::default(),
        }
    }

    /// The package: a ZIP file with the manifest and both icons in its root. The same input always
    /// gives the same bytes.
    ///
    /// # Errors
    /// None that we know of; serialisation and packing can fail in principle.
    pub fn zip(&self) -> Result<Vec<u8>, PackageError> {
        let manifest = self.json()?;
        // A few kilobytes that are mostly pictures, which are compressed already.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::DEFAULT);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in [
            ("manifest.json", manifest.as_bytes()),
            (COLOR_ICON, icons::COLOR),
            (OUTLINE_ICON, icons::OUTLINE),
        ] {
            zip.start_file(name, options)?;
            zip.write_all(content)?;
        }
        Ok(zip.finish()?.into_inner())
    }

    /// The manifest as a JSON document that is pleasant to read, with a line end.
    ///
    /// # Errors
    /// None that we know of; serialisation can fail in principle.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.manifest()).map(|json| json + "\n")
    }
}
