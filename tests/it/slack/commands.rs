//! What a person gets who types `/connect`.

use connect_sandbox::Browser;
use serde_json::json;

use crate::bot::{ADA, Bot, CONNECTION, GRACE, INTEGRATION, TEAM};

#[tokio::test]
async fn a_person_gets_a_private_button_and_is_linked_after_signing_in() {
    let bot = Bot::start().await;
    let reply = bot.command(ADA, "").await;

    assert_eq!(reply.json["response_type"], "ephemeral");
    assert_eq!(reply.json["unfurl_links"], false);
    assert_eq!(reply.json["unfurl_media"], false);
    let button = reply.button();
    assert_eq!(button["style"], "primary");
    assert_eq!(button["text"]["text"], "Sign in");
    assert!(button["accessibility_label"].as_str().unwrap().contains("Sign in"));
    // Screen readers get the text and nothing else: it says what to do, and keeps the link to itself.
    assert!(reply.text().contains("Use the button “Sign in”"), "{}", reply.text());
    assert!(!reply.text().contains("authorize"));

    let page = Browser::new().unwrap().approve(&reply.link(), ADA).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    let endpoints = bot.novu.endpoints();
    assert_eq!(endpoints.len(), 1);
    assert_eq!(endpoints[0].user_id(), Some(ADA));
    assert_eq!(endpoints[0].subscriber_id.as_deref(), Some(format!("slack:{TEAM}:{ADA}").as_str()));
    assert_eq!(endpoints[0].connection_identifier.as_deref(), Some(CONNECTION));
    assert_eq!(endpoints[0].integration_identifier, INTEGRATION);

    let again = bot.command(ADA, "connect").await;
    assert!(
        again.text().starts_with("You are connected as Ada Lovelace (since <!date^"),
        "{}",
        again.text()
    );
    assert!(again.find_button().is_none());
}

#[tokio::test]
async fn a_new_person_costs_five_calls_and_a_known_one_two() {
    let bot = Bot::start().await;
    // The index is read in the background; the first question does not wait for a second reading.
    bot.ready().await;
    bot.novu.clear_requests();
    bot.command(ADA, "").await.link();
    let paths = || -> Vec<String> {
        let mut paths: Vec<_> = bot
            .novu
            .requests()
            .iter()
            .map(|request| format!("{} {}", request.method, request.path()))
            .collect();
        paths.sort();
        paths
    };
    let subscriber = format!("slack%3A{TEAM}%3A{ADA}");
    assert_eq!(
        paths(),
        [
            "GET /v1/channel-endpoints".to_owned(),
            format!("GET /v2/subscribers/{subscriber}"),
            "POST /v1/integrations/channel-endpoints/oauth".to_owned(),
            "POST /v2/subscribers".to_owned(),
        ]
    );
    bot.novu.clear_requests();
    bot.command(ADA, "").await.link();
    assert_eq!(
        paths(),
        ["GET /v1/channel-endpoints", "POST /v1/integrations/channel-endpoints/oauth"]
    );
}

