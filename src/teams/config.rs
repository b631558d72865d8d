//! The section `teams`. What it leaves out is the cloud's.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::cloud::Cloud;
use super::credentials::CertificateFiles;
use crate::config::{Key, ListKey, Parsed, Reader, parse};
use crate::core::Access;
use crate::net::settings::host;
use crate::net::{HostAllowlist, Subdomains};
use crate::section;
use crate::text::one_line;

/// In Teams people see an error after some ten seconds, and feel every one of them.
const PRESS_TIME: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(5);
/// More often, and strangers could make us a nuisance to Microsoft.
const KEY_TIME: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(24);

section! {
    /// Microsoft Teams is on if this section is there.
    pub(crate) SECTION = "teams";

    CLOUD: Key<Cloud> =
        Key::new("teams.cloud", "the Microsoft cloud: public, usgov or china", Cloud::parse)
            .or("public");

    pub(super) APP_ID: Key<String> = Key::new(
        "teams.app_id",
        "the application (client) id of the bot's Entra application",
        app_id,
    );

    pub(super) APP_SECRET: Key<SecretString> = Key::new(
        "teams.app_secret",
        "a client secret of the bot's Entra application",
        app_secret,
    )
    .secret();

    pub(super) APP_CERTIFICATE: Key<PathBuf> = Key::new(
        "teams.app_certificate",
        "the PEM file of a certificate of the bot's Entra application, in place of a secret",
        parse::pem_path,
    );

    pub(super) APP_CERTIFICATE_KEY: Key<PathBuf> = Key::new(
        "teams.app_certificate_key",
        "the PEM file of that certificate's unencrypted private key",
        parse::pem_path,
    );

    APP_TENANT: Key<String> = Key::new(
        "teams.app_tenant",
        "the tenant of a single-tenant bot; without it the bot is one of many tenants",
        parse::identifier,
    );

    INTEGRATION: Key<String> = Key::new(
        "teams.integration",
        "the identifier of the Microsoft Teams integration in Novu",
        parse::identifier,
    );

    CONNECTION: Key<String> = Key::new(
        "teams.connection",
        "the identifier of the Novu channel connection to prefer where a workspace has several",
        parse::identifier,
    );

    OPENID_METADATA_URL: Key<Url> = Key::new(
        "teams.openid_metadata_url",
        "the OpenID metadata of the Bot Connector instead of the cloud's",
        parse::secure_url,
    );

    TOKEN_URL: Key<Url> = Key::new(
        "teams.token_url",
        "the address that gives the bot its tokens instead of the cloud's",
        parse::secure_url,
    );

    ISSUER: Key<String> = Key::new(
        "teams.issuer",
        "the issuer of the Bot Connector's tokens instead of the cloud's",
        parse::identifier,
    );

    LINK_HOSTS: ListKey<String> = ListKey::new(
        "teams.link_hosts",
        "the hosts that a sign-in link may have, exactly, instead of the cloud's",
        host,
    );

    SERVICE_HOSTS: ListKey<String> = ListKey::new(
        "teams.service_hosts",
        "the hosts that a service URL may have, exactly, instead of the cloud's",
        host,
    );

    ADMINISTRATORS: ListKey<String> = ListKey::new(
        "teams.administrators",
        "the users, by their Entra object ids, who see and change the connection of their tenant in chat; \
         to connect it anybody may ask, and Entra lets administrators alone consent",
        parse::guid,
    );

    TENANTS: ListKey<String> =
        ListKey::new("teams.tenants", "the only tenants that may be connected, by their ids", parse::guid);

    TENANT_NAMES: ListKey<(String, String)> = ListKey::new(
        "teams.tenant_names",
        "the tenants whose people read their organisation's name, each as TENANT-ID:Name",
        tenant_name,
    )
    .doubting(|(id, _)| {
        let doubt = "names no tenant's id before the colon: copy it from Entra";
        (!parse::is_guid(id)).then(|| doubt.into())
    });

    REPLY_BUDGET: Key<Duration> = Key::new(
        "teams.reply_budget",
        "no longer used: a pressed button is acknowledged at once",
        |text| parse::time(text, &PRESS_TIME),
    )
    .doubting(|_| Some("has no use any more: remove it".into()));

    UNKNOWN_KEY_INTERVAL: Key<Duration> = Key::new(
        "teams.unknown_key_interval",
        "how often at most a token with an unknown key makes the bot look for new ones",
        |text| parse::time(text, &KEY_TIME),
    )
    .or("5m");
}

