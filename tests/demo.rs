//! The demonstration, as a newcomer runs it.

use std::process::{Command, Stdio};

#[test]
fn the_demonstration_plays_to_a_good_end_by_itself() {
    let output = Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"))
        .args(["demo", "--once"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{shown}{complaints}");
    let alarm = "somebody else signed in by a person's link; what they connected is removed";
    assert!(complaints.lines().all(|line| line.contains(alarm)), "{complaints}");
    assert_eq!(complaints.lines().count(), 2, "once in Slack and once in Teams");
    let told = [
        "[ Open the page ]",
        "Olga opens the page in a browser, and agrees at",
        "is connected.",
        "Novu: connection",
        "[ Sign in ]",
        "Somebody else signed in with your link.",
        "I removed it at once.",
        "was made for somebody else",
        "You are connected as Ada Lovelace",
        "A test notification is on its way",
        "Do you want to disconnect?",
        "[ Yes, disconnect ]",
        "You are disconnected.",
        "You are not connected yet.",
    ];
    let slack = shown.find("in Slack.").unwrap();
    let teams = shown.find("to the bot in Teams.").unwrap();
    for (place, mut rest) in [("Slack", &shown[slack..teams]), ("Teams", &shown[teams..])] {
        for part in told {
            let at = rest.find(part);
            rest =
                &rest[at.unwrap_or_else(|| panic!("{part:?} in {place}, in turn, in\n{shown}"))..];
        }
    }
    for part in [
        "Only visible to Bob",
        "subscriber slack:T0ACME:U0ADA is reached as Slack user U0ADA through connection slack-T0ACME",
        "is reached as Teams user 5c1f0000-0000-4000-8000-0000000000ad through connection teams-72f988bf",
        "connection slack-T0ACME is that of T0ACME, with the context tenant:T0ACME",
        r#""name":"connect-test""#,
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let readme = include_str!("../README.md");
    let transcript = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let changes = |line: &&str| line.contains("(after ") || line.contains("It works until");
    for line in transcript.lines().filter(|line| !changes(line)) {
        assert!(shown.contains(line), "{line:?} of the README is missing in\n{shown}");
    }
}
