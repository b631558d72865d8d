//! Situations in which somebody asks for a link, and where the way to it ends in each.

use connect_sandbox::novu::{NewConnection, NewEndpoint, Profile};
use connect_sandbox::slack::User;
use connect_sandbox::{Effect, Fault, Route};

use super::{CHAIN, CREATE, ENDPOINTS};
use crate::bot::{ADA, BOT_TOKEN, Bot, CONNECTION, INTEGRATION, TEAM, connection, email, member};

const WEBHOOK: (&str, &str) =
    ("CONNECT_IDENTITY__WEBHOOK_SECRET", "canary-webhook-secret-of-32-chars");
/// The port of the discard protocol, where nobody answers.
const NOBODY: (&str, &str) = ("CONNECT_IDENTITY__WEBHOOK_URL", "http://127.0.0.1:9/");

/// One situation, and what is said of Ada in it.
pub(super) struct Situation {
    pub(super) name: &'static str,
    pub(super) settings: &'static [(&'static str, &'static str)],
    /// What is different from a workspace that is connected, with two members.
    pub(super) world: fn(&Bot),
    /// The step at which the way ends, what `/connect` would answer, and the code.
    pub(super) ends: [&'static str; 3],
    /// What each resolver says.
    pub(super) chain: &'static [&'static str],
}

const NORMAL: Situation = Situation {
    name: "",
    settings: &[],
    world: |_| {},
    ends: ["mint", "link", ""],
    chain: &["template found"],
};

const EMAIL: &[(&str, &str)] = &[(CHAIN, "email,template")];

fn is(user: User) -> impl Fn(&Bot) {
    move |bot| bot.slack.add_user(user.clone())
}

pub(super) fn linked_over(bot: &Bot, connection: &str, subscriber: &str) {
    bot.novu.add_subscriber(subscriber, Profile::default());
    let new = NewEndpoint::slack_user(INTEGRATION, connection, subscriber, ADA);
    bot.novu.add_endpoint(new).unwrap();
}

fn own() -> String {
    format!("slack:{TEAM}:{ADA}")
}

/// The workspace and the account.
pub(super) fn of_accounts() -> Vec<Situation> {
    vec![
        Situation { name: "nothing is wrong", ..NORMAL },
        Situation {
            name: "the key is wrong",
            settings: &[("CONNECT_NOVU__API_KEY", "another-key")],
            ends: ["workspace", "refused", "C-NOVU-KEY"],
            chain: &["template not_asked"],
            ..NORMAL
        },
        Situation {
            name: "no such integration",
            settings: &[("CONNECT_SLACK__INTEGRATION", "another")],
            ends: ["workspace", "refused", "C-NOVU-INTEGRATION"],
            chain: &["template not_asked"],
            ..NORMAL
        },
        Situation {
            name: "deactivated",
            world: |bot| is(User { deleted: true, ..member(ADA, "Ada") })(bot),
            ends: ["account", "refused", "C-DEACTIVATED"],
            ..NORMAL
        },
        Situation {
            name: "a bot",
            world: |bot| is(User { is_bot: true, ..member(ADA, "Ada") })(bot),
            ends: ["account", "refused", "C-BOT"],
            ..NORMAL
        },
        Situation {
            name: "of another organisation",
            world: |bot| is(User { is_stranger: true, ..member(ADA, "Ada") })(bot),
            ends: ["account", "refused", "C-EXTERNAL"],
            ..NORMAL
        },
        Situation {
            name: "the token may not look people up",
            world: |bot| bot.slack.set_scopes(TEAM, &["commands", "chat:write"]),
            ends: ["account", "refused", "C-PROFILE"],
            ..NORMAL
        },
        Situation {
            name: "the token is dead",
            world: |bot| bot.slack.kill_token(BOT_TOKEN, "token_revoked"),
            ends: ["account", "refused", "C-PROFILE"],
            settings: EMAIL,
            chain: &["email cannot_tell", "template not_asked"],
        },
    ]
}

