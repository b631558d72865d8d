//! Tests of `token.rs`.

use proptest::prelude::*;

use super::super::{Invitation, LIFETIME};
use super::*;
use crate::core::{Person, Reference, Workspace};

const TODAY: &str = "the-key-of-today";
const YESTERDAY: &str = "the-key-of-yesterday";

fn keys(secrets: &[&str]) -> Keys {
    let keys = secrets.iter().map(|secret| SigningKey::new(&(*secret).into()).unwrap());
    Keys::new(keys.collect())
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn invitation() -> Invitation {
    let workspace = Workspace {
        id: "T0ACME".to_owned(),
        enterprise: Some("E0ACME".to_owned()),
        org_install: true,
    };
    Invitation {
        person: Person {
            platform: crate::slack::PLATFORM.id(),
            workspace,
            user: "U0ADA".to_owned(),
        },
        name: Some("Ada Lovelace".to_owned()),
        workspace: Some("Acme".to_owned()),
        subscriber: Some("crm-7".to_owned()),
        subscriber_name: None,
        command: "/connect".to_owned(),
        reference: Reference::from_random([1, 2, 3, 4, 5]),
        hint: None,
    }
}

fn sealed(keys: &Keys, invitation: &Invitation) -> String {
    keys.seal(&Token::issue(invitation, now()))
}

#[test]
fn a_token_is_good_for_a_day_to_the_second() {
    let keys = keys(&[TODAY]);
    let text = sealed(&keys, &invitation());
    let day = jiff::SignedDuration::try_from(LIFETIME).unwrap();
    let second = jiff::SignedDuration::from_secs(1);
    let token = keys.open(&text, now() + day - second).unwrap();
    assert_eq!(token.age(now() + second), Duration::from_secs(1));
    assert_eq!(token.into_invited().invitation, invitation());
    let expired = Rejected::Expired { command: "/connect".to_owned() };
    assert_eq!(keys.open(&text, now() + day).unwrap_err(), expired);
}

#[test]
fn keys_can_be_replaced_and_strangers_have_none() {
    let before = keys(&[YESTERDAY]);
    let during = keys(&[TODAY, YESTERDAY]);
    let afterwards = keys(&[TODAY]);
    let (old, new) = (sealed(&before, &invitation()), sealed(&during, &invitation()));
    assert!(during.open(&old, now()).is_ok());
    assert!(during.open(&new, now()).is_ok());
    assert!(afterwards.open(&new, now()).is_ok());
    assert_eq!(afterwards.open(&old, now()).unwrap_err(), Rejected::Unknown);
    assert_eq!(before.open(&new, now()).unwrap_err(), Rejected::Unknown);
    assert_eq!(keys(&[]).open(&old, now()).unwrap_err(), Rejected::Unknown);
}

#[test]
fn genuine_signatures_over_something_else_are_refused() {
    let keys = keys(&[TODAY]);
    let json = serde_json::to_vec(&Token::issue(&invitation(), now()).0).unwrap();
    let version = |byte: u8| keys.sign([&[byte], json.as_slice()].concat());
    assert!(keys.open(&version(VERSION), now()).is_ok());
    for text in [
        version(0),
        version(2),
        keys.sign(Vec::new()),
        keys.sign(vec![VERSION]),
        keys.sign(b"\x01{}".to_vec()),
        keys.sign(json.clone()),
    ] {
        assert_eq!(keys.open(&text, now()).unwrap_err(), Rejected::Unknown);
    }
    let of_another_kind = keys.0[0].code("v1", &[], &json);
    let text = URL_SAFE_NO_PAD.encode([json.as_slice(), &of_another_kind].concat());
    assert_eq!(keys.open(&text, now()).unwrap_err(), Rejected::Unknown);
}

#[test]
fn the_longest_names_still_fit() {
    let keys = keys(&[TODAY]);
    let id = "3fa85f64-5717-4562-b3fc-2c963f66afa6".to_owned();
    let name = "\"".repeat(1000);
    let longest = Invitation {
        person: Person {
            platform: crate::teams::PLATFORM.id(),
            workspace: Workspace {
                id: id.clone(),
                enterprise: Some(id.clone()),
                org_install: false,
            },
            user: id,
        },
        name: Some(name.clone()),
        workspace: Some(name.clone()),
        subscriber: Some(name.clone()),
        subscriber_name: Some(name.clone()),
        command: name,
        // Teams' hint: a service URL, a conversation and an account, each of some 100 characters.
        hint: Some("\"".repeat(20) + &"a".repeat(500)),
        ..invitation()
    };
    let text = sealed(&keys, &longest);
    assert!(text.len() <= LONGEST, "{}", text.len());
    assert!(keys.open(&text, now()).is_ok());
    assert!(sealed(&keys, &invitation()).len() < 600);
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        name in proptest::option::of("[A-Za-z äß漢]{1,30}[a-z]"),
        user in "[UW][A-Z0-9]{1,11}",
        org_install in any::<bool>(),
        bits in any::<[u8; 5]>(),
    ) {
        let mut invitation = invitation();
        invitation.name = name;
        invitation.person.user = user;
        invitation.person.workspace.org_install = org_install;
        invitation.reference = Reference::from_random(bits);
        let keys = keys(&[TODAY]);
        let token = keys.open(&sealed(&keys, &invitation), now()).unwrap();
        prop_assert_eq!(token.into_invited(), Invited::new(&invitation));
    }

    #[test]
    fn a_token_altered_in_any_bit_is_unknown(at in any::<prop::sample::Index>(), bit in 0..8) {
        let keys = keys(&[TODAY, YESTERDAY]);
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed(&keys, &invitation())).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let altered = URL_SAFE_NO_PAD.encode(bytes);
        prop_assert_eq!(keys.open(&altered, now()).unwrap_err(), Rejected::Unknown);
    }

    #[test]
    fn a_token_with_any_other_character_is_unknown(
        at in any::<prop::sample::Index>(),
        other in any::<char>(),
    ) {
        let keys = keys(&[TODAY]);
        let text = sealed(&keys, &invitation());
        let at = at.index(text.len());
        prop_assume!(!text[at..].starts_with(other));
        let altered = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        prop_assert_eq!(keys.open(&altered, now()).unwrap_err(), Rejected::Unknown);
        for cut in [&text[..at], &text[at + 1..]] {
            prop_assert_eq!(keys.open(cut, now()).unwrap_err(), Rejected::Unknown);
        }
    }

    #[test]
    fn any_text_is_survived(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let keys = keys(&[TODAY]);
        prop_assert!(keys.open(&text, now()).is_err());
        prop_assert!(keys.open(&URL_SAFE_NO_PAD.encode(&bytes), now()).is_err());
        // Even if it is signed.
        prop_assert!(keys.open(&keys.sign(bytes.clone()), now()).is_err());
        prop_assert!(keys.open(&keys.sign([vec![VERSION], bytes].concat()), now()).is_err());
    }
}
