//! Tests of `verdict.rs`.

use jiff::Timestamp;

use super::*;
use crate::novu::{self, Context};
use crate::slack;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn connection(workspace: &str, keys: &[&str], made: i64, changed: i64) -> ChannelConnection {
    ChannelConnection {
        identifier: "acme".to_owned(),
        integration_identifier: "slack".to_owned(),
        subscriber_id: None,
        context_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        workspace: Some(novu::Workspace {
            id: workspace.to_owned(),
            name: (workspace == "T2").then(|| "Globex".to_owned()),
            bot_user_id: None,
        }),
        access_token: None,
        created_at: Some(at(made)),
        updated_at: Some(at(changed)),
    }
}

#[test]
fn what_is_there_afterwards_is_compared_with_what_was_asked_for() {
    let workspace =
        Workspace { id: "T1".to_owned(), enterprise: Some("E1".to_owned()), org_install: false };
    let terms = Terms {
        connection: "acme".to_owned(),
        context: Context::from_keys(&["app:x", "tenant:acme"]).ok(),
        subscriber: None,
        creates_subscriber: false,
        scope: Vec::new(),
        mode: None,
        auto_link_user: false,
    };
    let asked: &[&str] = &["tenant:acme", "app:x"];
    let other: &[&str] = &["tenant:other"];
    let right = |organisation| Verdict::Right { organisation };
    let wrong = |workspace: &str, undone| {
        Verdict::Wrong(Outcome::WrongWorkspace { workspace: workspace.to_owned(), undone })
    };
    for (before, now, expected) in [
        (None, None, Verdict::Nothing),
        (None, Some(connection("T1", asked, 10, 10)), right(false)),
        (None, Some(connection("E1", asked, 10, 10)), right(true)),
        (None, Some(connection("T2", asked, 10, 10)), wrong("Globex", true)),
        (None, Some(connection("T3", asked, 10, 10)), wrong("T3", true)),
        (
            None,
            Some(connection("T1", other, 10, 10)),
            Verdict::Wrong(Outcome::WrongContext { undone: true }),
        ),
        // Somebody reconnects: nothing has happened until Novu has changed it, and it stays whatever comes.
        (Some((5, 5)), Some(connection("T1", asked, 5, 5)), Verdict::Nothing),
        (Some((5, 5)), Some(connection("T1", asked, 5, 10)), right(false)),
        (Some((5, 5)), Some(connection("T1", other, 5, 10)), right(false)),
        (Some((5, 5)), Some(connection("T2", asked, 5, 10)), wrong("Globex", false)),
        (Some((5, 5)), None, Verdict::Nothing),
        // It was removed and made anew in the meantime.
        (Some((5, 5)), Some(connection("T2", asked, 10, 10)), wrong("Globex", true)),
    ] {
        let before = before.map(|(made, changed)| Before {
            created_at: Some(at(made)),
            updated_at: Some(at(changed)),
        });
        let verdict = judge(&slack::PLATFORM, &workspace, &terms, before.as_ref(), now.as_ref());
        assert_eq!(verdict, expected, "{before:?}, then {now:?}");
    }
}
