//! What is in an address, and what is kept of its page.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::clock::ManualClock;
use crate::core::{Reference, Workspace};
use crate::random::{Random, SystemRandom};

/// A system without randomness.
#[derive(Debug)]
struct NoChance;

impl Random for NoChance {
    fn fill(&self, _bytes: &mut [u8]) {}
}

fn links(random: SharedRandom) -> Links {
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap()));
    Links::new(Parts {
        public_url: Url::parse("https://connect.example").unwrap(),
        former_keys: Vec::new(),
        store: Store::in_memory(Arc::clone(&clock) as _),
        random,
        clock,
    })
}

fn invitation() -> Invitation {
    Invitation {
        person: Person {
            platform: crate::slack::PLATFORM.id(),
            workspace: Workspace::standalone("T0ACME"),
            user: "U0ADA".to_owned(),
        },
        name: Some("ada@example.com".to_owned()),
        workspace: Some("Acme".to_owned()),
        subscriber: Some("ada@example.com".to_owned()),
        subscriber_name: None,
        command: "/connect".to_owned(),
        reference: Reference::from_random([1, 2, 3, 4, 5]),
        hint: None,
    }
}

#[tokio::test]
async fn an_address_says_nothing_and_no_two_are_alike() {
    let links = links(Arc::new(SystemRandom));
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let url = links.url_for(&invitation()).await.unwrap();
        let path = url.expose().path().to_owned();
        let id = path.strip_prefix("/link/").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(id).unwrap().len(), ID_LENGTH);
        assert_eq!(id.len(), ID_CHARACTERS);
        assert!(links.open(id).await.is_ok());
        assert!(seen.insert(path));
    }
}

#[tokio::test]
async fn without_chance_there_is_no_page() {
    let error = links(Arc::new(NoChance)).url_for(&invitation()).await.unwrap_err();
    assert!(matches!(error, NoPage::NoChance));
}

#[tokio::test]
async fn no_mail_address_is_kept_and_nothing_personal_prints() {
    let links = links(Arc::new(SystemRandom));
    let url = links.url_for(&invitation()).await.unwrap();
    let page = links.open(url.expose().path().rsplit('/').next().unwrap()).await.unwrap();
    assert_eq!(page.invitation().name.as_deref(), Some("ada@…"));
    let stored = serde_json::to_string(&page.invited).unwrap();
    assert!(!stored.contains("example.com"), "{stored}");
    let printed = format!("{:?} {links:?} {page:?}", invitation());
    for secret in ["example.com", "ada@", "Acme", url.expose().path()] {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
}
