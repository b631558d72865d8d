//! The service with Microsoft Teams switched on, and what people in Teams do and see.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use connect_sandbox::Recorded;
use connect_sandbox::bot_connector::Fault;
use connect_sandbox::novu::{self, Integration, NewConnection};
use connect_sandbox::teams::{
    Conversation, Inbound, Message, Options, Person, Signed, Teams, Tenant, validate_reply,
};
use serde_json::Value;

use super::{Bot, ITSELF, Reply, Settings, Storage, clock, until};

pub(crate) const INTEGRATION: &str = "teams-main";
pub(crate) const CONNECTION: &str = "acme-teams";
pub(crate) const ACME: &str = "tenant-acme";
/// A member who reads English.
pub(crate) const ADA: &str = "oid-ada";
/// A member who reads German.
pub(crate) const GRACE: &str = "oid-grace";
/// A member who has no chat with the bot.
pub(crate) const ALAN: &str = "oid-alan";
/// A chat of all three.
pub(crate) const GROUP: &str = "19:lunch@thread.v2";
/// A channel of a team of all three.
pub(crate) const CHANNEL: &str = "19:general@thread.tacv2";
/// The bot's secret, and the certificate that it may have in place of it.
const SECRET: &str = "CONNECT_TEAMS__APP_SECRET";
const CERTIFICATE: &str = "CONNECT_TEAMS__APP_CERTIFICATE";
/// Turns personal pages on.
pub(crate) const PAGES: [(&str, &str); 1] = [("CONNECT_SERVER__PUBLIC_URL", ITSELF)];

/// A running service with Teams around it.
pub(crate) struct TeamsBot {
    pub(crate) teams: Arc<Teams>,
    bot: Bot,
}

impl Deref for TeamsBot {
    type Target = Bot;

    fn deref(&self) -> &Bot {
        &self.bot
    }
}

impl DerefMut for TeamsBot {
    fn deref_mut(&mut self) -> &mut Bot {
        &mut self.bot
    }
}

impl TeamsBot {
    /// One tenant that is connected, three members, a group and a channel, ready to serve.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`TeamsBot::start`], with these environment variables beside the usual ones.
    pub(crate) async fn start_with(more: &[(&str, &str)]) -> Self {
        let bot = Self::start_while(None, more).await;
        bot.ready().await;
        bot
    }

    /// As [`TeamsBot::start_with`], while the documents with the keys fail. Not ready yet.
    pub(crate) async fn start_while(keys: Option<Fault>, more: &[(&str, &str)]) -> Self {
        Self::start_among(|teams| teams.keys().fail(keys), more).await
    }

    /// As [`TeamsBot::start_with`], with its promises in this store. Not ready yet.
    pub(crate) async fn start_on(storage: Storage, more: &[(&str, &str)]) -> Self {
        Self::start_all(storage, |_| {}, more).await
    }

    /// As [`TeamsBot::start_with`], in a world that is changed before the service is there. Not ready
    /// yet.
    pub(crate) async fn start_among(change: impl FnOnce(&Teams), more: &[(&str, &str)]) -> Self {
        Self::start_all(Storage::any(), change, more).await
    }

    async fn start_all(
        storage: Storage,
        change: impl FnOnce(&Teams),
        more: &[(&str, &str)],
    ) -> Self {
        let clock = clock();
        let options =
            Options { app_secret: "teams~canary-client-secret".to_owned(), ..Options::default() };
        let teams = Teams::start(Arc::new(clock.clone()), options).await.unwrap();
        people(&teams);
        change(&teams);
        let options =
            novu::Options { entra_base: teams.url().to_owned(), ..novu::Options::default() };
        let settings = settings(&teams);
        let mut all: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if more.iter().any(|(name, _)| *name == CERTIFICATE) {
            all.retain(|(name, _)| *name != SECRET);
        }
        all.extend(more);
        let app = teams.options();
        let (id, secret, home) = (&app.app_id, &app.app_secret, &app.home_tenant);
        let known = |novu: &novu::Novu| {
            novu.add_integration(Integration::teams(INTEGRATION, id, secret, home));
            novu.add_connection(connection()).unwrap();
        };
        let mut bot = Bot::start_among(storage, clock, options, Vec::new(), known, &all).await;
        let teams = Arc::new(teams);
        bot.unread.push(Box::new({
            let teams = Arc::clone(&teams);
            move || teams.unread().iter().map(|message| message.body.to_string()).collect()
        }));
        Self { teams, bot }
    }

    /// Stops the service and starts another with the same surroundings.
    pub(crate) async fn restart(self, settings: Settings) -> Self {
        let Self { teams, bot } = self;
        Self { teams, bot: bot.restart(settings).await }
    }

    /// Sends a request to the path that Teams calls.
    pub(crate) async fn deliver(&self, request: Signed) -> Reply {
        self.post_sealed("/api/messages", request.headers, request.body).await
    }

    /// Sends a request to the path that Teams calls, and hangs up without an answer once `moment` has
    /// come.
    pub(crate) async fn deliver_and_hang_up(
        &self,
        request: Signed,
        moment: impl Future<Output = ()>,
    ) {
        let Signed { headers, body, .. } = request;
        self.post_sealed_and_hang_up("/api/messages", &headers, &body, moment).await;
    }

    /// Tells the bot something; it has to be acknowledged without a word.
    pub(crate) async fn tell(&self, inbound: &Inbound) {
        let reply = self.deliver(inbound.signed()).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    }

    /// Somebody writes to the bot in their own chat with it, or in another conversation.
    pub(crate) async fn say(&self, oid: &str, text: &str) {
        self.say_in(oid, &self.teams.chat(oid), text).await;
    }