/// Who the person is to the chain.
pub(super) fn of_identity() -> Vec<Situation> {
    vec![
        Situation {
            name: "found by their address",
            settings: EMAIL,
            world: |bot| bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA))),
            chain: &["email found", "template not_asked"],
            ..NORMAL
        },
        Situation {
            name: "nobody has their address",
            settings: &[(CHAIN, "email")],
            ends: ["identity", "refused", "C-EMAIL-UNKNOWN"],
            chain: &["email not_mine"],
            ..NORMAL
        },
        Situation {
            name: "a guest",
            settings: EMAIL,
            world: |bot| is(User { is_restricted: true, ..member(ADA, "Ada") })(bot),
            chain: &["email not_mine", "template found"],
            ..NORMAL
        },
        Situation {
            name: "the address is not confirmed",
            settings: EMAIL,
            world: |bot| is(User { is_email_confirmed: false, ..member(ADA, "Ada") })(bot),
            ends: ["identity", "refused", "C-EMAIL-UNCONFIRMED"],
            chain: &["email refuse", "template not_asked"],
        },
        Situation {
            name: "two have the address",
            settings: EMAIL,
            world: |bot| {
                for id in ["ada", "also-ada"] {
                    bot.novu.add_subscriber(id, Profile::with_email(&email(ADA)));
                }
            },
            ends: ["identity", "refused", "C-EMAIL-AMBIGUOUS"],
            chain: &["email refuse", "template not_asked"],
        },
        Situation {
            name: "the token may not see addresses",
            settings: EMAIL,
            world: |bot| bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read"]),
            ends: ["identity", "refused", "C-EMAIL-MISSING"],
            chain: &["email cannot_tell", "template not_asked"],
        },
        Situation {
            name: "the domain does not count",
            settings: &[
                (CHAIN, "email,template"),
                ("CONNECT_IDENTITY__EMAIL_DOMAINS", "T0ACME=other.example"),
            ],
            ends: ["identity", "refused", "C-EMAIL-DOMAIN"],
            chain: &["email refuse", "template not_asked"],
            ..NORMAL
        },
        Situation {
            name: "the webhook is down",
            settings: &[(CHAIN, "webhook,template"), WEBHOOK, NOBODY],
            ends: ["identity", "refused", "C-WEBHOOK-DOWN"],
            chain: &["webhook cannot_tell", "template not_asked"],
            ..NORMAL
        },
    ]
}

/// What there is of the person in Novu.
pub(super) fn of_links() -> Vec<Situation> {
    vec![
        Situation {
            name: "Novu makes no sense",
            world: |bot| bot.novu.fault(Fault::new(Route::get(ENDPOINTS), Effect::WrongShape)),
            ends: ["endpoints", "refused", "C-NOVU-ANSWER"],
            ..NORMAL
        },
        Situation {
            name: "connections in different contexts",
            world: |bot| bot.connect_workspace_in_context("acme-eu", TEAM, &["tenant:eu"]),
            ends: ["connection", "refused", "C-CONTEXT"],
            ..NORMAL
        },
        Situation {
            name: "connections in different contexts, one of them preferred",
            settings: &[("CONNECT_SLACK__CONNECTION", "acme-eu")],
            world: |bot| bot.connect_workspace_in_context("acme-eu", TEAM, &["tenant:eu"]),
            ..NORMAL
        },
        Situation {
            name: "connected",
            world: |bot| linked_over(bot, CONNECTION, &own()),
            ends: ["link", "already_connected", ""],
            ..NORMAL
        },
        Situation {
            name: "linked over another workspace's connection",
            world: |bot| {
                let old = NewConnection { ..connection("old", "T0OLD", &[]) };
                bot.novu.add_connection(old).unwrap();
                linked_over(bot, "old", &own());
            },
            ends: ["link", "refused", "C-LINKED-ELSEWHERE"],
            ..NORMAL
        },
        Situation {
            name: "another subscriber has the account, and nobody knows yet",
            world: |bot| linked_over(bot, CONNECTION, "phantom"),
            ends: ["holder", "refused", "C-HELD"],
            ..NORMAL
        },
        Situation {
            name: "nobody may be created",
            settings: &[(CREATE, "")],
            ends: ["subscriber", "refused", "C-SUBSCRIBER"],
            ..NORMAL
        },
    ]
}
