//! Every kind of answer, for tests of how it is worded and set.

use std::collections::HashSet;

use jiff::Timestamp;
use url::Url;

use crate::core::workspaces::{ConnectedWorkspace, Health, Outcome};
use crate::core::{
    Answer, Connected, Invitee, Lasts, Link, LinkStatus, Reason, Reference, Refusal, SignIn,
    SignInLink, Status, Tested, UnknownCommand, WorkspaceAnswer, WorkspaceStart, WrongPerson,
};
use crate::net::SecretUrl;
use crate::novu::SubscriberId;

fn noon() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

/// A link of somebody of that name.
pub(crate) fn link(name: &str) -> Link {
    Link {
        subscriber: SubscriberId::new("slack:T1:U1").unwrap(),
        name: Some(name.to_owned()),
        since: Some(noon()),
        can_test: true,
    }
}

/// A chat account of somebody of that name, in that workspace.
fn account(name: &str, workspace: Option<&str>, own: bool, delivers: bool) -> LinkStatus {
    let workspace = workspace.map(str::to_owned);
    LinkStatus { brand: "Slack", workspace, link: link(name), own, delivers }
}

/// The status of somebody of that name with so many accounts beside the own one.
pub(crate) fn status(name: &str, others: usize) -> Answer {
    let others = (0..others).map(|index| account(name, Some(name), false, index % 2 == 0));
    let own = account(name, None, true, true);
    Answer::Status(Status { links: std::iter::once(own).chain(others).collect(), as_of: None })
}

fn unknown(said: &str, nearest: Option<&str>) -> Answer {
    let nearest = nearest.map(str::to_owned);
    Answer::Help(Some(UnknownCommand { said: said.to_owned(), nearest }))
}

const HEALTHS: [Health; 5] = [
    Health::Works,
    Health::Dead("token_revoked"),
    Health::Expired,
    Health::NoToken,
    Health::Unknown,
];

fn of_workspace(answer: WorkspaceAnswer) -> Answer {
    Answer::Workspace(Box::new(answer))
}

fn start(workspace: Option<&str>, reconnects: bool) -> Answer {
    let url = Url::parse("https://link.example/workspace/x").unwrap();
    let page = SignInLink::to_own_page(SecretUrl::new(url));
    let workspace = workspace.map(str::to_owned);
    of_workspace(WorkspaceAnswer::Start(WorkspaceStart { workspace, page, reconnects }))
}

/// A connected workspace of that name; nobody looked whether it works, or somebody did.
fn workspace(name: &str, health: Option<Health>) -> ConnectedWorkspace {
    ConnectedWorkspace {
        connection: "slack-T1".to_owned(),
        workspace: Some("T1".to_owned()),
        name: Some(name.to_owned()),
        context: vec!["tenant:acme".to_owned()],
        subscriber: (health == Some(Health::Dead("token_revoked")))
            .then(|| SubscriberId::new("workspace-acme").unwrap()),
        since: Some(noon()),
        links: health.map(|_| 12),
        health,
    }
}

fn overview(connected: Vec<ConnectedWorkspace>, can_reconnect: bool) -> Answer {
    of_workspace(WorkspaceAnswer::Overview { connected, can_reconnect })
}

fn ended(outcome: Outcome, reconnects: bool) -> Answer {
    let workspace = "Acme".to_owned();
    of_workspace(WorkspaceAnswer::Ended { workspace, outcome, reconnects })
}

const fn connected_outcome(organisation: bool, came_back: bool) -> Outcome {
    Outcome::Connected { organisation, came_back }
}

fn wrong_outcome(undone: bool) -> Outcome {
    Outcome::WrongWorkspace { workspace: "Globex".to_owned(), undone }
}

const fn disconnected_outcome(removed: usize, kept: bool) -> Outcome {
    Outcome::Disconnected { removed, kept }
}

/// What administrators read about their workspace.
fn of_administrators() -> Vec<(&'static str, Answer)> {
    vec![
        ("workspace: start", start(Some("Acme"), false)),
        ("workspace: start, nameless", start(None, false)),
        ("workspace: start again", start(Some("Acme"), true)),
        ("workspace: overview", overview(vec![workspace("Acme", None)], true)),
        ("workspace: overview of a tenant", overview(vec![workspace("Acme", None)], false)),
        (
            "workspace: checked",
            overview(HEALTHS.map(|health| workspace("Acme", Some(health))).to_vec(), true),
        ),
        (
            "workspace: disconnect wanted",
            of_workspace(WorkspaceAnswer::DisconnectWanted(workspace("Acme", Some(Health::Works)))),
        ),
        (
            "workspace: token died",
            of_workspace(WorkspaceAnswer::TokenDied {
                workspace: Some("Acme".to_owned()),
                why: "token_revoked",
            }),
        ),
        ("workspace: disconnecting", of_workspace(WorkspaceAnswer::Disconnecting)),
        ("workspace: connected", ended(connected_outcome(false, true), false)),
        (
            "workspace: organisation connected elsewhere",
            ended(connected_outcome(true, false), false),
        ),
        ("workspace: wrong", ended(wrong_outcome(true), false)),
        ("workspace: wrong, not undone", ended(wrong_outcome(false), true)),
        ("workspace: wrong context", ended(Outcome::WrongContext { undone: true }, false)),
        ("workspace: not finished", ended(Outcome::NotFinished, false)),
        ("workspace: not started", ended(Outcome::NotStarted, true)),
        ("workspace: replaced", ended(Outcome::Replaced, false)),
        ("workspace: disconnected", ended(disconnected_outcome(0, false), false)),
        ("workspace: disconnected, links kept", ended(disconnected_outcome(0, true), false)),
        ("workspace: disconnected, links removed", ended(disconnected_outcome(3, false), false)),
    ]
}

