//! Each trap of Novu's: refused beforehand, or led past.

use connect_sandbox::Browser;
use connect_sandbox::novu::{Integration, Profile};
use connect_sandbox::slack::User;
use serde_json::json;

use super::{
    Asked, CONNECTED, CONTEXT, CONTINUE, Everything, GLOBEX, ITS_CONNECTION, LISTED, OLGA, PAGES,
    USUAL, go_on, page_of,
};
use crate::bot::{ADA, Bot, INTEGRATION, connection, member};

/// The path of subscribers.
const SUBSCRIBERS: &str = "/v2/subscribers";

#[tokio::test]
async fn what_novu_would_overwrite_is_refused_in_chat() {
    let other = Integration::slack("slack-other", "id", "canary-secret");
    let in_other = || {
        let mut there = connection(ITS_CONNECTION, GLOBEX, &["tenant:x"]);
        "slack-other".clone_into(&mut there.integration);
        there
    };
    for (there, code) in [
        // The identifier is another workspace's, or another integration's: Novu looks for nothing else.
        (connection(ITS_CONNECTION, "T0OTHER", &["tenant:x"]), "C-IDENTIFIER-TAKEN"),
        (in_other(), "C-IDENTIFIER-TAKEN"),
        // The context is: Novu finds it by that.
        (connection("theirs", "T0OTHER", &["tenant:T0GLOBEX"]), "C-CONTEXT-TAKEN"),
    ] {
        let bot = Bot::beside_globex(&USUAL).await;
        bot.novu.add_integration(other.clone());
        bot.novu.add_connection(there).unwrap();
        let before = Everything::of(&bot);
        let reply = bot.send(bot.in_globex(OLGA, "connect workspace")).await;
        assert_eq!(reply.code(), code, "{}", reply.text());
        assert_eq!(Everything::of(&bot), before);
    }
}

#[tokio::test]
async fn a_connected_workspace_is_shown_and_never_connected_twice() {
    let bot = Bot::beside_globex(&USUAL).await;
    bot.connect_acme();
    let shown = bot.command_shown(ADA, "connect workspace").await;
    assert!(shown.text().contains("Acme is connected"), "{}", shown.text());
    assert!(super::find_button(&shown.body).is_none(), "{}", shown.body);
    assert_eq!(bot.connect_mints().len(), 0);
}

#[tokio::test]
async fn an_integration_that_is_none_of_slacks_is_told_before_anybody_signs_in() {
    let bot = Bot::start_with(&USUAL).await;
    bot.open_globex();
    bot.novu.remove_connection(crate::bot::CONNECTION);
    let discord = Integration {
        provider_id: "discord".to_owned(),
        ..Integration::slack(INTEGRATION, "id", "canary-secret")
    };
    bot.novu.add_integration(discord);
    bot.clock.advance(std::time::Duration::from_mins(2));
    let reply = bot.command_in_the_end(OLGA, "connect workspace").await;
    assert_eq!(reply.code(), "C-NOVU-INTEGRATION", "{}", reply.text());
    assert_eq!(bot.connect_mints().len(), 0);
}

#[tokio::test]
async fn where_contexts_are_signed_the_signature_goes_along() {
    let hmac = ("CONNECT_NOVU__CONTEXT_HMAC", "true");
    let bot = Bot::beside_globex(&[&USUAL[..], &[hmac]].concat()).await;
    let app = bot.slack.options();
    let known = Integration::slack(INTEGRATION, &app.client_id, &app.client_secret);
    bot.novu.add_integration(Integration { hmac: true, ..known });
    let asked = bot.types_in_globex(OLGA, "connect workspace").await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page_of(&asked)).await;
    assert_eq!(bot.connect_mints()[0]["contextHash"].as_str().map(str::len), Some(64));
    browser.press(&consent, OLGA).await.unwrap();
    // Without a landing page nobody knows whose browser it was.
    let last = bot.until_says(&asked, CONNECTED).await;
    assert!(last.text().contains("did not come back"), "{}", last.text());
}

#[tokio::test]
async fn an_owner_from_the_configuration_is_created_and_never_by_novu_itself() {
    let owner = ("CONNECT_WORKSPACES__SUBSCRIBER", "bot-{workspace}");
    let bot = Bot::beside_globex(&[PAGES, LISTED, owner]).await;
    let asked = bot.types_in_globex(OLGA, "connect workspace").await;
    let browser = Browser::new().unwrap();
    let shown = browser.open(&page_of(&asked)).await.unwrap();
    assert!(shown.body.contains("bot-T0GLOBEX"), "{}", shown.body);
    assert!(bot.novu.subscribers().iter().all(|it| it.subscriber_id != "bot-T0GLOBEX"));
    let consent = browser.press(&shown, CONTINUE).await.unwrap();
    let requests = bot.novu.requests();
    let created: Vec<_> =
        requests.iter().filter(|it| it.method == "POST" && it.path() == SUBSCRIBERS).collect();
    assert_eq!(created.len(), 1);
    assert!(
        created[0].path_and_query.contains("failIfExists=true"),
        "{}",
        created[0].path_and_query
    );
    assert_eq!(bot.connect_mints()[0]["connectionMode"], "subscriber");
    browser.press(&consent, OLGA).await.unwrap();
    bot.until_says(&asked, CONNECTED).await;
    let ours = bot.novu.connections().pop().unwrap();
    assert_eq!(ours.subscriber_id.as_deref(), Some("bot-T0GLOBEX"));
    assert_eq!(ours.context_keys, [""; 0]);
}

