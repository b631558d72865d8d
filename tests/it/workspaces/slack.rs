//! In Slack: who may, the page, the consent, and the first member who connects.

use std::time::Duration;

use connect_sandbox::Browser;
use connect_sandbox::slack::User;
use reqwest::header::{LOCATION, SET_COOKIE};
use serde_json::json;

use super::{
    ADA, CONNECTED, CONTINUE, Everything, GLOBEX, ITS_CONNECTION, MIA, OLGA, PAGES, USUAL,
    assert_labels, go_on, page_of,
};
use crate::bot::{BOT_TOKEN, Bot, CONNECTION, GRACE, INTEGRATION, TEAM, member};

#[tokio::test]
async fn an_administrator_connects_a_workspace_and_a_member_connects_right_afterwards() {
    let bot = Bot::beside_globex(&USUAL).await;
    assert_eq!(bot.send(bot.in_globex(MIA, "")).await.code(), "C-WORKSPACE");
    let before = Everything::of(&bot);
    let asked = bot.types_in_globex(OLGA, "connect workspace").await;
    assert!(asked.text().contains("Connect this workspace to your notification service."));
    assert_labels(&asked, &["Open the page"]);
    let page = page_of(&asked);
    bot.novu.clear_requests();
    bot.slack.clear_requests();

    // Looking changes nothing and calls nobody, however often.
    let browser = Browser::new().unwrap();
    for _ in 0..20 {
        browser.open(&page).await.unwrap();
    }
    let shown = browser.open(&page).await.unwrap();
    for words in [GLOBEX, "Asked for by", OLGA, "tenant:T0GLOBEX", "commands", "chat:write"] {
        assert!(shown.body.contains(words), "{words} in {}", shown.body);
    }
    assert!(!shown.body.contains("<textarea"), "{}", shown.body);
    assert!(bot.novu.requests().is_empty() && bot.slack.requests().is_empty());

    let consent = browser.press(&shown, CONTINUE).await.unwrap();
    let query = |name: &str| {
        let mut pairs = consent.url.query_pairs();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    assert_eq!(query("team").as_deref(), Some(GLOBEX));
    let scopes = "chat:write,commands,users:read,users:read.email";
    assert_eq!(query("scope").as_deref(), Some(scopes));
    assert_eq!(
        bot.connect_mints(),
        [json!({
            "integrationIdentifier": INTEGRATION,
            "connectionIdentifier": ITS_CONNECTION,
            "context": { "tenant": GLOBEX },
            "scope": scopes.split(',').collect::<Vec<_>>(),
            "connectionMode": "shared",
            "autoLinkUser": false,
        })]
    );
    let landed = browser.press(&consent, OLGA).await.unwrap();
    assert_eq!(landed.url.as_str(), format!("{}/linked/slack", bot.url));
    let last = bot.until_says(&asked, CONNECTED).await;
    assert!(last.text().contains("Its people can connect their own accounts now."));
    assert!(!last.text().contains("did not come back"), "{}", last.text());
    assert_labels(&last, &["Check"]);
    assert!(browser.open(&page).await.unwrap().body.contains(CONNECTED));

    let connections = bot.novu.connections();
    let ours = connections.iter().find(|it| it.identifier == ITS_CONNECTION).unwrap();
    assert_eq!((ours.workspace.id.as_str(), &ours.subscriber_id), (GLOBEX, &None));
    assert_eq!(ours.context_keys, ["tenant:T0GLOBEX"]);
    assert_eq!(Everything::of(&bot).but_ours(), before);

    let link = bot.send(bot.in_globex(MIA, "")).await.link();
    let page = Browser::new().unwrap().approve(&link, MIA).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    let endpoint = bot.novu.endpoints().pop().unwrap();
    assert_eq!(endpoint.connection_identifier.as_deref(), Some(ITS_CONNECTION));
    assert_eq!(endpoint.context_keys, ["tenant:T0GLOBEX"]);
    bot.links_over().await;
    bot.slack.clear_messages();

    // By now Slack says who is an administrator, and nobody else counts.
    let checked = bot.press(OLGA, &last, "Check").await;
    for words in ["It works.", "Links over it: 1."] {
        assert!(checked.text().contains(words), "{words} in {}", checked.text());
    }
    bot.slack.add_user(User { team_id: GLOBEX.to_owned(), ..member(OLGA, "Olga Owens") });
    let refused = bot.press(OLGA, &checked, "Check").await;
    assert!(refused.text().contains("C-NOT-ADMIN"), "{}", refused.text());
}

#[tokio::test]
async fn the_first_workspace_of_all_is_connected_through_a_service_that_is_ready() {
    let bot = Bot::beside_globex(&USUAL).await;
    bot.novu.remove_connection(CONNECTION);
    let settings = bot.settings();
    let bot = bot.restart(settings).await;
    bot.ready().await;
    assert_eq!(bot.warnings().await, ["no_connections"]);
    bot.lead_back();
    let asked = bot.types_in_globex(OLGA, "connect workspace").await;
    // Nothing tells of Slack's administrators yet, and that keeps nobody out either.
    bot.ready().await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page_of(&asked)).await;
    browser.press(&consent, OLGA).await.unwrap();
    bot.until_says(&asked, CONNECTED).await;
    bot.send(bot.in_globex(MIA, "")).await.link();
    assert_eq!(bot.warnings().await, [""; 0]);
}

