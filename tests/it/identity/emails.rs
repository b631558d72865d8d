//! Which e-mail addresses prove who somebody is, and when nobody can tell.

use axum::http::{Method, StatusCode};
use connect_sandbox::novu::Profile;
use connect_sandbox::slack::User;
use connect_sandbox::{Effect, Fault, Route};

use super::{CHAIN, CREATE, knows, minted_for};
use crate::bot::{ADA, BOT_TOKEN, Bot, TEAM, email, member};

const BOTH: (&str, &str) = (CHAIN, "email,template");
const DOMAINS: &str = "CONNECT_IDENTITY__EMAIL_DOMAINS";

async fn by_email() -> Bot {
    Bot::start_with(&[(CHAIN, "email"), (CREATE, "")]).await
}

/// A second workspace on the same integration, known to the service.
async fn serves_another_workspace(bot: &Bot) -> String {
    bot.connect_workspace("other", "T0OTHER");
    knows(bot, 2).await;
    bot.open_workspace("T0OTHER")
}

#[tokio::test]
async fn without_the_scope_for_addresses_nobody_becomes_a_new_subscriber() {
    let bot = Bot::start_with(&[BOTH]).await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read"]);
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-MISSING");
    assert_eq!(bot.mints().len(), 0);
    assert_eq!(bot.novu.subscribers().len(), 1);

    bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read", "users:read.email"]);
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
}

#[tokio::test]
async fn who_certainly_has_no_address_or_is_a_guest_may_be_found_by_another_resolver() {
    let bot = Bot::start_with(&[BOTH]).await;
    for user in [
        User { email: None, ..member("U0NONE", "None") },
        User { is_restricted: true, ..member("U0GUEST", "Guest") },
    ] {
        let id = user.id.clone();
        bot.slack.add_user(user);
        bot.command(&id, "").await.link();
        assert_eq!(minted_for(&bot), format!("slack:{TEAM}:{id}"));
    }
}

#[tokio::test]
async fn a_letter_that_only_folds_into_another_is_another() {
    let bot = Bot::start_with(&[(CHAIN, "email")]).await;
    let frank = User { email: Some("frank@canary.example".to_owned()), ..member("U0F", "Frank") };
    bot.slack.add_user(frank);
    bot.novu.add_subscriber("kelvin", Profile::with_email("fran\u{212a}@canary.example"));
    assert_eq!(bot.command("U0F", "").await.code(), "C-EMAIL-UNKNOWN");
    bot.novu.add_subscriber("frank", Profile::with_email("FRANK@canary.example"));
    bot.command("U0F", "").await.link();
    assert_eq!(minted_for(&bot), "frank");
}

#[tokio::test]
async fn an_address_of_one_workspace_matches_nobody_of_another_one() {
    let bot = Bot::start_with(&[BOTH]).await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");

    let stranger = serves_another_workspace(&bot).await;
    let claimed = User {
        team_id: "T0OTHER".to_owned(),
        email: Some(email(ADA)),
        ..member(&stranger, "Not Ada")
    };
    bot.slack.add_user(claimed);
    let searches = bot.novu.count(&Method::GET, "/v2/subscribers");
    let reply = bot.send(bot.slash(&stranger, "").with("team_id", "T0OTHER")).await;
    assert_eq!(reply.code(), "C-EMAIL-DOMAIN");
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-DOMAIN");
    assert_eq!(bot.novu.count(&Method::GET, "/v2/subscribers"), searches, "nobody is looked for");
    assert_eq!(bot.mints().len(), 1);
}

#[tokio::test]
async fn a_workspace_matches_in_the_domains_that_are_listed_for_it() {
    let listed = format!("{TEAM}=CANARY.example,{TEAM}=canary.test,T0OTHER=other.example");
    let bot = Bot::start_with(&[BOTH, (DOMAINS, &listed)]).await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    let other = serves_another_workspace(&bot).await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
    let reply = bot.send(bot.slash(&other, "").with("team_id", "T0OTHER")).await;
    assert_eq!(reply.code(), "C-EMAIL-DOMAIN");

    let mut settings = bot.settings();
    settings.insert(DOMAINS.to_owned(), "T0OTHER=*".to_owned());
    let bot = bot.restart(settings).await;
    bot.novu.add_subscriber("ida", Profile::with_email(&email(&other)));
    bot.send(bot.slash(&other, "").with("team_id", "T0OTHER")).await.link();
    assert_eq!(minted_for(&bot), "ida");
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-DOMAIN");
}

#[tokio::test]
async fn a_confirmed_address_finds_its_subscriber_whatever_its_case() {
    let bot = by_email().await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA).to_uppercase()));
    bot.novu.add_subscriber("longer", Profile::with_email(&format!("x{}", email(ADA))));
    bot.novu.add_subscriber("shorter", Profile::with_email(&format!("{}.org", email(ADA))));
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
}

#[tokio::test]
async fn an_address_that_proves_nothing_links_nobody() {
    let bot = by_email().await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email("U0X")));
    let cases = [
        (User { is_email_confirmed: false, ..member("U0X", "X") }, "C-EMAIL-UNCONFIRMED"),
        (User { email: None, ..member("U0X", "X") }, "C-EMAIL-MISSING"),
        (User { email: Some(String::new()), ..member("U0X", "X") }, "C-EMAIL-MISSING"),
        (User { is_restricted: true, ..member("U0X", "X") }, "C-GUEST"),
        (User { is_ultra_restricted: true, ..member("U0X", "X") }, "C-GUEST"),
        (User { is_stranger: true, ..member("U0X", "X") }, "C-EXTERNAL"),
        (User { team_id: "T0OTHER".to_owned(), ..member("U0X", "X") }, "C-EXTERNAL"),
        (User { is_bot: true, ..member("U0X", "X") }, "C-BOT"),
        (User { deleted: true, ..member("U0X", "X") }, "C-DEACTIVATED"),
    ];
    for (user, code) in cases {
        bot.slack.add_user(user);
        assert_eq!(bot.command("U0X", "").await.code(), code);
    }
    assert_eq!(bot.command("U0NOBODY", "").await.code(), "C-EXTERNAL");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn two_subscribers_with_one_address_refuse_and_none_refuses_otherwise() {
    let bot = by_email().await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-UNKNOWN");
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.novu.add_subscriber("also-ada", Profile::with_email(&email(ADA).to_uppercase()));
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-AMBIGUOUS");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_match_beyond_the_first_page_counts_as_well() {
    let bot = by_email().await;
    for number in 0..150 {
        let address = format!("{number}{}", email(ADA));
        bot.novu.add_subscriber(&format!("decoy-{number}"), Profile::with_email(&address));
    }
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
}

#[tokio::test]
async fn without_slacks_word_an_email_chain_refuses_and_never_falls_through() {
    let bot = Bot::start_with(&[BOTH]).await;
    bot.slack.fault(Fault::new(
        Route::path("/api/users.info"),
        Effect::status(StatusCode::INTERNAL_SERVER_ERROR),
    ));
    assert_eq!(bot.command_in_the_end(ADA, "").await.code(), "C-PROFILE");
    bot.slack.clear_faults();
    bot.slack.kill_token(BOT_TOKEN, "token_revoked");
    assert_eq!(bot.command_in_the_end(ADA, "").await.code(), "C-PROFILE");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn who_is_not_found_by_email_may_be_found_by_the_next_resolver() {
    let bot = Bot::start_with(&[BOTH]).await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), format!("slack:{TEAM}:{ADA}"));
}
