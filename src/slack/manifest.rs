//! The Slack app's manifest (Slack: app manifest reference, schema 2).

use serde::Serialize;

use super::config::{COMMAND, USER_SCOPE};
use crate::config::Reader;
use crate::core::resolve::ResolverKind;
use crate::core::resolve::config::CHAIN;
use crate::net::origin::Origin;
use crate::novu::config::API_URL;

/// The colour behind the icon in Slack: the ground of the icon, as HTML writes it.
const BACKGROUND: &str = "#1d1c2b";

/// Creates an app from the manifest that follows (Slack: creating apps using manifests).
const CREATE_APP: &str = "https://api.slack.com/apps?new_app=1&manifest_json=";
/// Where Novu takes people back from Slack, below the root of its API (Novu 3.19 source, chat
/// OAuth constants).
const CALLBACK: &str = "/v1/integrations/chat/oauth/callback";
/// Novu's API where the configured one is nobody's business outside.
const NOVU: &str = "https://api.novu.co";

/// Who is asked for a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The workspace, once, when the app is installed.
    Bot,
    /// Each person, when they sign in.
    User,
}

impl Grant {
    /// The word for it in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::User => "user",
        }
    }
}

/// A permission that the app asks for.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Slack's name for it.
    pub name: &'static str,
    /// Who is asked for it.
    pub grant: Grant,
    /// What the service cannot do without it.
    pub reason: &'static str,
}

/// Every scope that the service needs, whatever its configuration.
pub const SCOPES: &[Scope] = &[
    Scope { name: "commands", grant: Grant::Bot, reason: "`/connect`" },
    Scope {
        name: "chat:write",
        grant: Grant::Bot,
        reason: "a direct message when an answer comes later than `/connect` can wait; Novu's \
                 notifications",
    },
    Scope {
        name: "users:read",
        grant: Grant::Bot,
        reason: "the person's language, and whether the account is a guest, a bot or switched off",
    },
    Scope {
        name: "identity.basic",
        grant: Grant::User,
        reason: "signing in: Novu asks the person for it, and learns nothing but who they are",
    },
];

/// The scope that finding people by their e-mail address needs besides.
pub const EMAIL_SCOPE: Scope = Scope {
    name: "users:read.email",
    grant: Grant::Bot,
    reason: "only if `identity.chain` contains `email`: the address, which is looked up in Novu",
};

/// What an installation of the app has of its own.
#[derive(Debug, Clone)]
pub struct App {
    /// Where Slack reaches the service.
    pub origin: Origin,
    /// The slash command with its slash, 2 to 32 characters.
    pub command: String,
    /// Where Slack sends people back to after they have signed in: an address of Novu's.
    pub redirect_url: String,
    /// What people are asked for when they sign in.
    pub user_scopes: Vec<String>,
    /// Whether people are found by their e-mail address.
    pub reads_email: bool,
}

impl App {
    /// The app of a service whose configuration is read here; `None` where a problem was noted.
    pub fn read(reader: &mut Reader, origin: Origin) -> Option<Self> {
        let command = reader.value(&COMMAND);
        let user_scopes = reader.optional_list(&USER_SCOPE);
        let chain = reader.filled_list(&CHAIN);
        let novu = reader.value(&API_URL)?;
        // Plain http is how Novu is reached within a cluster, and tells nothing of its address
        // outside.
        let novu = if novu.scheme() == "https" { novu.as_str() } else { NOVU };
        Some(Self {
            origin,
            command: command?,
            redirect_url: format!("{}{CALLBACK}", novu.trim_end_matches('/')),
            user_scopes: user_scopes.unwrap_or_else(|| scopes(Grant::User)),
            reads_email: chain?.contains(&ResolverKind::Email),
        })
    }

