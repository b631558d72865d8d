//! The clouds that Microsoft runs the Bot Connector in, and their addresses.

use url::Url;

use crate::config::Parsed;

/// A cloud that Microsoft runs the Bot Connector in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// The public cloud.
    #[default]
    Public,
    /// The clouds of the United States government, GCC High and `DoD`.
    UsGov,
    /// The cloud in China, run by 21Vianet.
    China,
}

impl Cloud {
    /// Who issues the Bot Connector's tokens (Microsoft teams.api source, cloud environment).
    #[must_use]
    pub const fn issuer(self) -> &'static str {
        match self {
            Self::Public => "https://api.botframework.com",
            Self::UsGov => "https://api.botframework.us",
            Self::China => "https://api.botframework.azure.cn",
        }
    }

    /// Where the `OpenID` metadata of the Bot Connector is. The path has no hyphen, unlike the
    /// standard's (Microsoft teams.api source, cloud environment).
    #[must_use]
    pub const fn metadata_url(self) -> &'static str {
        match self {
            Self::Public => "https://login.botframework.com/v1/.well-known/openidconfiguration",
            Self::UsGov => "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            Self::China => "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Public, Self::UsGov, Self::China];

    /// The cloud of that name in the configuration.
    pub(super) fn parse(name: &str) -> Parsed<Self> {
        Self::ALL
            .into_iter()
            .find(|cloud| cloud.name() == name)
            .ok_or_else(|| "is not a cloud: write public, usgov or china".into())
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGov => "usgov",
            Self::China => "china",
        }
    }

    /// Where people sign in, and where the bot gets its tokens (Microsoft teams.api source, cloud
    /// environment).
    #[must_use]
    pub const fn login_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::UsGov => "login.microsoftonline.us",
            Self::China => "login.partner.microsoftonline.cn",
        }
    }

    /// The tenant that gives tokens to bots of many tenants.
    #[must_use]
    pub const fn default_tenant(self) -> &'static str {
        match self {
            Self::Public => "botframework.com",
            Self::UsGov => "MicrosoftServices.onmicrosoft.us",
            Self::China => "microsoftservices.partner.onmschina.cn",
        }
    }

    /// What the bot's own tokens are for.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Public => "https://api.botframework.com/.default",
            Self::UsGov => "https://api.botframework.us/.default",
            Self::China => "https://api.botframework.azure.cn/.default",
        }
    }

    /// What tokens for Microsoft Graph are for (Microsoft Graph, national clouds).
    #[must_use]
    pub const fn graph_scope(self) -> &'static str {
        match self {
            Self::Public => "https://graph.microsoft.com/.default",
            Self::UsGov => "https://graph.microsoft.us/.default",
            Self::China => "https://microsoftgraph.chinacloudapi.cn/.default",
        }
    }

    /// The hosts of the connector: those that Microsoft listed itself, and none that a customer can
    /// register a name below.
    #[must_use]
    pub const fn service_hosts(self) -> &'static [&'static str] {
        match self {
            Self::Public => &[
                "smba.trafficmanager.net",
                "smba.onyx.prod.teams.trafficmanager.net",
                "smba.infra.gcc.teams.microsoft.com",
            ],
            Self::UsGov => {
                &["smba.infra.gov.teams.microsoft.us", "smba.infra.dod.teams.microsoft.us"]
            }
            Self::China => &["frontend.botapi.msg.infra.teams.microsoftonline.cn"],
        }
    }

    /// Where a bot of that tenant gets its tokens; without a tenant, a bot of many.
    pub(super) fn token_url(self, tenant: Option<&str>) -> Option<Url> {
        let (host, tenant) = (self.login_host(), tenant.unwrap_or(self.default_tenant()));
        Url::parse(&format!("https://{host}/{tenant}/oauth2/v2.0/token")).ok()
    }
}
