//! In Teams: anybody of the tenant asks, Entra lets its administrators alone consent, and whoever is listed
//! sees and changes it.

use std::time::Duration;

use connect_sandbox::novu::{Integration, NewConnection, Workspace};
use connect_sandbox::teams::{Message, Person, Role, Teams, Tenant};
use connect_sandbox::{Browser, Page};
use serde_json::json;

use super::{A_SIGN_INS_LIFE, CONTEXT, Everything, MINT, PAGES};
use crate::bot::teams::{ACME, ADA, INTEGRATION, TeamsBot, link, said};

/// A tenant that is not connected.
const TENANT: &str = "7e4a0000-0000-4000-8000-00000000beef";
const CONNECTION: &str = "teams-main-7e4a0000-0000-4000-8000-00000000beef";
/// A member, who reads English.
const MIA: &str = "7e4a0000-0000-4000-8000-0000000000a1";
/// A member, who reads German and is listed.
const OTTO: &str = "7e4a0000-0000-4000-8000-0000000000a2";
/// Whom Entra lets consent.
const OLGA: &str = "7e4a0000-0000-4000-8000-0000000000a3";
const LISTED: (&str, &str) = ("CONNECT_TEAMS__ADMINISTRATORS", OTTO);
const CONTINUE: &str = "Continue to Microsoft";

fn tenant(teams: &Teams) {
    teams.add_tenant(Tenant { consented: false, ..Tenant::new(TENANT, "Globex") });
    let person = |oid, name| {
        let email = Some(format!("{oid}@canary.example"));
        Person { upn: email.clone(), email, ..Person::new(TENANT, oid, name) }
    };
    teams.add_person(person(MIA, "Mia Moss"));
    teams.add_person(Person { locale: "de-DE".to_owned(), ..person(OTTO, "Otto Ott") });
    teams.add_person(Person { is_admin: true, ..person(OLGA, "Olga Owens") });
}

async fn start(more: &[(&str, &str)]) -> TeamsBot {
    let settings = [&[PAGES, CONTEXT, LISTED], more].concat();
    let bot = TeamsBot::start_among(tenant, &settings).await;
    let app = bot.teams.options();
    let known = Integration::teams(INTEGRATION, &app.app_id, &app.app_secret, &app.home_tenant);
    let redirect_url = Some(format!("{}/linked/teams", bot.url));
    bot.novu.add_integration(Integration { redirect_url, ..known });
    bot.ready().await;
    bot
}

impl TeamsBot {
    /// Asks in the own chat with the bot, while time goes on. Gives the answer.
    async fn asks(&self, oid: &str, text: &str) -> Message {
        let before = self.teams.seen_by(oid).len();
        self.say(oid, text).await;
        self.until_later(async || {
            self.teams.seen_by(oid).len() > before
                && self.metric("connect_promises_open").await == 0
        })
        .await;
        self.teams.seen_by(oid).pop().unwrap()
    }

    /// Presses a button, while time goes on. Gives what is there then.
    async fn presses(&self, oid: &str, message: &Message, title: &str) -> Message {
        self.press(oid, message, title).await;
        self.until_later(async || self.metric("connect_promises_open").await == 0).await;
        self.teams.seen_by(oid).pop().unwrap()
    }

    /// Waits, while time goes on, until the message that somebody sees says this. Gives it.
    async fn until_reads(&self, oid: &str, message: &Message, words: &str) -> Message {
        let now = || self.teams.seen_by(oid).into_iter().find(|it| it.id == message.id);
        let step = Duration::from_secs(1);
        self.until_later_by(step, async || now().is_some_and(|it| said(&it).contains(words))).await;
        now().unwrap()
    }
}

async fn go_on(browser: &Browser, page: &str) -> Page {
    let page = browser.open(page).await.unwrap();
    browser.press(&page, CONTINUE).await.unwrap()
}