    /// The manifest as a JSON document that is pleasant to read, with a line end.
    ///
    /// # Errors
    /// None that we know of; serialisation can fail in principle.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.manifest()).map(|json| json + "\n")
    }

    /// The link that opens Slack's page for new apps with this manifest filled in.
    ///
    /// # Errors
    /// As [`App::json`].
    pub fn creation_link(&self) -> serde_json::Result<String> {
        let json = serde_json::to_string(&self.manifest())?;
        let encoded: String = form_urlencoded::byte_serialize(json.as_bytes()).collect();
        // A space is %20 in any part of a URL, a plus only in some.
        Ok(format!("{CREATE_APP}{}", encoded.replace('+', "%20")))
    }

    fn manifest(&self) -> Manifest<'_> {
        Manifest {
            metadata: Metadata { major_version: 2 },
            display_information: self.display_information(),
            features: self.features(),
            oauth_config: self.oauth_config(),
            settings: Settings {
                interactivity: Interactivity {
                    is_enabled: true,
                    request_url: self.origin.at("/slack/interactions"),
                },
                org_deploy_enabled: false,
                socket_mode_enabled: false,
                token_rotation_enabled: false,
            },
        }
    }

    fn display_information(&self) -> DisplayInformation {
        let command = &self.command;
        DisplayInformation {
            name: "Novu Connect",
            description: "Connect your Slack account and get your notifications here",
            long_description: format!(
                "Type {command} to receive your notifications in Slack. You get a private sign-in \
                 button, sign in once, and notifications that are meant for you arrive as direct \
                 messages from then on. Type {command} status to see whether you are connected, \
                 and {command} disconnect to end it.",
            ),
            background_color: BACKGROUND,
        }
    }

    fn features(&self) -> Features<'_> {
        Features {
            // Slack delivers no direct message to a person without this tab. Nobody reads what is
            // written there, so nobody can write.
            app_home: AppHome {
                home_tab_enabled: false,
                messages_tab_enabled: true,
                messages_tab_read_only_enabled: true,
            },
            bot_user: BotUser { display_name: "novu-connect", always_online: true },
            slash_commands: [SlashCommand {
                command: &self.command,
                url: self.origin.at("/slack/commands"),
                description: "Connect your account to get notifications in Slack",
                usage_hint: "[status | disconnect | help]",
                should_escape: true,
            }],
        }
    }

    fn oauth_config(&self) -> OauthConfig<'_> {
        let mut bot = scopes(Grant::Bot);
        if self.reads_email {
            bot.push(EMAIL_SCOPE.name.to_owned());
        }
        OauthConfig {
            redirect_urls: [&self.redirect_url],
            scopes: Scopes { bot, user: &self.user_scopes },
        }
    }
}

/// The names of the scopes that one party is always asked for.
fn scopes(grant: Grant) -> Vec<String> {
    let asked = SCOPES.iter().filter(|scope| scope.grant == grant);
    asked.map(|scope| scope.name.to_owned()).collect()
}

#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(rename = "_metadata")]
    metadata: Metadata,
    display_information: DisplayInformation,
    features: Features<'a>,
    oauth_config: OauthConfig<'a>,
    settings: Settings,
}

#[derive(Serialize)]
struct Metadata {
    /// The schema. Slack takes a manifest that does not say it for version 1.
    major_version: u8,
}

#[derive(Serialize)]
struct DisplayInformation {
    name: &'static str,
    description: &'static str,
    /// 175 to 4000 characters.
    long_description: String,
    background_color: &'static str,
}

#[derive(Serialize)]
struct Features<'a> {
    app_home: AppHome,
    bot_user: BotUser,
    slash_commands: [SlashCommand<'a>; 1],
}

#[derive(Serialize)]
struct AppHome {
    home_tab_enabled: bool,
    messages_tab_enabled: bool,
    messages_tab_read_only_enabled: bool,
}

#[derive(Serialize)]
struct BotUser {
    display_name: &'static str,
    always_online: bool,
}

#[derive(Serialize)]
struct SlashCommand<'a> {
    command: &'a str,
    url: String,
    description: &'static str,
    usage_hint: &'static str,
    should_escape: bool,
}

#[derive(Serialize)]
struct OauthConfig<'a> {
    redirect_urls: [&'a str; 1],
    scopes: Scopes<'a>,
}

#[derive(Serialize)]
struct Scopes<'a> {
    bot: Vec<String>,
    user: &'a [String],
}

#[derive(Serialize)]
struct Settings {
    interactivity: Interactivity,
    org_deploy_enabled: bool,
    socket_mode_enabled: bool,
    /// Cannot be switched off again once it is on (Slack: token rotation).
    token_rotation_enabled: bool,
}

#[derive(Serialize)]
struct Interactivity {
    is_enabled: bool,
    request_url: String,
}
