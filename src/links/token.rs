//! The token in the address of a personal page: who was invited, signed and with an end.
//!
//! A token is base64url of a version byte, JSON, and an HMAC-SHA256 over both. It leads to a page
//! that asks for a press, and no further; still it is its person's alone and is never logged.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::{after, between};
use crate::core::{Invitee, Person, Reference};
use crate::signing::SigningKey;
use crate::text::presentable;

/// How long a personal link can be used.
pub const LIFETIME: Duration = Duration::from_hours(24);

/// The format of the payload. Another one gets another number, and this one is then refused.
const VERSION: u8 = 1;
/// Keeps signatures of tokens apart from those of anything else that the same key might sign.
const PURPOSE: &str = "link";
/// The length of the signature, in bytes.
const CODE_LENGTH: usize = 32;
/// The longest token that is looked at, in characters: less than any browser or card takes.
const LONGEST: usize = 3072;

/// Whom a personal link is for, and what they will be asked to confirm.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Who asked, as a verified request named them.
    pub person: Person,
    /// The name of the chat account.
    pub name: Option<String>,
    /// The name of the workspace or tenant.
    pub workspace: Option<String>,
    /// The id of the subscriber that the chat account will be connected to, where it is known.
    pub subscriber: Option<String>,
    /// What that subscriber is called.
    pub subscriber_name: Option<String>,
    /// What the person types to get a new link, such as `/connect`.
    pub command: String,
    /// The reference of the answer that carries the link.
    pub reference: Reference,
    /// What the platform needs to look the person up once more, in its own form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation")
            .field("person", &self.person)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

impl Invitation {
    /// The same with every text short, on one line and free of e-mail addresses.
    fn presentable(&self) -> Self {
        let tidy = |text: &Option<String>| text.as_deref().and_then(presentable);
        Self {
            person: self.person.clone(),
            name: tidy(&self.name),
            workspace: tidy(&self.workspace),
            subscriber: tidy(&self.subscriber),
            subscriber_name: tidy(&self.subscriber_name),
            command: presentable(&self.command).unwrap_or_default(),
            reference: self.reference,
            hint: self.hint.clone(),
        }
    }
}

/// An invitation that this service made: nobody else can, and no end but its own was put to it.
#[derive(Debug, Clone)]
pub(crate) struct Token(Payload);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payload {
    /// What the subscriber's whole id is recognised by: the page shows it shortened.
    subscriber: Option<String>,
    invitation: Invitation,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    issued: Timestamp,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    expires: Timestamp,
}

/// Why a token is not honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is not ours, or not any more: altered, cut off, signed by a key that is gone. Which of
    /// these is nobody's business.
    Unknown,
    /// It is ours, and its time is up.
    Expired {
        /// What the person types to get a new one.
        command: String,
    },
}

/// Enough of a hash to tell one id from another.
fn fingerprint(subscriber: &str) -> String {
    hex::encode(&Sha256::digest(subscriber)[..8])
}

impl Token {
    /// Whether the page named the subscriber that the person would be connected to now.
    pub(crate) fn names(&self, invitee: &Invitee) -> bool {
        let named = self.0.subscriber.as_ref();
        named.is_none_or(|named| *named == fingerprint(invitee.subscriber.as_str()))
    }

    /// Refuses what was good, because it no longer says the truth: as if its time were up.
    pub(crate) fn outdated(&self) -> Rejected {
        Rejected::Expired { command: self.0.invitation.command.clone() }
    }

    /// Makes an invitation good from now on.
    pub(crate) fn issue(invitation: &Invitation, now: Timestamp) -> Self {
        Self(Payload {
            subscriber: invitation.subscriber.as_deref().map(fingerprint),
            invitation: invitation.presentable(),
            issued: now,
            expires: after(now, LIFETIME),
        })
    }

    /// Who was invited. All its texts are short, on one line and free of e-mail addresses.
    pub(crate) fn invitation(&self) -> &Invitation {
        &self.0.invitation
    }

    /// How long ago it was issued.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        between(self.0.issued, now)
    }
}

/// The keys that make a token ours. They do not print.
#[derive(Debug)]
pub(crate) struct Keys {
    signer: SigningKey,
    former: Vec<SigningKey>,
}

impl Keys {
    /// The first key signs, all of them verify. Nothing without a key.
    pub(crate) fn new(keys: Vec<SigningKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self { signer: keys.next()?, former: keys.collect() })
    }

    /// A token as it goes into an address.
    pub(crate) fn seal(&self, token: &Token) -> String {
        let mut payload = vec![VERSION];
        // Writing texts and numbers to a vector cannot fail.
        let _ = serde_json::to_writer(&mut payload, &token.0);
        self.sign(payload)
    }

    fn sign(&self, mut payload: Vec<u8>) -> String {
        let code = self.signer.code(PURPOSE, &[], &payload);
        payload.extend_from_slice(&code);
        URL_SAFE_NO_PAD.encode(payload)
    }

    /// Reads a token. Nothing in it is looked at before its signature.
    pub(crate) fn open(&self, text: &str, now: Timestamp) -> Result<Token, Rejected> {
        let payload =
            self.verified(text).and_then(|payload| read(&payload)).ok_or(Rejected::Unknown)?;
        if now < payload.expires {
            Ok(Token(payload))
        } else {
            Err(Rejected::Expired { command: payload.invitation.command })
        }
    }

    fn verified(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > LONGEST {
            return None;
        }
        let mut payload = URL_SAFE_NO_PAD.decode(text).ok()?;
        let code = payload.split_off(payload.len().checked_sub(CODE_LENGTH)?);
        let code: [u8; CODE_LENGTH] = code.try_into().ok()?;
        let mut keys = std::iter::once(&self.signer).chain(&self.former);
        keys.any(|key| key.accepts(PURPOSE, &[], &payload, &code)).then_some(payload)
    }
}

fn read(payload: &[u8]) -> Option<Payload> {
    match payload.split_first()? {
        (&VERSION, json) => serde_json::from_slice(json).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::Workspace;

    const TODAY: &str = "the-key-of-today";
    const YESTERDAY: &str = "the-key-of-yesterday";

    fn keys(secrets: &[&str]) -> Keys {
        let keys = secrets.iter().map(|secret| SigningKey::new(&(*secret).into()).unwrap());
        Keys::new(keys.collect()).unwrap()
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
        let day = jiff::SignedDuration::from_hours(24);
        let second = jiff::SignedDuration::from_secs(1);
        let token = keys.open(&text, now() + day - second).unwrap();
        assert_eq!(token.invitation(), &invitation());
        assert_eq!(token.age(now() + second), Duration::from_secs(1));
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
        assert!(Keys::new(Vec::new()).is_none());
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
        let of_another_kind = keys.signer.code("v1", &[], &json);
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

    #[test]
    fn no_address_travels_and_nothing_personal_prints() {
        let with_address = Invitation {
            name: Some("ada@example.com".to_owned()),
            subscriber: Some("ada@example.com".to_owned()),
            ..invitation()
        };
        let token = Token::issue(&with_address, now());
        let keys = keys(&[TODAY]);
        let payload = URL_SAFE_NO_PAD.decode(keys.seal(&token)).unwrap();
        assert!(!String::from_utf8_lossy(&payload).contains("example.com"));
        let printed = format!("{with_address:?} {token:?} {keys:?}");
        for secret in ["example.com", "ada@", "Acme", TODAY] {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
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
            let expected = invitation.presentable();
            let keys = keys(&[TODAY]);
            let token = keys.open(&sealed(&keys, &invitation), now()).unwrap();
            prop_assert_eq!(token.invitation(), &expected);
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
}
