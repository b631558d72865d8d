//! Every kind of activity that Teams sends: what it is answered with, and who is written to.

use std::time::Duration;

use connect_sandbox::teams::{Conversation, Inbound, Person, Role};
use serde_json::json;

use crate::bot::teams::{ACME, ADA, ALAN, CHANNEL, GRACE, GROUP, TeamsBot, member};

/// A chat with a guest of a meeting in it, who has no account.
const MEETING: &str = "19:meeting@thread.v2";
const ANONYMOUS: &str = "oid-anonymous";

/// What is expected of one activity.
struct Case {
    name: &'static str,
    inbound: Inbound,
    status: u16,
    /// The reason under which it is counted, if it is refused.
    reason: Option<&'static str>,
    /// The messages: the conversation, and who alone sees it, where not everybody there does.
    messages: Vec<(String, Option<&'static str>)>,
    /// For whom a link is minted.
    minted: Option<&'static str>,
}

impl Case {
    /// It is acknowledged, and that is all.
    fn quiet(name: &'static str, inbound: Inbound) -> Self {
        Self { name, inbound, status: 200, reason: None, messages: Vec::new(), minted: None }
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn refused(self, status: u16, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self.status(status) }
    }

    /// One message comes of it.
    fn message(mut self, place: &str, only_for: Option<&'static str>) -> Self {
        self.messages.push((place.to_owned(), only_for));
        self
    }

    /// One link comes of it, for a person of Acme.
    fn mints(self, oid: &'static str) -> Self {
        Self { minted: Some(oid), ..self }
    }
}

async fn start() -> TeamsBot {
    let bot = TeamsBot::start().await;
    bot.teams.add_person(Person { role: Role::Anonymous, ..member(ANONYMOUS, "Somebody") });
    bot.teams.add_conversation(Conversation::group(ACME, "meeting", &[ANONYMOUS, ADA]));
    bot
}

/// Tells the bot all of this, one after the other.
async fn judge(bot: &TeamsBot, cases: Vec<Case>) {
    for Case { name, inbound, status, reason, messages, minted } in cases {
        // Enough for the pace of everybody and everything.
        bot.clock.advance(Duration::from_mins(1));
        bot.links_over().await;
        bot.forget();
        let before = bot.refused(reason.unwrap_or_default()).await;
        let reply = bot.deliver(inbound.signed()).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, ""), "{name}");
        let more = u64::from(reason.is_some());
        assert_eq!(bot.refused(reason.unwrap_or_default()).await, before + more, "{name}");
        bot.settled().await;
        assert_eq!(sent(bot), messages, "{name}");
        let subscribers: Vec<_> =
            bot.mints().iter().map(|mint| mint.json()["subscriberId"].clone()).collect();
        let expected: Vec<_> =
            minted.iter().map(|oid| json!(format!("teams:{ACME}:{oid}"))).collect();
        assert_eq!(subscribers, expected, "{name}");
    }
}

/// Where messages went, and who alone sees them.
fn sent(bot: &TeamsBot) -> Vec<(String, Option<&'static str>)> {
    let known = [ADA, GRACE, ALAN, ANONYMOUS];
    let reader = |oid: String| known.into_iter().find(|known| *known == oid).unwrap_or("nobody");
    let messages = bot.teams.messages().into_iter();
    messages
        .map(|message| {
            let place = message.conversation.split(';').next().unwrap_or_default().to_owned();
            (place, message.only_for.map(reader))
        })
        .collect()
}

#[tokio::test]
async fn what_people_write_is_answered_for_them_alone_and_what_they_change_is_not() {
    let bot = start().await;
    let teams = &bot.teams;
    let chat = teams.chat(ADA);
    let other = |kind: &str| teams.other(ADA, &chat, kind);
    judge(
        &bot,
        vec![
            Case::quiet("message", teams.message(ADA, &chat, "connect"))
                .message(&chat, None)
                .mints(ADA),
            Case::quiet("message in a group", teams.message(ADA, GROUP, "connect"))
                .message(GROUP, Some(ADA))
                .mints(ADA),
            Case::quiet("message in a channel", teams.message(GRACE, CHANNEL, "connect"))
                .message(CHANNEL, Some(GRACE))
                .mints(GRACE),
            Case::quiet("slash command", teams.slash_command(GRACE, GROUP, "connect"))
                .message(GROUP, Some(GRACE))
                .mints(GRACE),
            Case::quiet("edit", teams.edited(ADA, &chat, "connect")),
            Case::quiet("message taken back", other("messageDelete")),
            Case::quiet("reaction", other("messageReaction")),
            Case::quiet("typing", other("typing")),
            Case::quiet("event", other("event").with("/name", "application/vnd.microsoft.x")),
            Case::quiet("end", other("endOfConversation")),
            Case::quiet("yet to be invented", other("hologram").with("/text", "connect")),
            Case::quiet("no type", other("message").without("/type").with("/text", "connect")),
        ],
    )
    .await;
}

