//! What the command line and the configuration say of the app package.

use clap::Args;

use super::Package;
use super::values::{AppId, Developer, DeveloperName, Version, WebPage};
use crate::config::Reader;
use crate::net::origin::Origin;
use crate::teams::config::APP_ID;

/// What the command line says of the package.
#[derive(Debug, Args)]
pub(crate) struct PackageOptions {
    /// Client id of the bot's Entra application [default: `teams.app_id`]
    #[arg(long, value_name = "ID")]
    app_id: Option<AppId>,
    /// Version of the package, which has to grow with every upload [default: this program's]
    #[arg(long, value_name = "VERSION")]
    app_version: Option<Version>,
    /// Who stands behind the app, at most 32 characters [default: Novu Connect]
    #[arg(long, value_name = "NAME")]
    developer: Option<DeveloperName>,
    /// Page with help for the app [default: Novu's]
    #[arg(long, value_name = "URL")]
    website: Option<WebPage>,
    /// Page about privacy [default: Novu's]
    #[arg(long, value_name = "URL")]
    privacy: Option<WebPage>,
    /// Page with the terms of use [default: Novu's]
    #[arg(long, value_name = "URL")]
    terms: Option<WebPage>,
}

impl PackageOptions {
    /// The package with these options, and with what is configured where they do not say; `None`
    /// where a problem was noted.
    pub(crate) fn package(self, reader: &mut Reader, origin: Option<Origin>) -> Option<Package> {
        let app_id = match self.app_id {
            Some(app_id) => app_id,
            None => configured_app_id(reader)?,
        };
        let usual = Developer::default();
        Some(Package {
            version: self.app_version.unwrap_or_default(),
            developer: Developer {
                name: self.developer.unwrap_or(usual.name),
                website: self.website.unwrap_or(usual.website),
                privacy: self.privacy.unwrap_or(usual.privacy),
                terms: self.terms.unwrap_or(usual.terms),
            },
            ..Package::new(app_id, origin)
        })
    }
}

fn configured_app_id(reader: &mut Reader) -> Option<AppId> {
    reader.value(&APP_ID)?.parse().ok()
}