#[tokio::test]
async fn anybody_asks_and_the_consent_of_an_administrator_connects_the_tenant() {
    for (asker, words, texts) in [
        (
            MIA,
            "connect workspace",
            ["Connect this workspace to your", "is connected.", "Its people can connect their own"],
        ),
        (
            OTTO,
            "Mandant verbinden",
            ["Verbinde diesen Workspace mit", "ist verbunden.", "Alle dort können jetzt ihr"],
        ),
    ] {
        let bot = start(&[]).await;
        let before = Everything::of(&bot);
        let asked = bot.asks(asker, words).await;
        assert!(said(&asked).contains(texts[0]), "{}", said(&asked));
        let page = link(&asked);
        bot.novu.clear_requests();
        bot.teams.clear_requests();
        let browser = Browser::new().unwrap();
        let shown = browser.open(&page).await.unwrap();
        let permissions = ["AppCatalog.Read.All", "TeamsAppInstallation.ReadWriteSelfForUser.All"];
        for part in permissions.into_iter().chain([TENANT, "tenant:7e4a0000-0000"]) {
            assert!(shown.body.contains(part), "{part} in {}", shown.body);
        }
        assert!(bot.novu.requests().is_empty() && bot.teams.requests().is_empty());

        let consent = browser.press(&shown, CONTINUE).await.unwrap();
        assert!(consent.url.path().ends_with("/adminconsent"), "{}", consent.url);
        assert_eq!(consent.url.query_pairs().filter(|(name, _)| name == "team").count(), 0);
        assert_eq!(
            bot.connect_mints(),
            [json!({
                "integrationIdentifier": INTEGRATION,
                "connectionIdentifier": CONNECTION,
                "context": { "tenant": TENANT },
                "connectionMode": "shared",
                "autoLinkUser": false,
            })]
        );
        let landed = browser.press(&consent, OLGA).await.unwrap();
        assert_eq!(landed.url.as_str(), format!("{}/linked/teams", bot.url));
        let last = bot.until_reads(asker, &asked, texts[1]).await;
        assert!(said(&last).contains(texts[2]), "{}", said(&last));
        assert!(bot.teams.has_consented(TENANT));
        let mut after = Everything::of(&bot);
        let ours = after.connections.iter().position(|it| it.identifier == CONNECTION).unwrap();
        let ours = after.connections.remove(ours);
        assert_eq!((ours.workspace.id.as_str(), ours.access_token.as_str()), (TENANT, "app-only"));
        assert_eq!(after, before);

        let page = browser.open(&link(&bot.asks(OLGA, "connect").await)).await.unwrap();
        let sign_in = browser.press(&page, "Continue to sign in").await.unwrap();
        let done = browser.press(&sign_in, OLGA).await.unwrap();
        assert_eq!(done.status, 200, "{}", done.body);
        let endpoint = bot.novu.endpoints().pop().unwrap();
        assert_eq!(endpoint.connection_identifier.as_deref(), Some(CONNECTION));
        bot.links_over().await;
        bot.forget();
    }
}

#[tokio::test]
async fn listed_people_see_check_and_disconnect_and_others_do_not() {
    let bot = start(&[]).await;
    let known = NewConnection {
        identifier: CONNECTION.to_owned(),
        integration: INTEGRATION.to_owned(),
        workspace: Workspace { id: TENANT.to_owned(), ..Workspace::default() },
        access_token: "app-only".to_owned(),
        context_keys: vec![format!("tenant:{TENANT}")],
        ..NewConnection::default()
    };
    bot.novu.add_connection(known).unwrap();
    let before = Everything::of(&bot);
    for (oid, text, code) in [
        (MIA, "connect workspace", "C-CONNECTED"),
        (MIA, "workspace show", "C-NOT-ADMIN"),
        (OLGA, "workspace check", "C-NOT-ADMIN"),
        (MIA, "disconnect workspace", "C-NOT-ADMIN"),
        (MIA, "workspace reconnect", "C-NOT-ADMIN"),
        // Entra's consent is given once, and Novu would answer 409 to a second one.
        (OTTO, "workspace reconnect", "C-CONSENTED"),
        // Of another tenant, and not listed.
        (ADA, "disconnect workspace", "C-NOT-ADMIN"),
    ] {
        let answer = bot.asks(oid, text).await;
        assert!(said(&answer).contains(code), "{text}: {}", said(&answer));
        bot.clock.advance(Duration::from_secs(10));
    }
    let shown = bot.asks(OTTO, "workspace verbinden").await;
    assert!(said(&shown).contains("ist verbunden"), "{}", said(&shown));
    let labels: Vec<_> = shown.actions().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(labels, ["Prüfen", "Workspace trennen"]);
    assert_eq!(Everything::of(&bot), before);

    let checked = bot.presses(OTTO, &shown, "Prüfen").await;
    assert!(said(&checked).contains("Sie funktioniert."), "{}", said(&checked));
    let wanted = bot.presses(OTTO, &checked, "Workspace trennen").await;
    assert!(said(&wanted).contains("Möchtest du"), "{}", said(&wanted));
    assert_eq!(Everything::of(&bot), before, "asking changes nothing");
    let pressed = bot.presses(OTTO, &wanted, "Trennen, Konten behalten").await;
    bot.until_reads(OTTO, &pressed, "ist nicht mehr verbunden.").await;
    assert!(bot.novu.connections().iter().all(|it| it.identifier != CONNECTION));
    assert!(bot.novu.connections().iter().any(|it| it.workspace.id == ACME));
    bot.forget();
}

