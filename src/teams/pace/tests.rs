//! Tests of `pace.rs`.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::clock::{Clock, ManualClock};

fn start() -> (ManualClock, Pace) {
    let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
    (clock.clone(), Pace::new(Arc::new(clock)))
}

/// Whether there is a turn right now.
fn passes(pace: &Pace, clock: &ManualClock, conversation: &str, tenant: &str) -> bool {
    passes_in(Lane::Messages, pace, clock, conversation, tenant)
}

fn passes_in(
    lane: Lane,
    pace: &Pace,
    clock: &ManualClock,
    conversation: &str,
    tenant: &str,
) -> bool {
    let turn = pace.turn(lane, conversation, tenant, clock.monotonic());
    turn.now_or_never().is_some_and(|turn| turn.is_ok())
}

/// The most turns in any window. They are in order.
fn most_within(turns: &[Tick], window: Duration) -> usize {
    let within = |(index, first): (usize, &Tick)| {
        turns[index..].partition_point(|turn| *turn - *first < window)
    };
    turns.iter().enumerate().map(within).max().unwrap_or_default()
}

/// What Teams allows in so many seconds.
const fn limits(lane: Lane) -> [(u64, usize); 4] {
    match lane {
        Lane::Messages | Lane::Conversations => [(1, 7), (2, 8), (30, 60), (3600, 1800)],
        Lane::Members => [(1, 14), (2, 16), (30, 120), (3600, 3600)],
    }
}

const LANES: [Lane; 3] = [Lane::Messages, Lane::Members, Lane::Conversations];

/// Where the wall clock is set to, if it is set.
fn jump() -> impl Strategy<Value = Option<Timestamp>> {
    let seconds = 0_i64..4_000_000_000;
    proptest::option::of(seconds.prop_map(|second| Timestamp::from_second(second).unwrap()))
}

proptest! {
    #[test]
    fn no_window_has_more_than_teams_allows(
        lane in proptest::sample::select(&LANES[..]),
        steps in proptest::collection::vec((0_u64..3000, 1_usize..20, jump()), 1..120),
    ) {
        let (clock, pace) = start();
        let mut turns = Vec::new();
        for (step, wanted, jump) in steps {
            clock.advance(Duration::from_millis(step));
            if let Some(wall) = jump {
                clock.set(wall);
            }
            for number in 0..wanted {
                // Another tenant each time, whose own pace does not stand before this one's.
                let tenant = number.to_string();
                if passes_in(lane, &pace, &clock, "19:a", &tenant) {
                    turns.push(clock.monotonic());
                }
            }
        }
        for (seconds, most) in limits(lane) {
            prop_assert!(most_within(&turns, Duration::from_secs(seconds)) <= most);
        }
    }
}

#[test]
fn an_hour_of_hurry_stays_within_the_hours_limit() {
    for lane in LANES {
        let (clock, pace) = start();
        let mut turns = Vec::new();
        for _ in 0..3600 * 2 * 4 {
            if passes_in(lane, &pace, &clock, "19:a", "tenant") {
                turns.push(clock.monotonic());
            }
            clock.advance(Duration::from_millis(250));
        }
        let [.., (_, hour)] = limits(lane);
        let most = most_within(&turns, Duration::from_hours(1));
        assert!((hour * 9 / 10..=hour).contains(&most), "{lane:?}: {most}");
    }
}

#[test]
fn looking_members_up_leaves_the_messages_their_turns() {
    let (clock, pace) = start();
    let asked = (0..20).filter(|tenant: &usize| {
        passes_in(Lane::Members, &pace, &clock, "19:a", &tenant.to_string())
    });
    assert_eq!(asked.count(), 12);
    let sent = (20..40).filter(|tenant| passes(&pace, &clock, "19:a", &tenant.to_string()));
    assert_eq!(sent.count(), 6);
}

#[test]
fn a_tenant_has_thirty_turns_a_second_in_all_its_conversations() {
    let (clock, pace) = start();
    let mut turns = Vec::new();
    for number in 0..4000 {
        if passes(&pace, &clock, &format!("19:{number}"), "tenant") {
            turns.push(clock.monotonic());
        }
        clock.advance(Duration::from_millis(1));
    }
    let most = most_within(&turns, Duration::from_secs(1));
    assert!((25..=30).contains(&most), "{most}");
    assert!(passes(&pace, &clock, "19:x", "another tenant"));
}

#[test]
fn the_threads_of_a_channel_share_one_pace() {
    let (clock, pace) = start();
    let thread = |number: usize| format!("19:a@thread.tacv2;messageid={number}");
    let passed = (0..20).filter(|n| passes(&pace, &clock, &thread(*n), "tenant")).count();
    assert!(passed <= 6);
}

#[tokio::test]
async fn a_turn_is_waited_for_until_the_deadline_and_no_longer() {
    let (clock, pace) = start();
    let pace = Arc::new(pace);
    while passes(&pace, &clock, "19:a", "tenant") {}
    let soon = clock.monotonic() + Duration::from_millis(100);
    let refused = pace.turn(Lane::Messages, "19:a", "another", soon).await;
    let Err(Crowded(wait)) = refused else { panic!("a turn too early") };
    assert!(wait > Duration::from_millis(100) && wait <= Duration::from_millis(700));

    let later = clock.monotonic() + Duration::from_secs(5);
    let waiting = tokio::spawn({
        let pace = Arc::clone(&pace);
        async move { pace.turn(Lane::Messages, "19:a", "another", later).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    clock.advance(wait);
    assert_eq!(waiting.await.unwrap(), Ok(()));
}

#[test]
fn quiet_conversations_are_forgotten() {
    let (clock, pace) = start();
    for number in 0..CLEAN_EVERY * 3 {
        clock.advance(Duration::from_secs(4));
        assert!(passes(&pace, &clock, &number.to_string(), "tenant"));
    }
    assert!(pace.messages.hour.len() <= CLEAN_EVERY as usize + 10);
    assert!(pace.messages.seconds.len() <= CLEAN_EVERY as usize + 10);
}
