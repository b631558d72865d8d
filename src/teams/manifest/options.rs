//! What the command line and the configuration say of the app package.

use clap::Args;
use url::Url;

use super::Package;
use super::values::{AppId, Developer, DeveloperName, Version, WebPage};
use crate::config::Reader;
use crate::net::origin::Origin;
use crate::teams::config::APP_ID;
use crate::words::config::{Settings, Support};

/// What the command line says of the package.
#[derive(Debug, Args)]
pub(crate) struct PackageOptions {
    /// Client id of the bot's Entra application [default: `teams.app_id`]
    #[arg(long, value_name = "ID")]
    app_id: Option<AppId>,
    /// Version of the package, which has to grow with every upload [default: this program's]
    #[arg(long, value_name = "VERSION")]
    app_version: Option<Version>,
    /// Who stands behind the app, at most 32 characters [default: `app.name`]
    #[arg(long, value_name = "NAME")]
    developer: Option<DeveloperName>,
    /// Page with help for the app [default: `app.support` if that is a page, else Novu's]
    #[arg(long, value_name = "URL")]
    website: Option<WebPage>,
    /// Page about privacy [default: `app.privacy_url`, else Novu's]
    #[arg(long, value_name = "URL")]
    privacy: Option<WebPage>,
    /// Page with the terms of use [default: `app.terms_url`, else Novu's]
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
        let about = Settings::read(reader)?;
        let help = match about.support {
            Some(Support::Page(page)) => Some(page),
            Some(Support::Mail(_)) | None => None,
        };
        let usual = Developer::default();
        let page = |told: Option<WebPage>, configured: Option<Url>, usual| {
            told.or_else(|| configured.map(WebPage::from_https)).unwrap_or(usual)
        };
        Some(Package {
            version: self.app_version.unwrap_or_default(),
            developer: Developer {
                name: self.developer.or_else(|| about.name.parse().ok()).unwrap_or(usual.name),
                website: page(self.website, help, usual.website),
                privacy: page(self.privacy, about.privacy_url, usual.privacy),
                terms: page(self.terms, about.terms_url, usual.terms),
            },
            name: about.name,
            ..Package::new(app_id, origin)
        })
    }
}

fn configured_app_id(reader: &mut Reader) -> Option<AppId> {
    reader.value(&APP_ID)?.parse().ok()
}