/// What the section says, and the cloud where the section does not.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The bot's Entra application id.
    pub(crate) app_id: String,
    /// What proves to Entra that the bot is that application.
    pub(crate) app_credential: AppCredential,
    /// Identifier of the Microsoft Teams integration in Novu.
    pub(crate) integration: String,
    /// Identifier of the channel connection that is preferred.
    pub(crate) connection: Option<String>,
    /// `OpenID` metadata of the Bot Connector.
    pub(crate) openid_metadata_url: Url,
    /// Who issues the Bot Connector's tokens.
    pub(crate) issuer: String,
    /// Where the bot gets its own tokens.
    pub(crate) token_url: Url,
    /// What those tokens are for.
    pub(crate) token_scope: String,
    /// What tokens for Microsoft Graph are for.
    pub(crate) graph_scope: String,
    /// Hosts that a sign-in link may have.
    pub(crate) link_hosts: HostAllowlist,
    /// Hosts that a service URL may have.
    pub(crate) service_hosts: HostAllowlist,
    /// Who may connect a tenant, and which.
    pub(crate) access: Access,
    /// What people call their tenants, by id.
    pub(crate) tenant_names: HashMap<String, String>,
    /// How often at most a token with an unknown key causes a look for new ones.
    pub(crate) unknown_key_interval: Duration,
}

/// What proves to Entra that the bot is its application.
#[derive(Debug, Clone)]
pub(crate) enum AppCredential {
    /// A client secret of the application.
    Secret(SecretString),
    /// A certificate of the application, with its private key. The files have not been read yet.
    Certificate(CertificateFiles),
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let cloud = reader.value(&CLOUD);
        let app_id = reader.value(&APP_ID);
        let app_credential = app_credential(reader);
        let app_tenant = reader.optional(&APP_TENANT);
        let integration = reader.value(&INTEGRATION);
        let connection = reader.optional(&CONNECTION);
        let metadata_url = reader.optional(&OPENID_METADATA_URL);
        let token_url = reader.optional(&TOKEN_URL);
        let issuer = reader.optional(&ISSUER);
        let link_hosts = reader.optional_list(&LINK_HOSTS);
        let service_hosts = reader.optional_list(&SERVICE_HOSTS);
        let tenant_names = reader.optional_list(&TENANT_NAMES);
        let access = Access {
            administrators: reader.optional_list(&ADMINISTRATORS).unwrap_or_default(),
            allowed: reader.optional_list(&TENANTS),
            allowed_key: TENANTS.info().name,
        };
        // Taken for the sake of configurations from before.
        let _ = reader.optional(&REPLY_BUDGET);
        let unknown_key_interval = reader.value(&UNKNOWN_KEY_INTERVAL);
        let cloud = cloud?;
        Some(Self {
            app_id: app_id?,
            app_credential: app_credential?,
            integration: integration?,
            connection,
            openid_metadata_url: metadata_url.or_else(|| Url::parse(cloud.metadata_url()).ok())?,
            issuer: issuer.unwrap_or_else(|| cloud.issuer().to_owned()),
            token_url: token_url.or_else(|| cloud.token_url(app_tenant.as_deref()))?,
            token_scope: cloud.scope().to_owned(),
            graph_scope: cloud.graph_scope().to_owned(),
            link_hosts: hosts_or(link_hosts, &[cloud.login_host()])?,
            service_hosts: hosts_or(service_hosts, cloud.service_hosts())?,
            access,
            tenant_names: tenant_names.into_iter().flatten().collect(),
            unknown_key_interval: unknown_key_interval?,
        })
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let credential = match &self.app_credential {
            AppCredential::Secret(_) => "a secret".to_owned(),
            AppCredential::Certificate(files) => {
                format!("the certificate {}", files.certificate.display())
            }
        };
        let connection = self.connection.as_deref().unwrap_or("none");
        let words = format!(
            "app {} with {credential} by integration {}, preferred connection {connection}",
            self.app_id, self.integration,
        );
        vec![("Teams", words)]
    }
}