/// One answer of each kind and of each way in which it can be worded, with a name for it.
pub(crate) fn every_answer() -> Vec<(&'static str, Answer)> {
    let url = |url: &str| SignInLink::to_own_page(SecretUrl::new(Url::parse(url).unwrap()));
    let sign_in = |lasts| {
        let subscriber = SubscriberId::new("slack:T1:U1").unwrap();
        let invitee = Invitee { subscriber, subscriber_name: None, chat_name: None };
        Answer::SignIn(SignIn { link: url("https://link.example/?state=x"), lasts, invitee })
    };
    let ada = || link("Ada Lovelace");
    let connected = |stranger_removed| Connected { link: ada(), stranger_removed };
    let wrong = |removed, elsewhere| Answer::WrongPerson(WrongPerson { removed, elsewhere });
    let nameless = Link { name: None, since: None, can_test: false, ..ada() };
    let accounts = |here| {
        let own = account("Ada Lovelace", Some("Acme"), here, true);
        let other = account("Ada Lovelace", Some("Globex"), false, false);
        vec![own, other, account("Ada Lovelace", None, false, true)]
    };
    let own_sentence = Some("Ask Ida in room 7 first.".to_owned());
    let mut answers = vec![
        ("a minted link", sign_in(Lasts::Minted { until: noon() })),
        ("a page", sign_in(Lasts::Page)),
        ("already connected", Answer::AlreadyConnected(ada())),
        ("already connected, little known, no tests", Answer::AlreadyConnected(nameless)),
        ("not connected", Answer::NotConnected),
        ("status", Answer::Status(Status { links: accounts(true), as_of: None })),
        (
            "status from elsewhere",
            Answer::Status(Status { links: accounts(false), as_of: Some(noon()) }),
        ),
        ("connected", Answer::Connected(connected(false))),
        ("connected, a stranger removed", Answer::Connected(connected(true))),
        ("wrong person", wrong(true, false)),
        ("wrong person, not removed yet", wrong(false, false)),
        ("wrong workspace", wrong(true, true)),
        ("not your link", Answer::NotYourLink),
        ("was it you", Answer::WasItYou(Reference::from_random([3; 5]))),
        ("not confirmed", Answer::NotConfirmed),
        ("run out", Answer::RunOut),
        ("replaced", Answer::Replaced),
        ("no longer connected", Answer::NoLongerConnected),
        ("disconnect wanted", Answer::DisconnectWanted(ada())),
        ("disconnected", Answer::Disconnected),
        ("test sent", Answer::Tested(Tested::Sent)),
        ("test not run", Answer::Tested(Tested::NotRun)),
        ("test too soon", Answer::Tested(Tested::TooSoon)),
        ("test not offered", Answer::Tested(Tested::NotOffered)),
        ("working", Answer::Working),
        ("welcome", Answer::Welcome),
        ("help", Answer::Help(None)),
        ("a guess", unknown("conect", Some("connect"))),
        ("a guess that takes away", unknown("trenen", Some("disconnect"))),
        ("unknown words", unknown("xyzzy", None)),
        ("thanks", Answer::YouAreWelcome),
        ("page ended", Answer::PageEnded),
    ];
    answers.extend(of_administrators());
    answers.extend([
        ("held by another", Answer::Refused(Reason::Held.into())),
        ("Novu failing", Answer::Refused(Reason::NovuUnavailable.into())),
        ("Novu slow", Answer::Refused(Reason::NovuTimeout.into())),
        (
            "the operator's own sentence",
            Answer::Refused(Refusal { sentence: own_sentence, ..Reason::WebhookRefused.into() }),
        ),
    ]);
    let names: HashSet<_> = answers.iter().map(|(_, answer)| answer.name()).collect();
    let missing: Vec<_> =
        Answer::names().filter(|name| !name.starts_with("C-") && !names.contains(name)).collect();
    assert!(missing.is_empty(), "no sample of {missing:?}");
    answers
}
