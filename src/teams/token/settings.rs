//! Whose tokens are believed, and where their keys are.

use std::time::Duration;

use url::Url;

use crate::net::{BadHost, HostAllowlist, Subdomains, UrlRefused};
use crate::teams::cloud::Cloud;

/// Whose tokens are believed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bot's Microsoft app id: the only audience that passes.
    pub app_id: String,
    /// The only issuer that passes, without a slash at its end.
    pub issuer: String,
    /// The `OpenID` metadata document, which names the document with the keys.
    pub metadata_url: Url,
    /// The hosts that the document with the keys may be on; without it, the metadata's own.
    pub key_hosts: Option<HostAllowlist>,
    /// How often keys are fetched.
    pub pacing: Pacing,
}

/// How often keys are fetched, and how long that may take.
#[derive(Debug, Clone, Copy)]
pub struct Pacing {
    /// How old keys get before they are fetched anew.
    pub refresh_every: Duration,
    /// How often, at most, tokens with unknown keys cause a fetch, also after one that failed. A key
    /// that Microsoft begins to use before publishing it may be refused for that long. A scheduled
    /// fetch that failed is repeated as soon.
    pub unknown_key_every: Duration,
    /// How soon, at the earliest, a failed fetch is repeated while no key is known at all.
    pub retry_after: Duration,
    /// The longest time of a fetch, both documents together.
    pub fetch_time: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            refresh_every: Duration::from_hours(24),
            unknown_key_every: Duration::from_mins(5),
            retry_after: Duration::from_secs(10),
            fetch_time: Duration::from_secs(5),
        }
    }
}

/// Why [`Settings`] cannot tell genuine tokens from others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// There is no app id, so that tokens for nobody would pass.
    #[error("the app id is empty")]
    AppId,
    /// There is no issuer, so that tokens from nobody would pass.
    #[error("the issuer is empty")]
    Issuer,
    /// The host of the metadata cannot be put on a list.
    #[error("the address of the OpenID metadata has no usable host")]
    Host(#[from] BadHost),
    /// The address of the metadata may not be called.
    #[error("the address of the OpenID metadata may not be called: {0}")]
    UrlRefused(#[from] UrlRefused),
}

impl Settings {
    /// The settings of a bot in a cloud.
    ///
    /// # Errors
    /// None really: the addresses of all clouds are URLs.
    pub fn new(cloud: Cloud, app_id: String) -> Result<Self, url::ParseError> {
        Ok(Self {
            app_id,
            issuer: cloud.issuer().to_owned(),
            metadata_url: Url::parse(cloud.metadata_url())?,
            key_hosts: None,
            pacing: Pacing::default(),
        })
    }

    /// Refuses settings with which anything would pass; gives the hosts that may have the keys.
    pub(super) fn check(&self) -> Result<HostAllowlist, SettingsError> {
        if self.app_id.trim().is_empty() {
            return Err(SettingsError::AppId);
        }
        if self.issuer.trim().is_empty() {
            return Err(SettingsError::Issuer);
        }
        let own_host = HostAllowlist::new([authority(&self.metadata_url)], Subdomains::Refused)?;
        own_host.check(&self.metadata_url)?;
        Ok(self.key_hosts.clone().unwrap_or(own_host))
    }
}

/// `host`, or `host:port` where the port is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_usable_settings() {
        for cloud in [Cloud::Public, Cloud::UsGov, Cloud::China] {
            let settings = Settings::new(cloud, "app".to_owned()).unwrap();
            let hosts = settings.check().unwrap();
            let keys = settings.metadata_url.join("keys").unwrap();
            assert_eq!(hosts.check(&keys), Ok(()));
            assert!(!settings.issuer.ends_with('/'));
        }
    }

    #[test]
    fn settings_with_which_anything_would_pass_are_refused() {
        let good = Settings::new(Cloud::Public, "app".to_owned()).unwrap();
        let with = |change: fn(&mut Settings)| {
            let mut settings = good.clone();
            change(&mut settings);
            settings.check().err()
        };
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(with(|settings| settings.app_id = " ".to_owned()), Some(SettingsError::AppId));
        assert_eq!(with(|settings| settings.issuer.clear()), Some(SettingsError::Issuer));
        for (address, error) in [
            ("http://login.botframework.com/x", SettingsError::UrlRefused(UrlRefused::Scheme)),
            (
                "https://a:b@login.botframework.com/",
                SettingsError::UrlRefused(UrlRefused::Credentials),
            ),
            ("data:,x", SettingsError::Host(BadHost(String::new()))),
        ] {
            let settings = Settings { metadata_url: url(address), ..good.clone() };
            assert_eq!(settings.check().err(), Some(error), "{address}");
        }
    }

    #[test]
    fn a_port_of_the_metadata_binds_the_keys() {
        let good = Settings::new(Cloud::Public, "app".to_owned()).unwrap();
        let metadata_url = Url::parse("http://127.0.0.1:4000/metadata").unwrap();
        let hosts = Settings { metadata_url, ..good }.check().unwrap();
        let verdict = |text: &str| hosts.check(&Url::parse(text).unwrap());
        assert_eq!(verdict("http://127.0.0.1:4000/keys"), Ok(()));
        assert_eq!(verdict("http://127.0.0.1:4001/keys"), Err(UrlRefused::Port));
        assert_eq!(verdict("http://127.0.0.2:4000/keys"), Err(UrlRefused::Host));
    }
}
