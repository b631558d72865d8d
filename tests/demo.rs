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
    assert_eq!(complaints, "");
    for part in [
        "Only visible to you",
        "[ Sign in ]",
        "subscriber slack:T0ACME:U0ADA is reached as Slack user U0ADA",
        "You are connected as Ada Lovelace (since",
        "[ New link ]",
        "is reached as Teams user 5c1f0000-0000-4000-8000-0000000000ad through connection acme-teams",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    for part in ["[ Sign in ]", "You are connected as"] {
        assert_eq!(shown.matches(part).count(), 2, "{part} once in Slack and once in Teams");
    }
}