#[tokio::test]
async fn comings_and_goings_greet_nobody_but_the_one_who_installs_the_bot_for_themselves() {
    let bot = start().await;
    let teams = &bot.teams;
    let chat = teams.chat(ADA);
    let graces = teams.chat(GRACE);
    let me = teams.bot_id();
    let crowd: Vec<String> = (0..500).map(|number| format!("29:1somebody-{number}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let with_me: Vec<&str> = crowd.iter().copied().chain([me.as_str()]).collect();
    judge(
        &bot,
        vec![
            // Before the first greeting: a second one would not be sent in any case.
            Case::quiet("add-upgrade", teams.installation(ADA, &chat, "add-upgrade")),
            Case::quiet("remove", teams.installation(ADA, &chat, "remove")),
            Case::quiet("remove-upgrade", teams.installation(ADA, &chat, "remove-upgrade")),
            Case::quiet("left", teams.left(ADA, &chat, &[&me])),
            Case::quiet("add", teams.installation(ADA, &chat, "add")).message(&chat, None),
            Case::quiet("the same told otherwise", teams.joined(ADA, &chat, &[&me])),
            Case::quiet("joined", teams.joined(GRACE, &graces, &[&me])).message(&graces, None),
            Case::quiet("the same told otherwise", teams.installation(GRACE, &graces, "add")),
            Case::quiet("add to a group", teams.installation(ADA, GROUP, "add")),
            Case::quiet("add to a team", teams.installation(ADA, CHANNEL, "add")),
            Case::quiet("joined a team", teams.joined(ADA, CHANNEL, &[&me])),
            Case::quiet("500 join a group", teams.joined(ADA, GROUP, &crowd)),
            Case::quiet("500 join a team with the bot", teams.joined(ADA, CHANNEL, &with_me)),
            Case::quiet("500 leave", teams.left(ADA, GROUP, &crowd)),
            Case::quiet("500 leave with the bot", teams.left(ADA, CHANNEL, &with_me)),
            Case::quiet("nobody joins", teams.joined(ADA, GROUP, &[])),
        ],
    )
    .await;
}

#[tokio::test]
async fn invokes_that_are_not_served_are_told_so() {
    let bot = start().await;
    let chat = bot.teams.chat(ADA);
    let invoke = |name: &'static str| {
        let inbound = bot.teams.other(ADA, &chat, "invoke").with("/name", name);
        Case::quiet(name, inbound.with("/value", json!({"text": "connect"}))).status(501)
    };
    judge(
        &bot,
        vec![
            invoke("task/fetch"),
            invoke("task/submit"),
            invoke("composeExtension/query"),
            invoke("composeExtension/submitAction"),
            invoke("signin/verifyState"),
            invoke("signin/tokenExchange"),
            invoke("message/submitAction"),
            invoke("yet/toBeInvented"),
            invoke(""),
        ],
    )
    .await;
}

#[tokio::test]
async fn whose_tenant_or_account_is_not_told_for_certain_is_not_guessed() {
    let bot = start().await;
    let teams = &bot.teams;
    let ask = || teams.message(ADA, GROUP, "connect");
    let nameless = |inbound: Inbound| inbound.without("/from/aadObjectId");
    judge(
        &bot,
        vec![
            Case::quiet("another channel", ask().with("/channelId", "slack"))
                .refused(401, "channel"),
            Case::quiet("two tenants", ask().with("/conversation/tenantId", "tenant-other"))
                .refused(400, "two_tenants"),
            Case::quiet("two tenants the other way", ask().with("/channelData/tenant/id", "other"))
                .refused(400, "two_tenants"),
            Case::quiet(
                "no tenant",
                ask().without("/conversation/tenantId").without("/channelData/tenant"),
            )
            .refused(400, "no_tenant"),
            Case::quiet("tenant in one place", ask().without("/conversation/tenantId"))
                .message(GROUP, Some(ADA))
                .mints(ADA),
            Case::quiet("tenant in the other place", ask().without("/channelData/tenant"))
                .message(GROUP, Some(ADA))
                .mints(ADA),
            Case::quiet("nobody", ask().without("/from")).refused(400, "no_sender"),
            Case::quiet("nowhere", ask().without("/conversation/id"))
                .refused(400, "no_conversation"),
            Case::quiet("among the members", nameless(ask())).message(GROUP, Some(ADA)).mints(ADA),
            Case::quiet("without an account", teams.message(ANONYMOUS, MEETING, "connect"))
                .message(MEETING, Some(ANONYMOUS)),
            Case::quiet("not among the members", nameless(ask()).with("/from/id", "29:1stranger"))
                .message(GROUP, None),
        ],
    )
    .await;
    // Nobody could be told alone, so everybody reads how to open a chat, and nothing else.
    let note = bot.teams.messages().pop().unwrap();
    assert!(
        note.card().is_none() && note.text().contains("/l/chat/0/0?users=28:"),
        "{}",
        note.body
    );
}