#[tokio::test]
async fn the_mint_names_subscriber_integration_and_connection_and_nothing_secret() {
    let bot = Bot::start().await;
    bot.command(ADA, "").await.link();
    let mints = bot.mints();
    assert_eq!(mints.len(), 1);
    assert_eq!(
        mints[0].json(),
        json!({
            "subscriberId": format!("slack:{TEAM}:{ADA}"),
            "integrationIdentifier": INTEGRATION,
            "connectionIdentifier": CONNECTION,
        })
    );
    assert!(!mints[0].headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn the_persons_language_is_spoken() {
    let bot = Bot::start().await;
    let reply = bot.command(GRACE, "").await;
    assert_eq!(reply.button()["text"]["text"], "Anmelden");
    assert!(reply.text().contains("Der Link ist nur für dich"), "{}", reply.text());
    assert!(bot.command(GRACE, "help").await.text().contains("Das kannst du eingeben"));
}

#[tokio::test]
async fn status_tells_and_mints_nothing() {
    let bot = Bot::start().await;
    let reply = bot.command(ADA, "status").await;
    assert!(reply.text().starts_with("You are not connected yet."), "{}", reply.text());
    bot.link(ADA).await;
    let reply = bot.command(ADA, " Status ").await;
    assert!(reply.text().starts_with("You are connected as Ada Lovelace"), "{}", reply.text());
    assert_eq!(bot.mints().len(), 1);
}

#[tokio::test]
async fn help_lists_what_one_can_type_and_mints_nothing() {
    let bot = Bot::start().await;
    let reply = bot.command(ADA, "help").await;
    for word in ["`/connect` –", "`/connect status`", "`/connect help`"] {
        assert!(reply.text().contains(word), "{}", reply.text());
    }
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn an_unknown_word_gets_the_nearest_known_one_and_cannot_mention_anybody() {
    let bot = Bot::start().await;
    let reply = bot.command(ADA, "conect").await;
    assert!(reply.text().contains("Did you mean `/connect`?"), "{}", reply.text());
    let reply = bot.command(ADA, "<!channel> & <@U1>").await;
    assert!(reply.text().contains("&lt;!channel&gt; &amp; &lt;@U1&gt;"), "{}", reply.text());
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn the_command_is_called_what_the_person_typed() {
    let bot = Bot::start().await;
    let reply = bot.send(bot.slash(ADA, "help").with("command", "/novu")).await;
    assert!(reply.text().contains("`/novu status`"), "{}", reply.text());
    let reply = bot.send(bot.slash(ADA, "help").without("command")).await;
    assert!(reply.text().contains("`/connect status`"), "{}", reply.text());
}

#[tokio::test]
async fn fields_that_slack_leaves_out_are_not_missed() {
    let bot = Bot::start().await;
    let bare = ["team_id", "user_id", "text"];
    let mut request = bot.slash(ADA, "");
    for (name, _) in request.fields().to_vec() {
        if !bare.contains(&name.as_str()) {
            request = request.without(&name);
        }
    }
    bot.send(request.with("a_field_of_tomorrow", "x")).await.link();
}

#[tokio::test]
async fn without_a_user_or_a_workspace_there_is_a_sentence_and_no_call() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.novu.clear_requests();
    for name in ["user_id", "team_id"] {
        let reply = bot.send(bot.slash(ADA, "").without(name)).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.code(), "C-INCOMPLETE");
        let reply = bot.send(bot.slash(ADA, "").with(name, " ")).await;
        assert_eq!(reply.code(), "C-INCOMPLETE");
    }
    assert_eq!(bot.novu.requests().len(), 0);
}

#[tokio::test]
async fn a_person_of_an_organisation_is_one_person_in_all_its_workspaces() {
    let bot = Bot::start().await;
    let request = bot.slash(ADA, "").with("enterprise_id", "E0ORG");
    bot.send(request).await.link();
    assert_eq!(bot.mints()[0].json()["subscriberId"], format!("slack:E0ORG:{ADA}"));
}

#[tokio::test]
async fn an_organisation_wide_install_is_found_by_the_organisation() {
    let bot = Bot::start().await;
    bot.connect_workspace("org-wide", "E0ORG");
    let member = bot.open_workspace("E0ORG");
    let elsewhere = |install: &str| {
        bot.slash(&member, "")
            .with("team_id", "T0OTHER")
            .with("enterprise_id", "E0ORG")
            .with("is_enterprise_install", install)
    };
    assert_eq!(bot.send(elsewhere("false")).await.code(), "C-WORKSPACE");
    bot.send(elsewhere("true")).await.link();
    assert_eq!(bot.mints()[0].json()["connectionIdentifier"], "org-wide");
}

#[tokio::test]
async fn paths_work_with_and_without_a_slash_and_only_for_post() {
    let bot = Bot::start().await;
    for path in
        ["/slack/commands", "/slack/commands/", "/slack/interactions", "/slack/interactions/"]
    {
        let signed = bot.slash(ADA, "help").with("payload", "{\"type\":\"view_closed\"}");
        assert_eq!(bot.post(path, signed).await.status, 200, "{path}");
        for method in ["GET", "PUT", "DELETE", "HEAD"] {
            assert_eq!(bot.method(method, path).await, 405, "{method} {path}");
        }
    }
    assert_eq!(bot.method("POST", "/slack/command").await, 404);
}

#[tokio::test]
async fn a_form_is_a_form_whatever_its_parameters() {
    let bot = Bot::start().await;
    for kind in [
        "application/x-www-form-urlencoded; charset=utf-8",
        "APPLICATION/X-WWW-FORM-URLENCODED",
        "application/x-www-form-urlencoded ;q=1",
    ] {
        bot.send(bot.slash(ADA, "").content_type(kind)).await.link();
    }
    let reply = bot.send(bot.slash(ADA, "").content_type("application/json")).await;
    assert_eq!(reply.code(), "C-INCOMPLETE");
}

#[tokio::test]
async fn a_word_in_the_body_that_other_servers_stumble_over_is_just_a_word() {
    let bot = Bot::start().await;
    for text in ["payload", "ssl_check=1", "{\"a\":1}", "é🔔"] {
        let reply = bot.command(ADA, text).await;
        assert!(reply.text().contains("I do not know"), "{text}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_link_too_long_for_a_button_is_refused_with_a_code_of_its_own() {
    let bot = Bot::start().await;
    // A context of ids never gets that long, hence a sign-in page with a very long scope.
    let mut settings = bot.settings();
    settings.insert(
        "CONNECT_SLACK__USER_SCOPE".into(),
        "identity.basic,".to_owned() + &"a".repeat(3000),
    );
    let bot = bot.restart(settings).await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-LINK-LENGTH");
}

#[tokio::test]
async fn who_hurries_is_asked_to_wait_and_nobody_else_is() {
    let bot = Bot::start().await;
    let mut refused = 0;
    for _ in 0..12 {
        if bot.command(ADA, "help").await.find_code().as_deref() == Some("C-TOO-OFTEN") {
            refused += 1;
        }
    }
    assert_eq!(refused, 2);
    bot.command(GRACE, "").await.link();
}
