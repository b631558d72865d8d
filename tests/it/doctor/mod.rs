//! The doctor names exactly the one thing that is wrong with a set-up, and nothing that follows from it.

mod broken;
mod front;
mod running;
mod world;

use futures_util::stream::{self, StreamExt};

use broken::{Broken, SETUPS};
use world::World;

/// What nobody can look up, so that a good set-up has these notes.
const NOT_SEEN: [&str; 7] = [
    "slack.command_seen",
    "slack.press_seen",
    "slack.landing_visited",
    "slack.sign_in_seen",
    "teams.secret_end",
    "teams.message_seen",
    "teams.landing_visited",
];

#[tokio::test]
async fn a_good_set_up_gives_nothing_but_what_nobody_can_look_up() {
    let world = World::start().await;
    let told = world.check(true).await;
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert_eq!(told.json["status"], "ok");
    assert_eq!(told.checks("note"), NOT_SEEN, "{}", told.text);
    for severity in ["warning", "failure", "skipped"] {
        assert_eq!(told.checks(severity), [""; 0], "{}", told.text);
    }
    assert!(told.checks("ok").len() >= 40, "{}", told.text);

    let for_people = world.check(false).await;
    assert_eq!(for_people.code, Some(0));
    assert!(for_people.text.contains("\nok       novu.key "), "{}", for_people.text);
    assert!(for_people.text.ends_with(" checks: 7 note, 50 ok\n"), "{}", for_people.text);
}

#[tokio::test]
async fn nothing_is_created_minted_or_sent() {
    let world = World::start().await;
    let before = (world.novu.subscribers(), world.novu.connections(), world.novu.endpoints());
    world.check(true).await;
    let after = (world.novu.subscribers(), world.novu.connections(), world.novu.endpoints());
    assert_eq!(before, after);
    assert_eq!(world.slack.messages(), []);
    assert_eq!(world.teams.messages(), []);
}

#[tokio::test]
async fn each_broken_set_up_is_named_for_the_one_thing_that_is_wrong() {
    let told = stream::iter(SETUPS).map(told_of).buffer_unordered(3).collect::<Vec<_>>().await;
    let wrong: Vec<_> = told.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(SETUPS.len() >= 30);
}

/// What is told of a set-up, if that is not what is wrong with it.
async fn told_of(broken: &Broken) -> Option<String> {
    let mut world = World::start_ahead(broken.ahead).await;
    (broken.by)(&mut world);
    let told = world.check(true).await;
    let named = [told.checks("failure"), told.checks("warning")];
    let expected = match broken.severity {
        "failure" => [vec![broken.check], vec![]],
        _ => [vec![], vec![broken.check]],
    };
    let code = if broken.severity == "failure" { 1 } else { 2 };
    let all = told.json["checks"].as_array().unwrap();
    let finding = all.iter().find(|finding| finding["check"] == broken.check);
    let has_fix = finding.is_some_and(|finding| finding["fix"].is_string());
    let fits = named == expected && told.code == Some(code) && has_fix;
    let bad = || {
        let ill = all
            .iter()
            .filter(|finding| finding["severity"] != "ok" && finding["severity"] != "skipped");
        ill.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    (!fits).then(|| format!("{}: {} expected, not\n{}", broken.what, broken.check, bad()))
}

#[tokio::test]
async fn what_cannot_be_opened_is_a_wrong_configuration() {
    let mut world = World::start().await;
    std::fs::write(world.path("people.csv"), "").unwrap();
    let told = world.check(true).await;
    assert_eq!((told.code, &told.json["status"]), (Some(64), &"misconfigured".into()));
    let problem = told.json["problems"][0].as_str().unwrap();
    assert!(problem.contains("the file has no rows"), "{problem}");

    world.unset("NOVU__API_KEY");
    let told = world.check(false).await;
    assert_eq!(told.code, Some(64));
    assert!(
        told.text.starts_with("- novu.api_key (CONNECT_NOVU__API_KEY) is missing"),
        "{}",
        told.text
    );
}
