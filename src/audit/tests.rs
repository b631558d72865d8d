//! The audit from what is noted to what is found, on a store in a file.

use secrecy::ExposeSecret;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::*;
use crate::clock::ManualClock;
use crate::random::SystemRandom;
use crate::store::config::{Location, Settings};
use crate::store::forget;

/// A store in a file, and the audit of one process that uses it.
struct Bench {
    directory: TempDir,
    settings: Settings,
    store: Store,
    audit: Arc<Audit>,
    metrics: Arc<Metrics>,
    clock: SharedClock,
}

/// The same chance each time.
#[derive(Debug)]
struct Same;

impl crate::random::Random for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn owner(user: &str) -> Owner {
    Owner::of("slack", "WORKSPACE", user)
}

fn event(kind: Kind, user: &str) -> Event {
    Event {
        kind,
        actor: Actor::Person,
        platform: "slack".to_owned(),
        person: Some(owner(user)),
        other: None,
        subscriber: Some("canary-subscriber".to_owned()),
        endpoint: Some("chendp_abcdefghijkl".to_owned()),
        workspace: None,
        connection: None,
        reference: Some("ABCDEFGH".to_owned()),
        reason: None,
    }
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("store.db"));
        let settings = Settings { location, keys: vec!["canary-key-of-the-audit".into()] };
        let start = Timestamp::from_second(1_790_000_000).unwrap();
        let clock: SharedClock = Arc::new(ManualClock::new(start));
        let random: SharedRandom = Arc::new(SystemRandom);
        let store = Store::open(&settings, Arc::clone(&clock), random).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let audit = Audit::begin(
            store.clone(),
            Arc::clone(&clock),
            &(Arc::new(Same) as SharedRandom),
            Arc::clone(&metrics),
        );
        Self { directory, settings, store, audit: Arc::new(audit), metrics, clock }
    }

    async fn note(&self, events: impl IntoIterator<Item = Event>) -> Checkpoint {
        for event in events {
            self.audit.note(event);
        }
        self.audit.finish().await;
        self.audit.writer.lock().await.chain.clone()
    }

    async fn export(&self, person: Option<&Owner>) -> (Found, Vec<String>) {
        let mut out = Vec::new();
        let found = export(&self.settings, person, &mut out).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        (found, text.lines().map(str::to_owned).collect())
    }

    async fn broken(&self, expected: &[Checkpoint]) -> Option<(i64, &'static str)> {
        let verdicts = verify(&self.settings, expected).await.unwrap();
        verdicts.into_iter().find_map(|verdict| verdict.broken)
    }

    /// Does what nobody should.
    async fn tamper(&self, statement: &'static str) {
        let file = self.directory.path().join("store.db");
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_noted_becomes_a_chain_that_anybody_can_follow() {
    let bench = Bench::new().await;
    let administrator = Event {
        actor: Actor::Administrator("ops".to_owned()),
        person: None,
        subscriber: None,
        endpoint: None,
        ..event(Kind::WorkspaceConnected, "U1")
    };
    let end = bench.note(Kind::ALL.iter().map(|kind| event(*kind, "U1"))).await;
    assert_eq!(usize::try_from(end.length).unwrap(), Kind::ALL.len());
    let end = bench.note([administrator]).await;
    assert_eq!(bench.broken(std::slice::from_ref(&end)).await, None);

    let (_, lines) = bench.export(None).await;
    let mut previous = line::beginning(&end.chain);
    for line in &lines {
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["previous"], previous.as_str());
        assert_eq!(read["version"], line::VERSION);
        previous = line::hash(line);
        for plain in ["U1", "WORKSPACE", "canary", owner("U1").as_str()] {
            assert!(!line.contains(plain), "{plain}: {line}");
        }
    }
    assert_eq!(previous, end.head);
    assert!(lines[0].contains("\"kind\":\"linked\",\"actor\":\"person\",\"platform\":\"slack\""));
    assert!(lines[0].contains("chendp_abcdefghijkl") && lines[0].contains("ABCDEFGH"));
    let last = &lines[Kind::ALL.len()];
    assert!(last.contains("administrator:ops") && !last.contains("person\":"));
    assert!(
        bench.metrics.render().contains(&format!("connect_audit_lines {}", Kind::ALL.len() + 1))
    );
}

