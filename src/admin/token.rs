//! The tokens of the admin API: whose they are, and what they let them do.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::config::{Complaint, Parsed, parse};

/// The longest name of a token, in characters.
const LONGEST_NAME: usize = 40;
/// A shorter token could be guessed by trying.
const SHORTEST_TOKEN: usize = 32;

/// What a token lets its holder do. Each role can do all that the ones before it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// See workspaces, the audit and what the doctor says.
    Read,
    /// See people, and remove their links.
    People,
    /// Connect and disconnect workspaces.
    All,
}

impl Role {
    /// The word for it in the configuration.
    #[must_use]
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::People => "people",
            Self::All => "all",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Read, Self::People, Self::All].into_iter().find(|role| role.word() == text)
    }
}

/// A token of the admin API, of which only a hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AdminToken {
    /// Who has it, as the audit and the log name them.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    hash: [u8; 32],
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, role, .. } = self;
        f.debug_struct("AdminToken").field("name", name).field("role", role).finish_non_exhaustive()
    }
}

impl AdminToken {
    /// Reads `name:role:token`.
    ///
    /// # Errors
    /// What is wrong with it, without any of it.
    pub(crate) fn parse(text: &str) -> Parsed<Self> {
        let mut parts = text.splitn(3, ':');
        let (Some(name), Some(role), Some(token)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("is not of the form name:role:token: write it like \
                        backoffice:read:TOKEN"
                .into());
        };
        let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || name.len() > LONGEST_NAME || !name.chars().all(is_letter) {
            return Err(format!(
                "has a name that cannot be used: write 1 to {LONGEST_NAME} lower-case letters, digits and \
                 hyphens, the first a letter"
            )
            .into());
        }
        let role = Role::read(role).ok_or("has an unknown role: write read, people or all")?;
        let token = parse::secret(token).map_err(|complaint| about_token(&complaint))?;
        let token = token.expose_secret();
        if token.len() < SHORTEST_TOKEN {
            return Err(format!(
                "has a token of fewer than {SHORTEST_TOKEN} characters: make one with \
                 \"openssl rand -hex 32\""
            )
            .into());
        }
        Ok(Self { name: name.to_owned(), role, hash: hash(token) })
    }

    /// The name and the role, for whoever looks at the configuration.
    pub(crate) fn described(&self) -> String {
        format!("{} ({})", self.name, self.role.word())
    }

    /// What is wrong with tokens that are right one by one.
    pub(crate) fn contradiction(tokens: &[Self]) -> Option<&'static str> {
        let among = |same: fn(&Self, &Self) -> bool| {
            let repeats = |(at, token)| tokens.iter().take(at).any(|other| same(other, token));
            tokens.iter().enumerate().any(repeats)
        };
        if among(|one, other| one.name == other.name) {
            return Some("has a name twice: give each token a name of its own");
        }
        among(|one, other| one.hash == other.hash)
            .then_some("has a token twice: make one for each name with \"openssl rand -hex 32\"")
    }
}

fn about_token(complaint: &Complaint) -> Complaint {
    format!("has a token that {complaint}").into()
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Who has shown their token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The name of the token.
    pub(super) name: String,
    /// What it lets them do.
    pub(super) role: Role,
}

/// The tokens in force.
#[derive(Debug)]
pub(super) struct Tokens(RwLock<Arc<[AdminToken]>>);

impl Tokens {
    pub(super) fn new(tokens: Vec<AdminToken>) -> Self {
        Self(RwLock::new(tokens.into()))
    }

    /// Puts others in force.
    pub(super) fn take(&self, tokens: Vec<AdminToken>) {
        // Every change is one assignment, so a panic leaves nothing half done.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = tokens.into();
    }

    fn now(&self) -> Arc<[AdminToken]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        self.now().is_empty()
    }

    /// Who has shown this. The hashes of all tokens are compared to their ends, so how long it takes says
    /// nothing about any of them.
    pub(super) fn caller(&self, shown: &str) -> Option<Caller> {
        let shown = hash(shown);
        let mut found = None;
        for token in &*self.now() {
            if verify_slices_are_equal(&token.hash, &shown).is_ok() {
                found = Some(Caller { name: token.name.clone(), role: token.role });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "canary-0123456789abcdef0123456789abcdef";

    fn token(name: &str, token: &str) -> AdminToken {
        AdminToken::parse(&format!("{name}:read:{token}")).unwrap()
    }

    #[test]
    fn what_is_no_token_is_told_with_its_fix_and_without_the_token() {
        let long_name = "a".repeat(41);
        for (text, words) in [
            (LONG.to_owned(), "name:role:token"),
            (format!("reader:{LONG}"), "name:role:token"),
            (format!(":read:{LONG}"), "has a name"),
            (format!("Reader:read:{LONG}"), "has a name"),
            (format!("1st:read:{LONG}"), "has a name"),
            (format!("a b:read:{LONG}"), "has a name"),
            (format!("{long_name}:read:{LONG}"), "has a name"),
            (format!("reader:write:{LONG}"), "read, people or all"),
            (format!("reader:Read:{LONG}"), "read, people or all"),
            (format!("reader:read:{}", &LONG[..31]), "openssl rand -hex 32"),
            (format!("reader:read:{LONG} "), "a space"),
            (format!("reader:read:example-{LONG}"), "only an example"),
            ("reader:read:".to_owned(), "openssl rand -hex 32"),
        ] {
            let complaint = AdminToken::parse(&text).unwrap_err();
            assert!(complaint.contains(words), "{text}: {complaint}");
            assert!(!complaint.contains("canary"), "{complaint}");
        }
    }

    #[test]
    fn a_token_may_have_colons_and_never_prints() {
        let with_colons = format!("{LONG}:x");
        let tokens = Tokens::new(vec![token("back-office-2", &with_colons)]);
        assert!(tokens.caller(&with_colons).is_some());
        let hash = hex::encode(hash(&with_colons));
        let printed = format!("{tokens:?}");
        assert!(printed.contains("back-office-2"));
        assert!(!printed.contains("canary") && !printed.contains(&hash), "{printed}");
    }

    #[test]
    fn names_and_tokens_are_distinct() {
        let other = LONG.replace("canary", "canari");
        let contradiction = |tokens: &[AdminToken]| AdminToken::contradiction(tokens);
        assert_eq!(contradiction(&[token("a", LONG), token("b", &other)]), None);
        let twice = contradiction(&[token("a", LONG), token("a", &other)]).unwrap();
        assert!(twice.contains("a name twice"), "{twice}");
        let twice = contradiction(&[token("a", LONG), token("b", LONG)]).unwrap();
        assert!(twice.contains("a token twice"), "{twice}");
    }

    #[test]
    fn whoever_shows_a_token_is_its_holder_and_nobody_else_is() {
        let other = LONG.replace("canary", "canari");
        let all = AdminToken::parse(&format!("owner:all:{other}")).unwrap();
        let tokens = Tokens::new(vec![token("reader", LONG), all]);
        let named = |shown: &str| tokens.caller(shown).map(|caller| (caller.name, caller.role));
        assert_eq!(named(LONG), Some(("reader".to_owned(), Role::Read)));
        assert_eq!(named(&other), Some(("owner".to_owned(), Role::All)));
        for stranger in ["", &LONG[1..], &LONG.to_uppercase(), &format!("{LONG} ")] {
            assert_eq!(named(stranger), None);
        }
        tokens.take(Vec::new());
        assert!(tokens.are_none() && named(LONG).is_none());
    }
}
