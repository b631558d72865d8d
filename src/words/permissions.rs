//! Why each permission is asked for.

use crate::core::Language;

/// Why a permission of a chat platform's is asked for, in a phrase.
#[must_use]
pub(crate) fn reason(language: Language, permission: &str) -> String {
    let key = match permission {
        "commands" => "scope-commands",
        "chat:write" => "scope-chat-write",
        "chat:write.public" => "scope-chat-write-public",
        "users:read" => "scope-users-read",
        "users:read.email" => "scope-users-read-email",
        "channels:read" | "groups:read" => "scope-channels-read",
        "AppCatalog.Read.All" => "scope-app-catalog",
        "TeamsAppInstallation.ReadWriteSelfForUser.All" => "scope-app-installation",
        "User.Read" => "scope-user-read",
        _ => "scope-other",
    };
    language.say(key, &[])
}