#[tokio::test]
async fn a_reason_stands_in_its_line_and_lines_from_before_there_were_any_still_hold() {
    let bench = Bench::new().await;
    bench.note([event(Kind::Linked, "U1")]).await;
    let removed = Event {
        actor: Actor::Administrator("ops".to_owned()),
        reason: Some("left the company".to_owned()),
        ..event(Kind::Removed, "U1")
    };
    let end = bench.note([removed]).await;
    assert_eq!(bench.broken(&[end]).await, None);
    let (_, lines) = bench.export(None).await;
    // A line without a reason is byte for byte what it was before there were reasons.
    assert!(!lines[0].contains("reason"), "{}", lines[0]);
    assert!(lines[1].contains("\"reason\":\"left the company\",\"previous\":"), "{}", lines[1]);
}

#[tokio::test]
async fn what_is_about_a_person_is_found_until_they_are_forgotten_and_the_chain_holds() {
    let bench = Bench::new().await;
    let used = Event { other: Some(owner("U2")), ..event(Kind::Refused, "U1") };
    let named = Event { endpoint: Some("slack-U3".to_owned()), ..event(Kind::Linked, "U3") };
    let end = bench.note([event(Kind::Linked, "U1"), used, named]).await;
    for (user, found) in [("U1", 2), ("U2", 1), ("U3", 1)] {
        let (_, lines) = bench.export(Some(&owner(user))).await;
        assert_eq!(lines.len(), found, "{user}");
        assert!(!lines[0].contains("slack-U3"), "it says who it is for");
    }
    let (found, _) = bench.export(Some(&owner("U9"))).await;
    assert_eq!(found, Found::Nobody);

    let forgotten = forget(&bench.settings.location, owner("U1")).await.unwrap();
    assert_eq!(forgotten.pseudonyms, 1);
    assert_eq!(bench.export(Some(&owner("U1"))).await.0, Found::Nobody);
    assert_eq!(bench.broken(&[end]).await, None);
    // Whoever comes back is somebody else.
    bench.note([event(Kind::Linked, "U1")]).await;
    assert_eq!(bench.export(Some(&owner("U1"))).await.0, Found::Lines(1));
}

#[tokio::test]
async fn whatever_is_done_to_a_chain_breaks_it_where_it_was_done() {
    for (line, statement) in [
        (3, "UPDATE audit SET line = replace(line, 'linked', 'removed') WHERE number = 3"),
        (3, "DELETE FROM audit WHERE number = 3"),
        (1, "DELETE FROM audit WHERE number = 1"),
        (1, "DELETE FROM audit"),
        (5, "DELETE FROM audit WHERE number = 5"),
        (
            2,
            "UPDATE audit SET line = (SELECT line FROM audit WHERE number = 4),
            hash = (SELECT hash FROM audit WHERE number = 4) WHERE number = 2",
        ),
        (4, "UPDATE audit SET hash = 'other' WHERE number = 4"),
        (5, "UPDATE audit SET number = 6 WHERE number = 5"),
        (
            6,
            "INSERT INTO audit SELECT 'x', chain, 6, line, hash, stored_at FROM audit WHERE number = 5",
        ),
    ] {
        let bench = Bench::new().await;
        let end = bench.note((0..5).map(|_| event(Kind::Linked, "U1"))).await;
        assert_eq!(bench.broken(std::slice::from_ref(&end)).await, None);
        bench.tamper(statement).await;
        let broken = bench.broken(&[end]).await;
        assert_eq!(broken.map(|(line, _)| line), Some(line), "{statement}: {broken:?}");
    }
}

