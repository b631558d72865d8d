//! Subscribers found by an e-mail address that the platform vouches for.

use super::{Found, Resolution, ResolverKind};
use crate::core::answer::Reason;
use crate::core::directory::DirectoryError;
use crate::core::person::{Kind, Profile};
use crate::core::trouble;
use crate::novu::{Error, Novu, Subscriber, SubscriberSearch};

/// Subscribers asked for at once.
const PAGE_SIZE: u16 = 100;
/// Pages read before the search counts as ambiguous: Novu searches for parts of addresses, so a
/// short one can occur in many longer ones.
const MOST_PAGES: usize = 5;

/// Finds the one subscriber with a person's confirmed e-mail address.
///
/// Novu's search is for substrings and ignores case, and addresses in it are not unique (Novu,
/// subscribers v2), so every result is compared here, and two matches refuse.
#[derive(Debug)]
pub struct EmailResolver {
    novu: Novu,
}

impl EmailResolver {
    /// A resolver that searches with the given client.
    #[must_use]
    pub fn new(novu: Novu) -> Self {
        Self { novu }
    }

    pub(super) async fn resolve(&self, profile: Result<Profile, DirectoryError>) -> Resolution {
        // Who cannot be looked up cannot be matched, and is not handed to a weaker resolver either.
        let profile = profile.map_err(|error| Resolution::Refuse(error.into()));
        let address = match profile.and_then(|profile| vouched(&profile)) {
            Ok(address) => address,
            Err(resolution) => return resolution,
        };
        match self.search(&address).await {
            Ok(Some(matches)) => only(matches),
            // Somebody may be among those whom nobody has looked at.
            Ok(None) => Resolution::Refuse(Reason::EmailAmbiguous.into()),
            Err(error) => Resolution::Refuse(trouble(&error)),
        }
    }

    /// All subscribers whose address is the given one. Nothing if that cannot be said, because there
    /// were more results than are read, or some that make no sense.
    async fn search(&self, address: &str) -> Result<Option<Vec<Subscriber>>, Error> {
        let mut search =
            SubscriberSearch { limit: Some(PAGE_SIZE), ..SubscriberSearch::by_email(address) };
        let mut matches = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.novu.search_subscribers(&search).await?;
            if page.skipped > 0 {
                return Ok(None);
            }
            matches.extend(page.items.into_iter().filter(|subscriber| {
                subscriber.email.as_deref().is_some_and(|email| same_address(email, address))
            }));
            match page.next {
                Some(next) => search.after = Some(next),
                None => return Ok(Some(matches)),
            }
        }
        Ok(None)
    }
}

/// Equal but for case; nothing else is normalised, because mail servers do not agree on more.
fn same_address(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn only(mut matches: Vec<Subscriber>) -> Resolution {
    match (matches.pop(), matches.len()) {
        (None, _) => Resolution::NotMine(Reason::EmailUnknown),
        (Some(subscriber), 0) => Resolution::Found(Box::new(Found {
            subscriber: Some(subscriber.clone()),
            ..Found::id(ResolverKind::Email, subscriber.subscriber_id)
        })),
        (Some(_), _) => Resolution::Refuse(Reason::EmailAmbiguous.into()),
    }
}

/// The address, if the platform vouches for it and for the person as a full member.
fn vouched(profile: &Profile) -> Result<String, Resolution> {
    if profile.kind != Kind::Member {
        return Err(Resolution::NotMine(Reason::Guest));
    }
    let email = profile
        .email
        .as_ref()
        .filter(|email| email.address.contains('@'))
        .ok_or(Resolution::NotMine(Reason::EmailMissing))?;
    if email.confirmed {
        Ok(email.address.trim().to_owned())
    } else {
        Err(Resolution::Refuse(Reason::EmailUnconfirmed.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::answer::Refusal;
    use crate::core::person::Email;

    fn profile(kind: Kind, email: Option<(&str, bool)>) -> Profile {
        Profile {
            name: None,
            locale: None,
            kind,
            email: email
                .map(|(address, confirmed)| Email { address: address.to_owned(), confirmed }),
        }
    }

    #[test]
    fn only_a_confirmed_address_of_a_full_member_counts() {
        let mine = |profile| vouched(&profile);
        assert_eq!(
            mine(profile(Kind::Member, Some((" a@b.example ", true)))).unwrap(),
            "a@b.example"
        );
        let cases = [
            (profile(Kind::Guest, Some(("a@b.example", true))), "NotMine(Guest)"),
            (profile(Kind::Member, None), "NotMine(EmailMissing)"),
            (profile(Kind::Member, Some(("", true))), "NotMine(EmailMissing)"),
            (profile(Kind::Member, Some(("a", true))), "NotMine(EmailMissing)"),
        ];
        for (profile, verdict) in cases {
            assert_eq!(format!("{:?}", mine(profile).unwrap_err()), verdict);
        }
        assert!(matches!(
            mine(profile(Kind::Member, Some(("a@b.example", false)))).unwrap_err(),
            Resolution::Refuse(Refusal { reason: Reason::EmailUnconfirmed, .. })
        ));
    }

    #[test]
    fn addresses_are_compared_without_case_and_with_nothing_else() {
        assert!(same_address("Ada@Example.com", "ada@example.COM"));
        assert!(!same_address("xada@example.com", "ada@example.com"));
        assert!(!same_address("ada@example.co", "ada@example.com"));
        assert!(!same_address("ada+x@example.com", "ada@example.com"));
    }
}
