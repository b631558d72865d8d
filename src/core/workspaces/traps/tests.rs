//! Tests of `traps.rs`: what Novu would do, and what is said beforehand.

use super::*;
use crate::core::workspaces::request::{Requester, Stage};
use crate::novu::{self, ConnectionMode, Context, SubscriberId};
use crate::{slack, teams};

const HERE: &str = "T1";
const ELSEWHERE: &str = "T2";
const ACME: &[&str] = &["tenant:acme"];

/// A connection: its identifier, its workspace, its subscriber, its context.
type Row = (&'static str, &'static str, Option<&'static str>, &'static [&'static str]);

fn connection((identifier, workspace, subscriber, keys): Row) -> ChannelConnection {
    ChannelConnection {
        identifier: identifier.to_owned(),
        integration_identifier: "chat".to_owned(),
        subscriber_id: subscriber.map(|id| SubscriberId::new(id).unwrap()),
        context_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        workspace: Some(novu::Workspace {
            id: workspace.to_owned(),
            name: None,
            bot_user_id: None,
        }),
        access_token: None,
        created_at: None,
        updated_at: None,
    }
}

fn terms(connection: &str, subscriber: Option<&str>, keys: &[&str]) -> Terms {
    Terms {
        connection: connection.to_owned(),
        context: Context::from_keys(keys).ok(),
        subscriber: subscriber.map(|id| SubscriberId::new(id).unwrap()),
        creates_subscriber: false,
        scope: Vec::new(),
        mode: None,
        auto_link_user: false,
    }
}

fn request(workspace: &str, terms: Terms) -> WorkspaceRequest {
    WorkspaceRequest {
        workspace: Workspace::standalone(workspace),
        workspace_name: None,
        requester: Requester::CommandLine,
        purpose: Purpose::Connect,
        terms,
        asked: None,
        address: workspace.to_owned(),
        stage: Stage::Waiting,
        told: false,
        handed_on: 0,
    }
}

#[test]
fn a_connection_that_novu_would_overwrite_is_refused_beforehand() {
    use Reason::{ConnectedAlready, ContextTaken, IdentifierTaken};
    let with = terms;
    for (there, wanted, expected) in [
        (("new", HERE, None, ACME), with("new", None, ACME), Some(ConnectedAlready)),
        // Trap 1: by its identifier alone.
        (("new", ELSEWHERE, Some("x"), &[]), with("new", None, ACME), Some(IdentifierTaken)),
        // Trap 2: by integration, subscriber and context.
        (("old", ELSEWHERE, None, ACME), with("new", None, ACME), Some(ContextTaken)),
        (("old", HERE, None, ACME), with("new", None, ACME), Some(ConnectedAlready)),
        (("old", ELSEWHERE, Some("ops"), &[]), with("new", Some("ops"), &[]), Some(ContextTaken)),
        // A connection with a context is shared, whoever is named beside it.
        (("old", ELSEWHERE, None, ACME), with("new", Some("ops"), ACME), Some(ContextTaken)),
        (("old", ELSEWHERE, Some("ops"), ACME), with("new", Some("ops"), ACME), None),
        (("old", ELSEWHERE, Some("ops"), &[]), with("new", Some("other"), &[]), None),
        (("old", ELSEWHERE, None, &["tenant:other"]), with("new", None, ACME), None),
        (("old", ELSEWHERE, None, &["tenant:acme", "app:x"]), with("new", None, ACME), None),
        (
            ("old", ELSEWHERE, None, &["tenant:acme", "app:x"]),
            with("new", None, &["app:x", "tenant:acme"]),
            Some(ContextTaken),
        ),
        // What somebody will type on the page is judged once it is typed.
        (("old", ELSEWHERE, None, &[]), with("new", None, &[]), None),
    ] {
        let there = connection(there);
        let here = Workspace::standalone(HERE);
        let found = trap(&slack::PLATFORM, &here, Purpose::Connect, &wanted, [&there].into_iter());
        assert_eq!(found, expected, "{wanted:?} beside {there:?}");
    }
}

#[test]
fn for_teams_novu_keeps_the_subscriber_whatever_the_mode() {
    let there = connection(("old", ELSEWHERE, Some("ops"), &["tenant:acme"]));
    let here = Workspace::standalone(HERE);
    for mode in [None, Some(ConnectionMode::Shared), Some(ConnectionMode::Subscriber)] {
        let wanted = Terms { mode, ..terms("new", Some("ops"), &["tenant:acme"]) };
        let found = trap(&teams::PLATFORM, &here, Purpose::Connect, &wanted, [&there].into_iter());
        assert_eq!(found, Some(Reason::ContextTaken), "{mode:?}");
    }
}

#[test]
fn only_a_connection_of_ones_own_gets_new_credentials_and_only_in_slack() {
    use Reason::{ConsentedAlready, IdentifierTaken, WorkspaceNotConnected};
    let here = connection(("mine", HERE, None, &["tenant:acme"]));
    let elsewhere = connection(("theirs", ELSEWHERE, None, &[]));
    let workspace = Workspace::standalone(HERE);
    for (platform, name, expected) in [
        (&slack::PLATFORM, "mine", None),
        (&slack::PLATFORM, "theirs", Some(IdentifierTaken)),
        (&slack::PLATFORM, "gone", Some(WorkspaceNotConnected)),
        (&teams::PLATFORM, "mine", Some(ConsentedAlready)),
        (&teams::PLATFORM, "theirs", Some(IdentifierTaken)),
    ] {
        let wanted = terms(name, None, &[]);
        let all = [&here, &elsewhere].into_iter();
        let found = trap(platform, &workspace, Purpose::Reconnect, &wanted, all);
        assert_eq!(found, expected, "{name} in {}", platform.name);
    }
}

#[test]
fn a_connection_of_the_organisation_is_its_workspaces_and_tenants_have_no_case() {
    let grid =
        Workspace { id: HERE.to_owned(), enterprise: Some("E1".to_owned()), org_install: false };
    let organisations = connection(("org", "E1", None, &[]));
    assert!(is_of(&slack::PLATFORM, &organisations, &grid));
    assert!(!is_of(&slack::PLATFORM, &organisations, &Workspace::standalone(HERE)));
    let nameless = Workspace { id: String::new(), ..grid };
    assert!(is_of(&slack::PLATFORM, &organisations, &nameless));
    let lower = connection(("one", "aaaa-bbbb", None, &[]));
    let upper = Workspace::standalone("AAAA-BBBB");
    assert!(is_of(&teams::PLATFORM, &lower, &upper) && !is_of(&slack::PLATFORM, &lower, &upper));
    let unknown = ChannelConnection { workspace: None, ..lower };
    assert!(!is_of(&teams::PLATFORM, &unknown, &upper));
}

#[test]
fn whoever_is_at_the_provider_keeps_others_from_the_same_connection() {
    use Reason::{ContextTaken, IdentifierTaken};
    for (workspace, wanted, expected) in [
        (ELSEWHERE, terms("one", None, &["a:b"]), Some(IdentifierTaken)),
        (ELSEWHERE, terms("two", None, &["a:b"]), None),
        (ELSEWHERE, terms("two", None, &["tenant:acme"]), Some(ContextTaken)),
        (ELSEWHERE, terms("two", Some("ops"), &[]), None),
        // Two administrators of one workspace want the same.
        (HERE, terms("one", None, &["tenant:acme"]), None),
    ] {
        let other = request(HERE, terms("one", None, &["tenant:acme"]));
        let mine = request(workspace, wanted);
        assert_eq!(rival(&slack::PLATFORM, &mine, &other), expected, "{:?}", mine.terms);
    }
}