/// The id of an Entra application.
fn app_id(text: &str) -> Parsed<String> {
    parse::guid(text)
        .map_err(|_| "is not a GUID: copy the application (client) id of the Azure bot".into())
}

/// A tenant's id and its name.
fn tenant_name(text: &str) -> Parsed<(String, String)> {
    let (id, name) = text.split_once(':').unwrap_or((text, ""));
    let (id, name) = (id.trim(), one_line(name));
    if id.is_empty() || id.contains(char::is_whitespace) || name.is_empty() {
        return Err("is not a tenant's id and its name: write it like \
                    11111111-2222-3333-4444-555555555555:Acme"
            .into());
    }
    Ok((id.to_ascii_lowercase(), name))
}

/// A client secret of an Entra application. Entra shows two columns, and the other one is a GUID.
fn app_secret(text: &str) -> Parsed<SecretString> {
    if parse::is_guid(text) {
        return Err(
            "is a GUID, so it is the secret's ID: copy its Value, which Entra shows only once, \
                    when the secret is made"
                .into(),
        );
    }
    parse::secret(text)
}

fn hosts_or(given: Option<Vec<String>>, usual: &[&str]) -> Option<HostAllowlist> {
    match given {
        Some(given) => HostAllowlist::new(given, Subdomains::Refused).ok(),
        None => HostAllowlist::new(usual, Subdomains::Refused).ok(),
    }
}

/// A secret, or a certificate with its key: one of the two, and whole.
fn app_credential(reader: &mut Reader) -> Option<AppCredential> {
    let given = [APP_SECRET.info(), APP_CERTIFICATE.info(), APP_CERTIFICATE_KEY.info()]
        .map(|key| reader.is_given(key));
    let (key, complaint) = match given {
        [true, false, false] => return reader.value(&APP_SECRET).map(AppCredential::Secret),
        [false, true, true] => {
            let certificate = reader.value(&APP_CERTIFICATE);
            let key = reader.value(&APP_CERTIFICATE_KEY);
            let files = CertificateFiles { certificate: certificate?, key: key? };
            return Some(AppCredential::Certificate(files));
        }
        [false, false, false] => {
            let complaint = "is missing: set it to a client secret of the bot's Entra \
                             application, or set teams.app_certificate and \
                             teams.app_certificate_key";
            reader.lacks(&APP_SECRET, complaint);
            return None;
        }
        [false, true, false] => (
            &APP_CERTIFICATE_KEY,
            "is missing, but teams.app_certificate is set: set it to the file of that \
             certificate's private key",
        ),
        [false, false, true] => (
            &APP_CERTIFICATE,
            "is missing, but teams.app_certificate_key is set: set it to the file of that key's \
             certificate",
        ),
        [true, true, _] => {
            (&APP_CERTIFICATE, "is set, but so is teams.app_secret: remove one of them")
        }
        [true, false, true] => {
            (&APP_CERTIFICATE_KEY, "is set, but so is teams.app_secret: remove one of them")
        }
    };
    reader.blame(key, complaint);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_has_a_guid_and_its_secret_is_none() {
        let guid = "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10";
        assert!(app_id(guid).is_ok());
        assert!(app_id("myapp").is_err());
        assert!(app_secret("Kq8~canary.secret_of-the~application").is_ok());
        assert!(app_secret(guid).is_err());
    }

    #[test]
    fn a_tenant_is_named_by_its_id_and_a_name() {
        let guid = "0B1F7A3E-5b1c-4f52-9a43-0d2c5a9e7f10";
        let named = |text: &str| tenant_name(text).ok().map(|(_, name)| name);
        assert_eq!(named(&format!("{guid}: Acme: North\u{202e} ")).as_deref(), Some("Acme: North"));
        assert_eq!(tenant_name(&format!("{guid}:Acme")).unwrap().0, guid.to_lowercase());
        for wrong in
            [guid, &format!("{guid}:"), &format!("{guid}: \u{200b}"), "Acme", "Ac me:Acme", ":Acme"]
        {
            assert_eq!(named(wrong), None, "{wrong:?}");
        }
    }
}