#[tokio::test]
async fn a_chain_that_was_written_anew_is_not_the_one_of_the_log() {
    let bench = Bench::new().await;
    let end = bench.note([event(Kind::Linked, "U1"), event(Kind::Removed, "U1")]).await;
    bench.tamper("DELETE FROM audit").await;
    let forger = Audit::begin(
        bench.store.clone(),
        Arc::clone(&bench.clock),
        &(Arc::new(Same) as SharedRandom),
        Arc::default(),
    );
    for _ in 0..2 {
        forger.note(event(Kind::Linked, "U1"));
    }
    forger.finish().await;
    assert_eq!(bench.broken(&[]).await, None);
    assert_eq!(bench.broken(&[end]).await.map(|(line, _)| line), Some(2));
}

#[tokio::test]
async fn two_processes_that_draw_one_name_have_a_chain_each() {
    let bench = Bench::new().await;
    let first = bench.note([event(Kind::Linked, "U1")]).await;
    let other = Audit::begin(
        bench.store.clone(),
        Arc::clone(&bench.clock),
        &(Arc::new(Same) as SharedRandom),
        Arc::default(),
    );
    other.note(event(Kind::Removed, "U1"));
    other.finish().await;
    let second = other.writer.lock().await.chain.clone();
    assert_ne!(first.chain, second.chain);
    assert_eq!(second.length, 1);
    assert_eq!(bench.broken(&[first, second]).await, None);
    assert_eq!(bench.export(None).await.0, Found::Lines(2));
}

#[tokio::test]
async fn a_line_whose_writer_did_not_hear_that_it_was_written_is_there_once() {
    let bench = Bench::new().await;
    let row = {
        let mut writer = bench.audit.writer.lock().await;
        let row = writer.chain.next(&event(Kind::Linked, "U1"), bench.clock.now(), None, None);
        bench.store.append_to_audit(row.clone()).await.unwrap();
        writer.under_way = Some(row.clone());
        row
    };
    let end = bench.note([event(Kind::Removed, "U1")]).await;
    assert_eq!(end.length, 2);
    let (_, lines) = bench.export(None).await;
    assert_eq!((lines.len(), &lines[0]), (2, &row.line));
    assert_eq!(bench.broken(&[end]).await, None);
}

#[tokio::test]
async fn what_is_too_much_is_lost_loudly_and_the_rest_is_not() {
    let bench = Bench::new().await;
    for _ in 0..=MOST_WAITING {
        bench.audit.note(event(Kind::Linked, "U1"));
    }
    assert!(bench.metrics.render().contains("connect_audit_lines_lost_total 1"));
    assert_eq!(bench.audit.waiting().len(), MOST_WAITING);
    bench.audit.give_up();
    let lost = format!("connect_audit_lines_lost_total {}", MOST_WAITING + 1);
    assert!(bench.metrics.render().contains(&lost));
}

#[tokio::test]
async fn a_store_in_memory_keeps_pseudonyms_alike_and_no_lines() {
    let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let store = Store::in_memory(Arc::clone(&clock));
    let random: SharedRandom = Arc::new(SystemRandom);
    let audit = Audit::begin(store.clone(), clock, &random, Arc::default());
    audit.note(event(Kind::Linked, "U1"));
    audit.finish().await;
    assert_eq!(audit.writer.lock().await.chain.length, 1);
    let secret = async |user| store.pseudonym_secret(&owner(user)).await.unwrap().unwrap();
    let (one, again, other) = (secret("U1").await, secret("U1").await, secret("U2").await);
    assert_eq!(one.expose_secret(), again.expose_secret());
    assert_ne!(one.expose_secret(), other.expose_secret());
}

#[test]
fn a_checkpoint_is_read_as_it_is_written() {
    let said = Checkpoint { chain: "ab".to_owned(), length: 7, head: "cd".to_owned() };
    assert_eq!(said.to_string().parse(), Ok(said));
    for wrong in ["", "ab", "ab:7", "ab:x:cd", "ab:-1:cd", ":7:cd", "ab:7:", "ab:7:cd:"] {
        assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong}");
    }
}
