//! Why somebody would get a link, or not: each way in which that ends, by the command beside a service that
//! runs.

use connect_sandbox::novu::{NewEndpoint, Profile};
use connect_sandbox::{Effect, Fault, Route};
use serde_json::{Value, json};

use super::situations::{Situation, linked_over, of_accounts, of_identity, of_links};
use super::{CHAIN, explain, explain_with};
use crate::bot::{ADA, Bot, CONNECTION, INTEGRATION, Storage, TEAM, email, member};

const SUBSCRIBERS: &str = "/v2/subscribers";

#[tokio::test]
async fn each_situation_is_explained_by_the_step_at_which_it_ends() {
    for Situation { name, settings, world, ends: [step, outcome, code], chain } in
        of_accounts().into_iter().chain(of_identity()).chain(of_links())
    {
        // The service itself is well; only the command has what is wrong with the configuration.
        let bot = Bot::start_on(Storage::sqlite(), &[]).await;
        bot.ready().await;
        world(&bot);
        let mut with = bot.settings();
        with.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let before = bot.novu.requests().len();
        let told = explain_with(with, &["slack", TEAM, ADA, "--json"]).await;
        let json = told.json();
        let answer = &json["answer"];
        let is = [&answer["step"], &answer["outcome"], &answer["code"]];
        let is = is.map(|it| it.as_str().unwrap_or_default());
        assert_eq!(is, [step, outcome, code], "{name}: {json:#}");
        assert_eq!(told.status, Some(i32::from(outcome == "refused")), "{name}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let said = json["resolvers"].as_array().unwrap().iter();
        let said: Vec<_> =
            said.map(|it| format!("{} {}", text(&it["resolver"]), text(&it["outcome"]))).collect();
        assert_eq!(said, chain, "{name}: {json:#}");
        let is_refused = outcome == "refused";
        assert_eq!(
            answer["fix"].is_string() && answer["meaning"].is_string(),
            is_refused,
            "{name}"
        );
        let requests = bot.novu.requests().split_off(before);
        assert!(requests.iter().all(|it| it.method == "GET"), "{name}: {requests:?}");
    }
}

#[tokio::test]
async fn a_workspace_that_is_not_connected_ends_the_way_at_once() {
    let bot = Bot::start_on(Storage::sqlite(), &[]).await;
    let told = explain(&bot, &["slack", "T0NEW", ADA, "--json"]).await;
    let json = told.json();
    assert_eq!(told.status, Some(1));
    assert_eq!([&json["answer"]["step"], &json["answer"]["code"]], ["workspace", "C-WORKSPACE"]);
    assert_eq!(json["account"]["outcome"], "not_asked");
    assert_eq!(bot.novu.subscribers(), []);
}

#[tokio::test]
async fn every_step_says_what_it_found() {
    let bot = Bot::start_on(Storage::sqlite(), &[(CHAIN, "email,template")]).await;
    bot.connect_workspace_in_context("acme-eu", TEAM, &["tenant:eu"]);
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    let linked = NewEndpoint {
        context_keys: vec!["tenant:eu".to_owned()],
        ..NewEndpoint::slack_user(INTEGRATION, "acme-eu", "ada", ADA)
    };
    let own = bot.novu.add_endpoint(linked).unwrap();
    bot.connect_workspace("elsewhere", "T0ELSEWHERE");
    let second = NewEndpoint::slack_user(INTEGRATION, "elsewhere", "ada", "U0SECOND");
    let second = bot.novu.add_endpoint(second).unwrap();
    let mut settings = bot.settings();
    settings.insert("CONNECT_IDENTITY__EMAIL_DOMAINS".to_owned(), format!("{TEAM}=canary.example"));
    let json = explain_with(settings, &["slack", TEAM, ADA, "--json"]).await.json();
    // Two connections can be meant, and the link that is there says which one is.
    assert_eq!(json["workspace"]["chosen"], "acme-eu");
    assert_eq!(
        [&json["workspace"]["code"], &json["workspace"]["served"]],
        [&Value::Null, &json!(2)]
    );
    let account = &json["account"];
    assert_eq!(
        [&account["outcome"], &account["kind"], &account["email"], &account["name"]],
        ["admitted", "member", "confirmed", "Ada Lovelace"]
    );
    assert_eq!(account["email_domain_counts"], true);
    let expected =
        json!({ "id": "ada", "found_by": "email", "exists": true, "would_be_created": false });
    assert_eq!(json["subscriber"], expected);
    let endpoints = json["endpoints"].as_array().unwrap();
    let of = |id: &str| endpoints.iter().find(|it| it["identifier"] == id).unwrap();
    assert_eq!([&of(&own)["own"], &of(&own)["delivers"]], [true, true]);
    assert_eq!([&of(&second)["own"], &of(&second)["delivers"]], [false, true]);
    assert_eq!(json["holder"]["outcome"], "own");
    assert_eq!(json["answer"]["outcome"], "already_connected");
}

#[tokio::test]
async fn who_has_the_account_is_named_and_an_id_or_a_name_that_is_an_address_is_not_shown() {
    let bot = Bot::start_on(Storage::sqlite(), &[]).await;
    linked_over(&bot, CONNECTION, "somebody@canary.example");
    bot.slack.add_user(member(ADA, &email(ADA)));
    let json = explain(&bot, &["slack", TEAM, ADA, "--json"]).await.json();
    let identifier = &bot.novu.endpoints()[0].identifier;
    let expected = json!({ "outcome": "another", "subscriber": "…", "endpoint": identifier });
    assert_eq!(json["holder"], expected);
    assert_eq!(json["account"]["name"], "…");
}

#[tokio::test]
async fn people_of_an_organisation_are_found_by_it() {
    let bot = Bot::start_on(Storage::sqlite(), &[]).await;
    bot.connect_workspace("grid", "E0GRID");
    let alone = explain(&bot, &["slack", "T0INGRID", ADA, "--json"]).await;
    assert_eq!(alone.json()["answer"]["code"], "C-WORKSPACE");
    let both = ["slack", "T0INGRID", ADA, "--organisation", "E0GRID", "--json"];
    for arguments in [both.as_slice(), &["slack", "E0GRID", ADA, "--json"]] {
        let json = explain(&bot, arguments).await.json();
        assert_eq!(json["workspace"]["chosen"], "grid", "{json:#}");
        assert_eq!(json["person"]["organisation"], "E0GRID");
    }
}

#[tokio::test]
async fn what_is_said_can_be_read_without_json() {
    let bot = Bot::start_on(Storage::sqlite(), &[(CHAIN, "email,template")]).await;
    let told = explain(&bot, &["slack", TEAM, ADA]).await;
    let expected = "\
person      slack T0ACME U0ADA
workspace   acme, in no context: a link goes over it
account     admitted, kind member, called Ada Lovelace, has a confirmed e-mail address in a domain that \
                    counts here
identity    1 email: not mine (C-EMAIL-UNKNOWN)
identity    2 template: found slack:T0ACME:U0ADA
subscriber  slack:T0ACME:U0ADA is not in Novu, and would be created
endpoint    no chat account is linked to this subscriber
holder      nobody else has the account
answer      a link
";
    assert_eq!(told.text, expected);
    assert_eq!((told.status, told.beside.as_str()), (Some(0), ""));

    linked_over(&bot, CONNECTION, "phantom");
    let told = explain(&bot, &["slack", TEAM, ADA]).await;
    let identifier = &bot.novu.endpoints()[0].identifier;
    let ending = format!(
        "holder      phantom has the account, by the endpoint {identifier}\nanswer      refused\nwhy         \
         C-HELD: Another subscriber holds the chat account, so Novu would fail after the sign-in.\nfix         \
         delete the channel endpoint in Novu, or correct identity.chain if the other subscriber is the right \
         one\n"
    );
    assert!(told.text.ends_with(&ending), "{}", told.text);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_said_and_plays_no_part() {
    let bot = Bot::start_on(Storage::in_memory(), &[]).await;
    let told = explain(&bot, &["slack", TEAM, ADA]).await;
    assert_eq!(told.status, Some(0));
    assert!(told.beside.starts_with("note: the store is not read"), "{}", told.beside);
}

#[tokio::test]
async fn misuse_has_a_status_of_its_own() {
    let bot = Bot::start_on(Storage::sqlite(), &[]).await;
    let cases: [(&[&str], &str); 5] = [
        (&["slack", TEAM], "USER"),
        (
            &["slack", TEAM, "ada@example.com"],
            "an id has 1 to 100 letters, digits, hyphens and underscores",
        ),
        (&["slack", "", ADA], "an id has 1 to 100 letters, digits, hyphens and underscores"),
        (&["discord", TEAM, ADA], "discord"),
        (&["teams", "tenant-acme", "oid-ada"], "Microsoft Teams is off: set teams.integration"),
    ];
    for (arguments, words) in cases {
        let told = explain(&bot, arguments).await;
        assert_eq!(told.status, Some(64), "{arguments:?}: {}", told.beside);
        assert!(told.beside.contains(words), "{arguments:?}: {}", told.beside);
    }
    let mut settings = bot.settings();
    settings.remove("CONNECT_NOVU__API_KEY");
    let told = explain_with(settings, &["slack", TEAM, ADA]).await;
    assert_eq!(told.status, Some(64));
    assert!(told.beside.contains("novu.api_key"), "{}", told.beside);
}

#[tokio::test]
async fn novu_being_away_is_said_with_its_cause_beside() {
    let bot = Bot::start_on(Storage::sqlite(), &[]).await;
    bot.ready().await;
    bot.novu.fault(Fault::new(Route::get(SUBSCRIBERS), Effect::Hangup));
    let told = explain(&bot, &["slack", TEAM, ADA, "--json"]).await;
    let json = told.json();
    assert_eq!([&json["answer"]["step"], &json["answer"]["code"]], ["endpoints", "C-NOVU-DOWN"]);
    assert_eq!(json["subscriber"]["exists"], Value::Null);
    assert!(told.beside.contains("an upstream fails"), "{}", told.beside);
}

#[tokio::test]
async fn what_the_service_has_last_seen_is_told_beside_what_is_found_now() {
    for storage in [Some(Storage::sqlite()), Storage::postgres()].into_iter().flatten() {
        let bot = Bot::start_on(storage, &[]).await;
        bot.ready().await;
        bot.link(ADA).await;
        bot.until_later(async || bot.slack.messages().len() == 1).await;
        let own = bot.novu.endpoints()[0].identifier.clone();
        bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
        let mut settings = bot.settings();
        settings.insert(CHAIN.to_owned(), "email".to_owned());
        let json = explain_with(settings.clone(), &["slack", TEAM, ADA, "--json"]).await.json();
        assert_eq!(
            [&json["last_seen"]["endpoint"], &json["last_seen"]["verified"]],
            [&own, "signed_in"]
        );
        assert_eq!(json["subscriber"]["id"], "ada");
        assert_eq!(json["holder"]["subscriber"], format!("slack:{TEAM}:{ADA}"));
        assert_eq!(json["answer"]["code"], "C-HELD");
        let told = explain_with(settings, &["slack", TEAM, ADA]).await.text;
        assert!(told.contains("; the chain finds another one now\n"), "{told}");
    }
}