#[tokio::test]
async fn the_press_binds_the_page_to_the_browser_and_leads_on_with_a_get() {
    let bot = Bot::beside_globex(&USUAL).await;
    let page = page_of(&bot.types_in_globex(OLGA, "workspace").await);
    let client = novu_connect_bot::net::client().unwrap();
    let pressed = client.post(&page).send().await.unwrap();
    assert_eq!(pressed.status(), 303);
    let location = pressed.headers()[LOCATION].to_str().unwrap();
    assert!(location.starts_with(bot.slack.url()), "{location}");
    let cookie = pressed.headers()[SET_COOKIE].to_str().unwrap();
    for part in ["workspace=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=900"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    // Whoever has begun can begin again; it is the same browser then.
    let value = cookie.split(';').next().unwrap();
    let again = client.post(&page).header("cookie", value).send().await.unwrap();
    assert_eq!(again.status(), 303);
    assert!(again.headers()[SET_COOKIE].to_str().unwrap().starts_with(value));
}

#[tokio::test]
async fn an_administrator_of_a_connected_workspace_sees_checks_and_reconnects_it_in_german() {
    let bot = Bot::start_with(&USUAL).await;
    bot.connect_acme();
    let german = Some("de-DE".to_owned());
    bot.slack.add_user(User { is_owner: true, locale: german, ..member(GRACE, "Grace Hopper") });
    bot.ready().await;
    let shown = bot.command_shown(GRACE, "workspace verbinden").await;
    for words in ["Acme ist verbunden (seit", "Der Kontext ist tenant:T0ACME."] {
        assert!(shown.text().contains(words), "{words} in {}", shown.text());
    }
    assert_labels(&shown, &["Prüfen", "Neu verbinden", "Workspace trennen"]);
    let checked = bot.press(GRACE, &shown, "Prüfen").await;
    assert!(checked.text().contains("Sie funktioniert."), "{}", checked.text());
    let asked = bot.press(GRACE, &checked, "Neu verbinden").await;
    assert!(asked.text().contains("Verbinde Acme neu"), "{}", asked.text());
    bot.clock.advance(Duration::from_secs(1));
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page_of(&asked)).await;
    browser.press(&consent, GRACE).await.unwrap();
    let last = bot.until_says(&asked, "Acme ist verbunden.").await;
    assert!(last.text().contains("Alle dort können jetzt ihr"), "{}", last.text());

    // Once Slack cannot say who is one, whoever connected it may still see what is wrong.
    bot.slack.kill_token(BOT_TOKEN, "token_revoked");
    let dead = bot.press(GRACE, &last, "Prüfen").await;
    assert!(dead.text().contains("token_revoked"), "{}", dead.text());
    assert_eq!(bot.command(ADA, "workspace check").await.code(), "C-NOT-ADMIN");
}