#[tokio::test]
async fn guests_may_not_even_ask() {
    let bot = start(&[]).await;
    let guest = Person::guest(TENANT, "7e4a0000-0000-4000-8000-0000000000a9", "Gus", ACME, ADA);
    assert!(matches!(guest.role, Role::Guest { .. }));
    let (oid, email) = (guest.oid.clone(), Some("gus@canary.example".to_owned()));
    bot.teams.add_person(Person { email, ..guest });
    let answer = bot.asks(&oid, "connect workspace").await;
    assert!(said(&answer).contains("C-NOT-ADMIN"), "{}", said(&answer));
    bot.forget();
}

#[tokio::test]
async fn whoever_is_no_administrator_of_entra_connects_nothing() {
    let bot = start(&[]).await;
    let before = Everything::of(&bot);
    let asked = bot.asks(MIA, "connect workspace").await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &link(&asked)).await;
    let refused = browser.press(&consent, MIA).await.unwrap();
    assert!(refused.body.contains("AADSTS90094"), "{}", refused.body);
    bot.clock.advance(A_SIGN_INS_LIFE);
    let last = bot.until_reads(MIA, &asked, "nobody finished the sign-in in time").await;
    let labels: Vec<_> = last.actions().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(labels, ["Connect the workspace"]);
    assert_eq!(Everything::of(&bot), before);
    assert!(!bot.teams.has_consented(TENANT));
    bot.forget();
}

#[tokio::test]
async fn of_two_who_consent_the_second_meets_novus_refusal_and_both_read_the_truth() {
    let bot = start(&[]).await;
    let (browser, other) = (Browser::new().unwrap(), Browser::new().unwrap());
    let first = bot.asks(MIA, "connect workspace").await;
    let second = bot.asks(OTTO, "connect workspace").await;
    let consent = go_on(&browser, &link(&first)).await;
    let again = go_on(&other, &link(&second)).await;
    browser.press(&consent, OLGA).await.unwrap();
    let refused = other.press(&again, OLGA).await.unwrap();
    assert_eq!(refused.status, 409, "{}", refused.body);
    bot.until_reads(MIA, &first, "is connected.").await;
    bot.until_reads(OTTO, &second, "ist verbunden.").await;
    let there = bot.novu.connections();
    assert_eq!(there.iter().filter(|it| it.workspace.id == TENANT).count(), 1);
    bot.forget();
}

#[tokio::test]
async fn a_page_that_nobody_used_for_a_day_says_so_and_so_does_the_message() {
    let bot = start(&[]).await;
    let before = Everything::of(&bot);
    let asked = bot.asks(MIA, "connect workspace").await;
    let page = link(&asked);
    bot.clock.advance(Duration::from_hours(24));
    let browser = Browser::new().unwrap();
    let over = browser.open(&page).await.unwrap();
    assert_eq!(over.status, 410);
    assert!(over.body.contains("Ask for a new page"), "{}", over.body);
    let path = page.strip_prefix(&bot.url).unwrap();
    assert_eq!(bot.method("POST", path).await, 410);
    bot.until_reads(MIA, &asked, "can no longer be used").await;
    assert_eq!(Everything::of(&bot), before);
    assert_eq!(bot.novu.requests().iter().filter(|it| it.path() == MINT).count(), 0);
    bot.forget();
}

#[tokio::test]
async fn only_tenants_that_the_operator_allows_can_be_connected() {
    let other = ("CONNECT_TEAMS__TENANTS", "7e4a0000-0000-4000-8000-00000000dead");
    let bot = start(&[other]).await;
    let refused = bot.asks(MIA, "connect workspace").await;
    assert!(said(&refused).contains("C-NOT-ALLOWED"), "{}", said(&refused));
    assert_eq!(bot.novu.requests().iter().filter(|it| it.path() == MINT).count(), 0);
    bot.forget();
}