    pub(crate) async fn say_in(&self, oid: &str, conversation: &str, text: &str) {
        self.tell(&self.teams.message(oid, conversation, text)).await;
    }

    /// Presses a button that calls the bot. Gives the card in the answer.
    pub(crate) async fn press(&self, oid: &str, message: &Message, title: &str) -> Value {
        let inbound = self.teams.press(oid, &message.id, title).unwrap();
        let reply = self.deliver(inbound.signed()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        validate_reply(&reply.json).unwrap();
        reply.json["value"].clone()
    }

    /// The newest message that somebody sees, once they see that many.
    #[track_caller]
    pub(crate) fn seen(&self, oid: &str, count: usize) -> impl Future<Output = Message> {
        let seen = until(async move || self.teams.seen_by(oid).len() >= count);
        async move {
            seen.await;
            let mut seen = self.teams.seen_by(oid);
            assert_eq!(seen.len(), count, "one answer for each question");
            seen.pop().unwrap()
        }
    }

    /// Asks in the own chat with the bot. Gives the answer.
    pub(crate) async fn ask(&self, oid: &str, text: &str) -> Message {
        let before = self.teams.seen_by(oid).len();
        self.say(oid, text).await;
        let answer = self.seen(oid, before + 1).await;
        self.settled().await;
        answer
    }

    /// The path of the conversations at the connector.
    pub(crate) fn conversations(&self) -> String {
        format!("/{}/v3/conversations", self.teams.options().region)
    }

    /// Forgets what was said and asked so far.
    pub(crate) fn forget(&self) {
        self.teams.clear_messages();
        self.teams.clear_requests();
        self.novu.clear_requests();
    }

    /// Waits until everything that was promised is done.
    pub(crate) async fn settled(&self) {
        until(async || self.metric("connect_promises_open").await == 0).await;
    }

    /// The requests for a token of the bot's so far, oldest first.
    pub(crate) fn token_requests(&self) -> Vec<Recorded> {
        let mut requests = self.teams.requests();
        requests.retain(|request| self.teams.token_url().ends_with(request.path()));
        requests
    }

    /// How often a request was refused for this reason.
    pub(crate) async fn refused(&self, reason: &str) -> u64 {
        let name = "connect_requests_refused_total{platform=\"teams\"";
        self.metric(&format!("{name},reason=\"{reason}\"}}")).await
    }

    /// How often an answer of Teams ended so.
    pub(crate) async fn delivered(&self, outcome: &str) -> u64 {
        let name = "connect_late_deliveries_total{platform=\"teams\"";
        self.metric(&format!("{name},outcome=\"{outcome}\"}}")).await
    }
}

/// The link that a card's button opens.
pub(crate) fn find_link(card: &Value) -> Option<String> {
    let actions = card["actions"].as_array()?;
    let button = actions.iter().find(|action| action["type"] == "Action.OpenUrl")?;
    button["url"].as_str().map(str::to_owned)
}

/// The link that a message's button opens.
#[track_caller]
pub(crate) fn link(message: &Message) -> String {
    find_link(message.card().unwrap()).unwrap_or_else(|| panic!("no link in {}", message.body))
}

/// Everything that a card says.
pub(crate) fn words(card: &Value) -> String {
    let lines = card["body"].as_array().unwrap().iter();
    lines.filter_map(|line| line["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// Everything that a message's card says.
#[track_caller]
pub(crate) fn said(message: &Message) -> String {
    words(message.card().unwrap())
}

/// A member with an address that sings, and is their user principal name as well.
pub(crate) fn member(oid: &str, name: &str) -> Person {
    let address = Some(format!("{oid}@canary.example"));
    Person { email: address.clone(), upn: address, ..Person::new(ACME, oid, name) }
}

fn people(teams: &Teams) {
    teams.add_tenant(Tenant::new(ACME, "Acme"));
    teams.add_person(member(ADA, "Ada Lovelace"));
    teams.add_person(Person { locale: "de-DE".to_owned(), ..member(GRACE, "Grace Hopper") });
    teams.add_person(Person { has_app: false, ..member(ALAN, "Alan Turing") });
    let all = [ADA, GRACE, ALAN];
    teams.add_conversation(Conversation::group(ACME, "lunch", &all));
    teams.add_conversation(Conversation::channel(ACME, "crew", "general", &all));
}

fn settings(teams: &Teams) -> [(&'static str, String); 8] {
    let app = teams.options();
    [
        ("CONNECT_TEAMS__APP_ID", app.app_id.clone()),
        (SECRET, app.app_secret.clone()),
        ("CONNECT_TEAMS__INTEGRATION", INTEGRATION.to_owned()),
        ("CONNECT_TEAMS__OPENID_METADATA_URL", teams.metadata_url().to_string()),
        ("CONNECT_TEAMS__TOKEN_URL", teams.token_url()),
        ("CONNECT_TEAMS__ISSUER", teams.issuer().to_owned()),
        ("CONNECT_TEAMS__LINK_HOSTS", "127.0.0.1".to_owned()),
        ("CONNECT_TEAMS__SERVICE_HOSTS", "127.0.0.1".to_owned()),
    ]
}

fn connection() -> NewConnection {
    NewConnection {
        identifier: CONNECTION.to_owned(),
        integration: INTEGRATION.to_owned(),
        workspace: novu::Workspace { id: ACME.to_owned(), ..novu::Workspace::default() },
        access_token: "app-only".to_owned(),
        ..NewConnection::default()
    }
}