#[tokio::test]
async fn nobody_but_an_administrator_of_the_workspace_gets_anything() {
    let bot = Bot::beside_globex(&USUAL).await;
    bot.connect_acme();
    let guest = User { is_restricted: true, is_admin: true, ..member("U0GUEST", "Gus Guest") };
    bot.slack.add_user(guest);
    bot.slack.add_user(User { is_owner: true, ..member("U0OWNER", "Otto Owner") });
    let before = Everything::of(&bot);
    let acts = [
        "connect workspace",
        "workspace show",
        "workspace check",
        "workspace reconnect",
        "disconnect workspace",
    ];
    for act in acts {
        for user in [GRACE, "U0GUEST"] {
            let reply = bot.command(user, act).await;
            assert_eq!(reply.code(), "C-NOT-ADMIN", "{user} {act}: {}", reply.text());
        }
        assert_eq!(bot.send(bot.in_globex(MIA, act)).await.code(), "C-NOT-ADMIN", "{act}");
        bot.clock.advance(Duration::from_secs(30));
    }
    // An owner is one, and another workspace's administrator has their own workspace alone.
    let shown = bot.command_shown("U0OWNER", "workspace show").await;
    assert!(shown.text().contains("Acme is connected"), "{}", shown.text());
    let asked = bot.command_shown(ADA, "disconnect workspace").await;
    let shared = bot.slack.share(&asked, "C0SHARED");
    for label in ["Disconnect, keep links", "Disconnect, remove links"] {
        let foreign = bot.press(OLGA, &shared, label).await;
        assert!(foreign.text().contains("C-WORKSPACE"), "{}", foreign.text());
    }
    assert_eq!(Everything::of(&bot), before);
    assert!(bot.novu.connections().iter().any(|it| it.identifier == CONNECTION));
    assert_eq!(bot.connect_mints().len(), 0);
}

#[tokio::test]
async fn listed_people_may_only_while_slack_cannot_say_who_is_an_administrator() {
    let bot = Bot::start_with(&[PAGES, ("CONNECT_SLACK__ADMINISTRATORS", GRACE)]).await;
    bot.connect_acme();
    bot.ready().await;
    assert_eq!(bot.command(GRACE, "workspace show").await.code(), "C-NOT-ADMIN");
    bot.slack.kill_token(BOT_TOKEN, "account_inactive");
    let shown = bot.command(GRACE, "workspace reconnect").await;
    assert!(shown.link().contains("/workspace/"), "{}", shown.text());
    assert_eq!(bot.command(ADA, "workspace show").await.code(), "C-NOT-ADMIN");
}

#[tokio::test]
async fn reconnecting_renews_the_token_in_place_and_everybody_stays_linked() {
    let bot = Bot::start_with(&USUAL).await;
    bot.connect_acme();
    bot.ready().await;
    bot.link(GRACE).await;
    bot.links_over().await;
    bot.slack.clear_messages();
    let before = Everything::of(&bot);
    let asked = bot.types(bot.slash(ADA, "workspace reconnect")).await;
    assert!(asked.text().contains("Connect Acme anew"), "{}", asked.text());
    bot.clock.advance(Duration::from_secs(1));
    let newest = bot.slack.rotate_token(TEAM);
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page_of(&asked)).await;
    browser.press(&consent, ADA).await.unwrap();
    bot.until_says(&asked, "Acme is connected.").await;
    let after = Everything::of(&bot);
    let [connection] = after.connections.as_slice() else { panic!("{after:?}") };
    assert_eq!(connection.access_token, newest);
    assert_eq!(connection.created_at, before.connections[0].created_at);
    assert_eq!((after.endpoints, after.subscribers), (before.endpoints, before.subscribers));
    let status = bot.command(GRACE, "status").await;
    assert!(status.text().contains("verbunden"), "{}", status.text());
}

#[tokio::test]
async fn an_administrator_whose_workspaces_token_has_died_reads_it_with_the_way_to_a_new_one() {
    let listed = ("CONNECT_SLACK__ADMINISTRATORS", ADA);
    let bot = Bot::start_with(&[PAGES, listed]).await;
    bot.connect_acme();
    bot.ready().await;
    bot.slack.kill_token(BOT_TOKEN, "token_revoked");
    assert_eq!(bot.command_in_the_end(GRACE, "").await.code(), "C-PROFILE");
    let told = bot.types(bot.slash(ADA, "")).await;
    assert!(told.text().contains("token_revoked"), "{}", told.text());
    assert_labels(&told, &["Reconnect"]);
    let asked = bot.press(ADA, &told, "Reconnect").await;
    bot.clock.advance(Duration::from_secs(1));
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page_of(&asked)).await;
    browser.press(&consent, ADA).await.unwrap();
    bot.until_says(&asked, "Acme is connected.").await;
    bot.command_in_the_end(GRACE, "").await.link();
    bot.slack.clear_messages();
}
