//! The Slack app's manifest (Slack: app manifest reference, schema 2).

use serde::Serialize;
use url::Url;

use super::config::{COMMAND, USER_SCOPE, WORKSPACES};
use crate::config::Reader;
use crate::core::Language;
use crate::core::workspaces::config::SCOPE;
use crate::net::origin::Origin;
use crate::novu::config::API_URL;
use crate::words::config as about;
use crate::words::permissions::reason;

/// The colour behind the icon in Slack: the ground of the icon, as HTML writes it.
const BACKGROUND: &str = "#1d1c2b";
/// Creates an app from the manifest that follows (Slack: creating apps using manifests).
const CREATE_APP: &str = "https://api.slack.com/apps?new_app=1&manifest_json=";
/// Where Novu takes people back from Slack, below the root of its API (Novu 3.19 source, chat
/// OAuth constants).
const CALLBACK: &str = "/v1/integrations/chat/oauth/callback";
/// What people are asked for where nothing else is configured (Novu 3.19 source, Slack link-user use case).
const NOVUS_USER_SCOPE: &str = "identity.basic";
/// The name of the bot where the app's name has no letter that such a name may have.
const BOT_NAME: &str = "novu-connect";

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

/// A scope that the app asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Slack's name for it.
    pub name: String,
    /// Who is asked for it.
    pub grant: Grant,
    /// What it is for.
    pub reason: String,
}

/// What an installation of the app has of its own.
#[derive(Debug, Clone)]
pub struct App {
    /// What people call it, at most 35 characters.
    pub name: String,
    /// Where people find help and terms: what it is, and the address.
    pub addresses: Vec<(String, String)>,
    /// Where Slack reaches the service.
    pub origin: Origin,
    /// The slash command with its slash, 2 to 32 characters.
    pub command: String,
    /// Where Slack sends people back to after they have signed in: an address of Novu's.
    pub redirect_url: String,
    /// What a workspace is asked for when it is connected.
    pub bot_scopes: Vec<String>,
    /// What people are asked for when they sign in.
    pub user_scopes: Vec<String>,
    /// Whether organisations of Enterprise Grid are served: it can be installed for a whole one then.
    pub for_organisations: bool,
}

impl App {
    /// The app of a service whose configuration is read here; `None` where a problem was noted. `novu_api`
    /// wins over the configured address of Novu's API.
    pub fn read(reader: &mut Reader, origin: Origin, novu_api: Option<Url>) -> Option<Self> {
        let about = about::Settings::read(reader);
        let command = reader.value(&COMMAND);
        let bot_scopes = reader.filled_list(&SCOPE);
        let user_scopes = reader.optional_list(&USER_SCOPE);
        let workspaces = reader.optional_list(&WORKSPACES).unwrap_or_default();
        let novu = novu_api.or_else(|| public_api(reader))?;
        let about = about?;
        Some(Self {
            addresses: about.addresses(Language::English),
            name: about.name,
            origin,
            command: command?,
            redirect_url: format!("{}{CALLBACK}", novu.as_str().trim_end_matches('/')),
            bot_scopes: bot_scopes?,
            user_scopes: user_scopes.unwrap_or_else(|| vec![NOVUS_USER_SCOPE.to_owned()]),
            for_organisations: workspaces.iter().any(|id| id.starts_with('E')),
        })
    }

    /// Every scope that the app asks for, with what it is for.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        let bot = self.bot_scopes.iter().map(|name| Scope {
            name: name.clone(),
            grant: Grant::Bot,
            reason: reason(Language::English, name),
        });
        let user = self.user_scopes.iter().map(|name| Scope {
            name: name.clone(),
            grant: Grant::User,
            reason: Language::English.say("scope-sign-in", &[]),
        });
        bot.chain(user).collect()
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
                org_deploy_enabled: self.for_organisations,
                socket_mode_enabled: false,
                token_rotation_enabled: false,
            },
        }
    }

    fn display_information(&self) -> DisplayInformation<'_> {
        let command = &self.command;
        let mut addresses = String::new();
        for (what, address) in &self.addresses {
            let shown = address.strip_prefix("mailto:").unwrap_or(address);
            addresses.extend(["\n", what, ": ", shown]);
        }
        DisplayInformation {
            name: &self.name,
            description: "Connect your Slack account and get your notifications here",
            long_description: format!(
                "Type {command} to receive your notifications in Slack. You get a private sign-in \
                 button, sign in once, and notifications that are meant for you arrive as direct \
                 messages from then on. Type {command} status to see whether you are connected, \
                 and {command} disconnect to end it.{addresses}",
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
            bot_user: BotUser { display_name: bot_name(&self.name), always_online: true },
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
        OauthConfig {
            redirect_urls: [&self.redirect_url],
            scopes: Scopes { bot: &self.bot_scopes, user: &self.user_scopes },
        }
    }
}

/// The configured address of Novu's API, if Slack can send people there.
fn public_api(reader: &mut Reader) -> Option<Url> {
    let api = reader.value(&API_URL)?;
    if api.scheme() == "https" {
        return Some(api);
    }
    let cause = "is plain http, and Slack sends people back to Novu by https";
    reader.blame(&API_URL, format!("{cause}: give --novu-api with its address for browsers"));
    None
}

/// The name of the bot: letters, digits and hyphens (Slack: app manifest reference, `bot_user`).
fn bot_name(name: &str) -> String {
    let word = |part: &str| part.to_ascii_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name = words.map(word).collect::<Vec<_>>().join("-");
    if name.is_empty() { BOT_NAME.to_owned() } else { name }
}

#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(rename = "_metadata")]
    metadata: Metadata,
    display_information: DisplayInformation<'a>,
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
struct DisplayInformation<'a> {
    name: &'a str,
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
    display_name: String,
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
    bot: &'a [String],
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
