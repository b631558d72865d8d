use super::*;
use crate::answering::watch::state::State;
use crate::answering::watch::tests::watch;
use crate::core::Workspace;
use crate::novu::{Endpoint, SubscriberId};
use crate::{slack, teams};

fn in_grid(user: &str, other_ids: &[&str]) -> Watch {
    let mut watch = watch(user, "ada");
    watch.person.workspace.enterprise = Some("E1".to_owned());
    watch.other_ids = other_ids.iter().map(|&id| id.to_owned()).collect();
    watch
}

fn endpoint(identifier: &str, subscriber: &str, user: &str) -> ChannelEndpoint {
    ChannelEndpoint {
        identifier: identifier.to_owned(),
        integration_identifier: "slack".to_owned(),
        connection_identifier: None,
        subscriber_id: SubscriberId::new(subscriber).ok(),
        context_keys: Vec::new(),
        endpoint: Endpoint::SlackUser { user_id: user.to_owned() },
        created_at: None,
    }
}

fn ids(ids: &[&str]) -> Known {
    Known::Ids(ids.iter().map(|&id| id.to_owned()).collect())
}

#[test]
fn whose_an_endpoint_is() {
    use Verdict::{CannotTell, Different, NotWatched, Same};
    let ada = || watch("U1", "ada");
    let connected = |endpoint: &str| Watch {
        state: State::Connected { endpoint: endpoint.to_owned(), since: None },
        ..ada()
    };
    let removed = || Watch { others: vec!["new".to_owned()], ..ada() };
    let guest = || Watch { guest: true, ..ada() };
    let new = |user| endpoint("new", "ada", user);
    let cases: Vec<(&str, Vec<Watch>, ChannelEndpoint, Known, Verdict)> = vec![
        ("her own", vec![ada()], new("U1"), Known::NotAsked, Same(0)),
        ("somebody else's", vec![ada()], new("U2"), ids(&[]), Different),
        ("a stranger's", vec![ada()], new("U2"), Known::Stranger, Different),
        ("the platform is silent", vec![ada()], new("U2"), Known::Unknown, Different),
        ("from before", vec![ada()], endpoint("old", "ada", "U2"), Known::NotAsked, NotWatched),
        ("her old one", vec![ada()], endpoint("old", "ada", "U1"), Known::NotAsked, NotWatched),
        ("another subscriber's", vec![ada()], endpoint("new", "bob", "U1"), ids(&[]), NotWatched),
        ("nobody waits", vec![], new("U2"), Known::NotAsked, NotWatched),
        ("two who asked", vec![ada(), watch("U2", "ada")], new("U2"), Known::NotAsked, Same(1)),
        ("asked twice", vec![ada(), ada()], new("U1"), Known::NotAsked, Same(1)),
        ("judged already", vec![removed()], new("U2"), Known::NotAsked, NotWatched),
        ("connected already", vec![connected("new")], new("U1"), Known::NotAsked, NotWatched),
        ("after the right one", vec![connected("own")], new("U2"), ids(&[]), Different),
        ("a guest", vec![guest()], new("U2"), ids(&[]), CannotTell(0)),
        ("a guest's own", vec![guest()], new("U1"), Known::NotAsked, Same(0)),
        ("the other id", vec![in_grid("U1", &["W1"])], new("W1"), Known::NotAsked, Same(0)),
        ("tied by the other", vec![in_grid("W1", &[])], new("U1"), ids(&["W1"]), Same(0)),
        ("tied by a third", vec![in_grid("U1", &["W1"])], new("U9"), ids(&["W1"]), Same(0)),
        ("another in a grid", vec![in_grid("U1", &["W1"])], new("W2"), ids(&["U2"]), Different),
        ("untied in a grid", vec![in_grid("U1", &[])], new("W2"), Known::Unknown, CannotTell(0)),
    ];
    for (name, watches, endpoint, known, verdict) in cases {
        assert_eq!(judge(&slack::PLATFORM, &endpoint, &watches, &known), verdict, "{name}");
    }
}

#[test]
fn an_endpoint_that_reaches_no_person_is_not_judged() {
    let channel = Endpoint::Other { kind: "slack_channel".to_owned() };
    let endpoint = ChannelEndpoint { endpoint: channel, ..endpoint("new", "ada", "") };
    let verdict = judge(&slack::PLATFORM, &endpoint, &[watch("U1", "ada")], &Known::NotAsked);
    assert_eq!(verdict, Verdict::NotWatched);
}

#[test]
fn ids_of_entra_match_in_either_case() {
    let mut watch = watch("3f2504e0", "ada");
    watch.person.platform = teams::PLATFORM.id();
    watch.person.workspace = Workspace::standalone("tenant");
    let user = |user_id: &str| Endpoint::MsTeamsUser {
        user_id: user_id.to_owned(),
        tenant_id: Some("TENANT".to_owned()),
    };
    for (id, verdict) in [("3F2504E0", Verdict::Same(0)), ("other", Verdict::Different)] {
        let endpoint = ChannelEndpoint { endpoint: user(id), ..endpoint("new", "ada", "") };
        let judged = judge(&teams::PLATFORM, &endpoint, std::slice::from_ref(&watch), &ids(&[]));
        assert_eq!(judged, verdict, "{id}");
    }
}
