//! The manifest itself (Teams: app manifest schema 1.30).

use std::borrow::Cow;

use serde::Serialize;

use super::icons;
use super::values::{AppId, DeveloperName, Version, WebPage};
use super::{COLOR_ICON, Developer, OUTLINE_ICON, Package};
use crate::net::origin::Origin;

const SCHEMA: &str =
    "https://developer.microsoft.com/json-schemas/teams/v1.30/MicrosoftTeams.schema.json";
const SCHEMA_VERSION: &str = "1.30";

const DESCRIPTION: ShortAndFull<'static> = ShortAndFull {
    short: "Connect your Teams account and get your notifications here",
    full: Cow::Borrowed(
        "Type connect to receive your notifications in Teams. You get a private sign-in button, \
           sign in once, and notifications that are meant for you arrive in your chat with this \
           app from then on. Type status to see whether you are connected, and help to see what \
           else you can type.",
    ),
};

/// What people can type, with the line that Teams shows beside it. Teams sends the title as if it
/// had been typed.
pub const COMMANDS: &[Command] = &[
    Command { title: "connect", description: "Get a private button that connects your account" },
    Command { title: "status", description: "See whether you are connected, and as whom" },
    Command { title: "disconnect", description: "Stop notifications here; the bot asks first" },
    Command { title: "help", description: "See what you can type" },
];

/// A command that Teams suggests.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Command {
    /// What is typed; at most 32 characters, which older clients take too.
    pub title: &'static str,
    /// What it is for; at most 128 characters, which older clients take too.
    pub description: &'static str,
}

impl Package {
    /// The manifest, ready to be written.
    pub(super) fn manifest(&self) -> impl Serialize {
        let Developer { name, website, privacy, terms } = &self.developer;
        Manifest {
            schema: SCHEMA,
            schema_version: SCHEMA_VERSION,
            version: &self.version,
            id: &self.app_id,
            developer: Publisher {
                name,
                website_url: website,
                privacy_url: privacy,
                terms_of_use_url: terms,
            },
            name: ShortAndFull {
                short: &self.name,
                full: Cow::Owned(format!("{}: your notifications in Teams", self.name)),
            },
            description: DESCRIPTION,
            icons: Icons { color: COLOR_ICON, outline: OUTLINE_ICON },
            accent_color: icons::GROUND,
            bots: [self.bot()],
            permissions: ["identity", "messageTeamMembers"],
            valid_domains: self.origin.iter().filter_map(Origin::host).collect(),
            web_application_info: WebApplicationInfo {
                id: &self.app_id,
                resource: format!("api://{}", self.app_id),
            },
            supports_channel_features: "tier1",
        }
    }

    fn bot(&self) -> Bot<'_> {
        Bot {
            id: &self.app_id,
            scopes: ["personal", "team", "groupChat"],
            supports_targeted_messages: true,
            command_lists: [
                // Where others read along, a slash command is private, a mention is not. What we
                // answer is private either way.
                CommandList {
                    triggers: &["slash", "mention"],
                    scopes: &["team", "groupChat"],
                    commands: COMMANDS,
                },
                CommandList { triggers: &["mention"], scopes: &["personal"], commands: COMMANDS },
            ],
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "manifestVersion")]
    schema_version: &'static str,
    version: &'a Version,
    id: &'a AppId,
    developer: Publisher<'a>,
    name: ShortAndFull<'a>,
    description: ShortAndFull<'static>,
    icons: Icons,
    accent_color: &'static str,
    bots: [Bot<'a>; 1],
    permissions: [&'static str; 2],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    valid_domains: Vec<&'a str>,
    web_application_info: WebApplicationInfo<'a>,
    /// Shared and private channels too, as far as there is a tier for it.
    supports_channel_features: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Publisher<'a> {
    name: &'a DeveloperName,
    website_url: &'a WebPage,
    privacy_url: &'a WebPage,
    terms_of_use_url: &'a WebPage,
}

/// A name of at most 30 and 100 characters, or a description of at most 80 and 4000.
#[derive(Serialize)]
struct ShortAndFull<'a> {
    short: &'a str,
    full: Cow<'a, str>,
}

#[derive(Serialize)]
struct Icons {
    color: &'static str,
    outline: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bot<'a> {
    #[serde(rename = "botId")]
    id: &'a AppId,
    scopes: [&'static str; 3],
    /// Without it the bot is not sent slash commands.
    supports_targeted_messages: bool,
    command_lists: [CommandList; 2],
}

#[derive(Serialize)]
struct CommandList {
    triggers: &'static [&'static str],
    scopes: &'static [&'static str],
    commands: &'static [Command],
}

/// The Entra application again. Without it Microsoft Graph does not let the app be installed for
/// its users, which is what Novu does when they sign in (Microsoft Graph: proactive installation).
#[derive(Serialize)]
struct WebApplicationInfo<'a> {
    id: &'a AppId,
    resource: String,
}