#[tokio::test]
async fn whose_the_connection_is_can_be_typed_and_what_cannot_be_is_told_on_the_page() {
    let asked = Asked::with(&[PAGES, LISTED]).await;
    let bot = &asked.bot;
    bot.novu.add_subscriber("ops", Profile::default());
    bot.connect_workspace_in_context("theirs", "T0OTHER", &["tenant:theirs"]);
    let before = Everything::of(bot);
    let browser = Browser::new().unwrap();
    let mut page = browser.open(&asked.page).await.unwrap();
    assert!(page.body.contains("Whose is the connection?"), "{}", page.body);
    let long = format!("tenant:{}", "x".repeat(101));
    let many = "a:1\nb:1\nc:1\nd:1\ne:1\nf:1";
    for (context, owner, code) in [
        ("", "", "C-UNDECIDED"),
        ("acme", "", "C-BAD-CONTEXT"),
        ("tenant:a.b", "", "C-BAD-CONTEXT"),
        ("tenant:a\ntenant:b", "", "C-BAD-CONTEXT"),
        (&long, "", "C-BAD-CONTEXT"),
        (many, "", "C-BAD-CONTEXT"),
        ("", "nobody", "C-OWNER"),
        ("tenant:theirs", "", "C-CONTEXT-TAKEN"),
    ] {
        let typed = [("context", context), ("subscriber", owner)];
        page = browser.fill_and_press(&page, &typed, CONTINUE).await.unwrap();
        asked.is_refused(&page, &[code]);
        let kept = context.lines().next().unwrap_or(owner);
        assert!(page.body.contains(kept), "{kept} in {}", page.body);
    }
    assert_eq!(Everything::of(bot), before);
    assert_eq!(bot.connect_mints().len(), 0);

    let typed = [("context", " app:jira \r\n tenant:globex\r\n"), ("subscriber", "ops")];
    let consent = browser.fill_and_press(&page, &typed, CONTINUE).await.unwrap();
    let minted = &bot.connect_mints()[0];
    assert_eq!(minted["context"], json!({ "app": "jira", "tenant": "globex" }));
    browser.press(&consent, OLGA).await.unwrap();
    bot.until_says(&asked.message, CONNECTED).await;
    let ours = bot.novu.connections().pop().unwrap();
    assert_eq!(ours.context_keys, ["app:jira", "tenant:globex"]);
    assert_eq!(Everything::of(bot).but_ours(), before);
}

#[tokio::test]
async fn of_two_workspaces_that_want_one_context_the_second_does_not_get_to_the_provider() {
    let asked = Asked::with(&[PAGES, LISTED]).await;
    let bot = &asked.bot;
    bot.open_workspace("T0THIRD");
    bot.slack.add_team(connect_sandbox::slack::Team {
        installed: false,
        ..connect_sandbox::slack::Team::new("T0THIRD", "Third")
    });
    let listed_there = bot.slash(OLGA, "connect workspace").with("team_id", "T0THIRD");
    let second = bot.types(listed_there).await;
    let typed = [("context", "tenant:both")];
    let (browser, other) = (Browser::new().unwrap(), Browser::new().unwrap());
    let page = browser.open(&asked.page).await.unwrap();
    let consent = browser.fill_and_press(&page, &typed, CONTINUE).await.unwrap();
    let page = other.open(&page_of(&second)).await.unwrap();
    let refused = other.fill_and_press(&page, &typed, CONTINUE).await.unwrap();
    assert!(refused.body.contains("C-CONTEXT-TAKEN"), "{}", refused.body);
    browser.press(&consent, OLGA).await.unwrap();
    bot.until_says(&asked.message, CONNECTED).await;
}

#[tokio::test]
async fn an_installation_for_the_whole_organisation_which_novu_cannot_take_changes_nothing() {
    let bot = Bot::beside_globex(&USUAL).await;
    bot.slack.add_user(User {
        team_id: GLOBEX.to_owned(),
        is_admin: true,
        enterprise_id: Some("E0GLOBEX".to_owned()),
        ..member(OLGA, "Olga Owens")
    });
    let before = Everything::of(&bot);
    let command = bot.in_globex(OLGA, "connect workspace").with("enterprise_id", "E0GLOBEX");
    let message = bot.types(command).await;
    let page = page_of(&message);
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page).await;
    let failed = browser.press(&consent, "Allow for the organization as Olga Owens").await.unwrap();
    assert_eq!(failed.status, 500, "{}", failed.body);
    let asked = Asked { bot, before, message, page };
    asked.ends_unchanged(&["was not connected"], "Connect the workspace").await;
}

#[tokio::test]
async fn a_workspace_of_an_organisation_is_connected_by_itself_or_known_by_the_organisations_connection()
 {
    let bot = Bot::beside_globex(&[CONTEXT, PAGES, LISTED]).await;
    let command = |text: &str| bot.in_globex(OLGA, text).with("enterprise_id", "E0GLOBEX");
    let message = bot.types(command("connect workspace")).await;
    // What Novu may do one day: the connection is the organisation's.
    let browser = Browser::new().unwrap();
    go_on(&browser, &page_of(&message)).await;
    let organisations = connection(ITS_CONNECTION, "E0GLOBEX", &["tenant:T0GLOBEX"]);
    bot.novu.add_connection(organisations).unwrap();
    let last = bot.until_says(&message, "is connected.").await;
    for words in ["installed for the whole organisation", "did not come back"] {
        assert!(last.text().contains(words), "{words} in {}", last.text());
    }
}
