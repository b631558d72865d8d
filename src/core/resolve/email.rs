//! Subscribers found by an e-mail address that the platform vouches for.

use std::sync::atomic::{AtomicBool, Ordering};

use super::email_domains::EmailDomains;
use super::{Found, Resolution, ResolverKind, Subject};
use crate::core::person::{EmailAddress, Kind, Person, Profile};
use crate::core::profiles::ProfilesError;
use crate::core::refusal::{Reason, Refusal};
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
    domains: EmailDomains,
    /// Whether the platform told no addresses when it was last asked.
    not_told: AtomicBool,
}

impl EmailResolver {
    /// A resolver for addresses in the given domains.
    #[must_use]
    pub fn new(domains: EmailDomains) -> Self {
        Self { domains, not_told: AtomicBool::new(false) }
    }

    /// Whether an address is in a domain that counts for this person.
    pub(super) fn counts(&self, subject: Subject<'_>, address: &str) -> bool {
        self.domains.permit(subject, address)
    }

    /// The domains whose addresses count.
    pub(super) const fn domains(&self) -> &EmailDomains {
        &self.domains
    }

    pub(super) async fn resolve(
        &self,
        subject: Subject<'_>,
        novu: &Novu,
        profile: Result<Profile, ProfilesError>,
    ) -> Resolution {
        // Who cannot be looked up cannot be matched, and is not handed to a weaker resolver either.
        let profile = profile.map_err(|error| Resolution::Refuse(error.into()));
        let profile = profile.inspect(|profile| self.tell_of_scope(subject.person, profile));
        let address = match profile.and_then(|profile| vouched(&profile)) {
            Ok(address) => address,
            Err(resolution) => return resolution,
        };
        if !self.counts(subject, &address) {
            return Resolution::Refuse(Reason::EmailDomain.into());
        }
        match search(novu, &address).await {
            Ok(Some(matches)) => only(matches),
            // Somebody may be among those whom nobody has looked at.
            Ok(None) => Resolution::Refuse(Reason::EmailAmbiguous.into()),
            Err(error) => Resolution::Refuse(error.into()),
        }
    }

    /// Tells the operator once when the platform stops or starts telling addresses.
    fn tell_of_scope(&self, person: &Person, profile: &Profile) {
        let not_told = profile.email == EmailAddress::NotTold;
        if self.not_told.swap(not_told, Ordering::Relaxed) == not_told {
            return;
        }
        let (platform, workspace) = (person.platform.as_str(), person.workspace.realm());
        if not_told {
            tracing::warn!(
                platform,
                workspace,
                advice = "Slack: put users:read.email into workspaces.scope and run workspace reconnect; Teams: \
                         use another resolver",
                "the platform tells this bot no e-mail addresses, so the resolver email refuses"
            );
        } else {
            tracing::info!(platform, workspace, "the platform tells e-mail addresses");
        }
    }
}

/// All subscribers whose address is the given one. None if that cannot be said, because there
/// were more results than are read, or some that make no sense.
async fn search(novu: &Novu, address: &str) -> Result<Option<Vec<Subscriber>>, Error> {
    let mut search =
        SubscriberSearch { limit: Some(PAGE_SIZE), ..SubscriberSearch::by_email(address) };
    let mut matches = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = novu.search_subscribers(&search).await?;
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

/// Equal but for the case of ASCII letters; nothing else is normalised. Mail servers do not agree on
/// more, and beyond ASCII other characters fold into letters, as the Kelvin sign does into `k`.
fn same_address(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn only(mut matches: Vec<Subscriber>) -> Resolution {
    match (matches.pop(), matches.len()) {
        (None, _) => Resolution::NotMine(Reason::EmailUnknown),
        (Some(subscriber), 0) => Resolution::Found(Box::new(Found {
            subscriber: Some(Box::new(subscriber.clone())),
            ..Found::id(ResolverKind::Email, subscriber.subscriber_id)
        })),
        (Some(_), _) => Resolution::Refuse(Reason::EmailAmbiguous.into()),
    }
}

/// The address, if the platform vouches for it and for the person as a full member.
///
/// That somebody is a guest, or has no address, the platform says for certain: another resolver may
/// find them. That it tells no addresses says nothing of the person.
fn vouched(profile: &Profile) -> Result<String, Resolution> {
    if profile.kind != Kind::Member {
        return Err(Resolution::NotMine(Reason::Guest));
    }
    let refuse = |reason| Err(Resolution::Refuse(Refusal::from(reason)));
    match &profile.email {
        EmailAddress::NotTold => refuse(Reason::EmailMissing),
        EmailAddress::None => Err(Resolution::NotMine(Reason::EmailMissing)),
        EmailAddress::Confirmed(address) | EmailAddress::Unconfirmed(address)
            if !address.contains('@') =>
        {
            Err(Resolution::NotMine(Reason::EmailMissing))
        }
        EmailAddress::Unconfirmed(_) => refuse(Reason::EmailUnconfirmed),
        EmailAddress::Confirmed(address) => Ok(address.trim_ascii().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(kind: Kind, email: EmailAddress) -> Profile {
        Profile {
            name: None,
            locale: None,
            kind,
            email,
            other_ids: Vec::new(),
            administrator: false,
        }
    }

    #[test]
    fn only_a_confirmed_address_of_a_full_member_counts() {
        let mine = |profile| vouched(&profile);
        let confirmed = |address: &str| EmailAddress::Confirmed(address.to_owned());
        let address = mine(profile(Kind::Member, confirmed(" a@b.example ")));
        assert_eq!(address.unwrap(), "a@b.example");
        let unconfirmed = EmailAddress::Unconfirmed("a@b.example".to_owned());
        let cases = [
            (profile(Kind::Guest, confirmed("a@b.example")), "NotMine(Guest)"),
            (profile(Kind::Guest, EmailAddress::NotTold), "NotMine(Guest)"),
            (profile(Kind::Member, EmailAddress::None), "NotMine(EmailMissing)"),
            (profile(Kind::Member, confirmed("a")), "NotMine(EmailMissing)"),
            (profile(Kind::Member, EmailAddress::NotTold), "Refuse(EmailMissing)"),
            (profile(Kind::Member, unconfirmed), "Refuse(EmailUnconfirmed)"),
        ];
        for (profile, verdict) in cases {
            let said = match mine(profile).unwrap_err() {
                Resolution::Refuse(refusal) => format!("Refuse({:?})", refusal.reason),
                other => format!("{other:?}"),
            };
            assert_eq!(said, verdict);
        }
    }

    #[test]
    fn addresses_are_compared_without_the_case_of_ascii_and_with_nothing_else() {
        assert!(same_address("Ada@Example.com", "ada@example.COM"));
        let others = [
            "xada@example.com",
            "ada@example.co",
            "ada+x@example.com",
            " ada@example.com",
            "ada@example.com\u{a0}",
        ];
        for other in others {
            assert!(!same_address(other, "ada@example.com"), "{other}");
        }
        assert!(!same_address("frank@example.com", "fran\u{212a}@example.com"));
        assert!(!same_address("\u{c4}@example.com", "\u{e4}@example.com"));
    }
}
