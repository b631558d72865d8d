use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use jiff::Timestamp;

use super::*;
use crate::clock::ManualClock;
use crate::core::person::{EmailAddress, Workspace};

const SLACK: AccountPolicy = AccountPolicy { require_profile: true, only_members_ask: true };

fn person(workspace: &str) -> Person {
    Person {
        platform: crate::slack::PLATFORM.id(),
        workspace: Workspace::standalone(workspace),
        user: "U1".to_owned(),
    }
}

fn profile(kind: Kind) -> Profile {
    let (name, locale, other_ids) = Default::default();
    Profile { name, locale, email: EmailAddress::None, kind, other_ids, administrator: false }
}

/// A platform that answers what it is told to.
#[derive(Debug)]
struct Platforms {
    answer: Mutex<Result<Profile, ProfilesError>>,
    asked: AtomicUsize,
    health: ProfileHealth,
    clock: ManualClock,
}

impl Platforms {
    fn new(policy: AccountPolicy) -> Self {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        Self {
            answer: Mutex::new(Ok(profile(Kind::Member))),
            asked: AtomicUsize::new(0),
            health: ProfileHealth::new(policy, Arc::new(clock.clone())),
            clock,
        }
    }

    async fn meets(&self, workspace: &str, answer: Result<Profile, ProfilesError>) {
        *self.answer.lock().unwrap() = answer;
        let _ = self.health.look_up(self, &person(workspace), None).await;
    }

    fn warnings(&self) -> Vec<&'static str> {
        self.health.warnings().into_iter().collect()
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl Profiles for Platforms {
    fn profile<'a>(
        &'a self,
        _: &'a Person,
        _: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        std::future::ready(self.answer.lock().unwrap().clone()).boxed()
    }
}

#[test]
fn who_passes_is_a_matter_of_the_account_and_of_what_is_demanded() {
    let lenient = AccountPolicy { require_profile: false, ..SLACK };
    let teams = AccountPolicy { only_members_ask: false, ..SLACK };
    let no = |reason| Err(reason);
    let unknown = no(Reason::ProfileUnavailable);
    let cases = [
        (Ok(profile(Kind::Member)), Ok(true), Ok(true), Ok(true)),
        (Ok(profile(Kind::Guest)), Ok(true), Ok(true), Ok(true)),
        (Ok(profile(Kind::Bot)), no(Reason::Bot), no(Reason::Bot), no(Reason::Bot)),
        (
            Err(ProfilesError::Stranger),
            no(Reason::External),
            no(Reason::External),
            no(Reason::External),
        ),
        (Err(ProfilesError::NotAllowed("missing_scope")), unknown, Ok(false), unknown),
        (Err(ProfilesError::Unavailable), unknown, Ok(false), unknown),
        (Err(ProfilesError::Throttled(None)), unknown, Ok(false), unknown),
        (Err(ProfilesError::OutOfReach), unknown, Ok(false), unknown),
        (Err(ProfilesError::Expired), Ok(false), Ok(false), unknown),
    ];
    for (profile, in_slack, without_profile, in_teams) in cases {
        for (policy, anybody_asks, expected) in [
            (SLACK, false, in_slack),
            (lenient, false, without_profile),
            (teams, false, in_teams),
            // A button that anybody can press who sees it.
            (SLACK, true, in_teams),
        ] {
            let verdict = policy.admit(profile.clone(), anybody_asks);
            let verdict = verdict.map(|profile| profile.is_some()).map_err(|no| no.reason);
            assert_eq!(verdict, expected, "{profile:?} {policy:?} {anybody_asks}");
        }
    }
}

#[tokio::test]
async fn after_a_few_failures_in_a_row_nobody_waits_but_one_who_finds_out() {
    let platform = Platforms::new(SLACK);
    let down = || Err(ProfilesError::Unavailable);
    for _ in 0..2 {
        platform.meets("T1", down()).await;
    }
    platform.meets("T1", Ok(profile(Kind::Member))).await;
    for _ in 0..5 {
        platform.meets("T1", down()).await;
    }
    assert_eq!(platform.asked(), 3 + 3, "a success begins the row anew");
    assert_eq!(platform.warnings(), ["profiles_unreachable"]);

    platform.clock.advance(PAUSE);
    for _ in 0..5 {
        platform.meets("T1", down()).await;
    }
    assert_eq!(platform.asked(), 1);

    platform.clock.set(Timestamp::MIN);
    platform.clock.advance(PAUSE);
    platform.meets("T1", Ok(profile(Kind::Member))).await;
    platform.meets("T1", Ok(profile(Kind::Member))).await;
    assert_eq!(platform.asked(), 2, "a clock that steps back holds nobody up");
    assert_eq!(platform.warnings(), [""; 0]);
}

#[tokio::test]
async fn a_reason_that_lasts_is_reported_for_a_minute_after_it_was_met() {
    let platform = Platforms::new(SLACK);
    platform.meets("T1", Err(ProfilesError::NotAllowed("token_revoked"))).await;
    platform.meets("T2", Ok(profile(Kind::Member))).await;
    assert_eq!(platform.warnings(), ["token_revoked"]);
    platform.meets("T1", Ok(profile(Kind::Member))).await;
    assert_eq!(platform.warnings(), [""; 0]);
    platform.meets("T1", Err(ProfilesError::NotAllowed("token_revoked"))).await;
    platform.meets("T2", Err(ProfilesError::Expired)).await;
    assert_eq!(platform.warnings(), ["token_expired", "token_revoked"]);
    platform.clock.advance(REPORTED_FOR);
    assert_eq!(platform.warnings(), [""; 0]);
}
