use futures_util::FutureExt;
use proptest::prelude::*;
use reqwest::header::HeaderValue;

use super::*;
use crate::clock::ManualClock;

const LONG: Duration = Duration::from_mins(1);

fn queue() -> (Queue, ManualClock) {
    let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
    (Queue::new(Arc::new(clock.clone())), clock)
}

fn answer(status: u16, remaining: Option<u32>) -> Answered {
    let mut headers = HeaderMap::new();
    if let Some(remaining) = remaining {
        headers.insert("ratelimit-remaining", HeaderValue::from(remaining));
        let policy = "100;w=5;burst=110;comment=\"token bucket\";category=\"configuration\"";
        headers.insert("ratelimit-policy", HeaderValue::from_static(policy));
    }
    let status = StatusCode::from_u16(status).unwrap();
    Answered { status, headers, body: bytes::Bytes::new() }
}

/// Takes a turn at once, if that is possible.
fn try_turn(queue: &Queue, rank: Rank) -> Option<Turn<'_>> {
    queue.turn(queue.place(rank), LONG).now_or_never().map(Result::unwrap)
}

/// Calls that can go out at once, one after the other. What comes back tells nothing.
fn free(queue: &Queue) -> usize {
    std::iter::from_fn(|| try_turn(queue, Rank::LookUp)).take(1000).count()
}

#[tokio::test]
async fn without_headers_there_is_no_budget_and_with_them_it_is_what_they_say() {
    let (queue, clock) = queue();
    assert_eq!(free(&queue), 1000);
    try_turn(&queue, Rank::LookUp).unwrap().answered(&answer(200, None), None);
    assert_eq!(free(&queue), 1000);
    try_turn(&queue, Rank::LookUp).unwrap().answered(&answer(200, Some(7)), None);
    // A proxy's page says nothing of Novu's limits.
    let (first, second) = (try_turn(&queue, Rank::LookUp), try_turn(&queue, Rank::LookUp));
    first.unwrap().answered(&answer(502, None), None);
    drop(second);
    assert_eq!(free(&queue), 5);
    clock.advance(Duration::from_millis(49));
    assert_eq!(free(&queue), 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(free(&queue), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(free(&queue), 20);
}

#[tokio::test]
async fn what_is_under_way_is_taken_off_what_remains() {
    let (queue, _clock) = queue();
    let mut turns: Vec<_> = std::iter::from_fn(|| try_turn(&queue, Rank::LookUp)).collect();
    assert_eq!(turns.len(), MOST_AT_FIRST, "while nothing is known");
    turns.pop().unwrap().answered(&answer(200, Some(70)), None);
    assert_eq!(free(&queue), 70 - (MOST_AT_FIRST - 1));
}

#[tokio::test]
async fn an_answer_that_was_overtaken_allows_no_more_than_there_is() {
    let (queue, _clock) = queue();
    try_turn(&queue, Rank::LookUp).unwrap().answered(&answer(200, Some(100)), None);
    let mut turns: Vec<_> =
        std::iter::from_fn(|| try_turn(&queue, Rank::LookUp)).take(90).collect();
    turns.drain(1..).for_each(|turn| turn.answered(&answer(200, Some(10)), None));
    turns.pop().unwrap().answered(&answer(200, Some(99)), None);
    assert_eq!(free(&queue), 10);
}

#[tokio::test]
async fn a_429_closes_the_queue_for_everybody_and_who_has_less_time_is_told_at_once() {
    let (queue, clock) = queue();
    let pause = Duration::from_secs(2);
    try_turn(&queue, Rank::LookUp).unwrap().answered(&answer(429, Some(0)), Some(pause));
    assert_eq!(free(&queue), 0);
    let short = queue.turn(queue.place(Rank::Change), Duration::from_secs(1));
    assert_eq!(short.now_or_never().unwrap().err(), Some(OutOfTurn::Throttled(pause)));
    clock.advance(pause);
    assert_eq!(free(&queue), 40, "what has come back meanwhile");
}

#[tokio::test]
async fn changes_go_before_look_ups_and_these_before_polling_each_in_its_order() {
    let (queue, clock) = queue();
    let queue = Arc::new(queue);
    try_turn(&queue, Rank::LookUp).unwrap().answered(&answer(200, Some(0)), None);
    let served = Arc::new(Mutex::new(Vec::new()));
    let ranks = [Rank::Poll, Rank::LookUp, Rank::Change, Rank::LookUp, Rank::Change, Rank::Poll];
    let mut waiting = Vec::new();
    for (number, rank) in ranks.into_iter().enumerate() {
        let (queue, served) = (Arc::clone(&queue), Arc::clone(&served));
        waiting.push(tokio::spawn(async move {
            let turn = queue.turn(queue.place(rank), LONG).await.unwrap();
            served.lock().unwrap().push(number);
            drop(turn);
        }));
        tokio::task::yield_now().await;
    }
    while waiting.iter().any(|waiter| !waiter.is_finished()) {
        clock.advance(Duration::from_millis(10));
        tokio::task::yield_now().await;
    }
    assert_eq!(*served.lock().unwrap(), [2, 4, 1, 3, 0, 5]);
}

#[tokio::test]
async fn who_gives_up_holds_up_nobody() {
    let (queue, clock) = queue();
    try_turn(&queue, Rank::LookUp).unwrap().answered(&answer(200, Some(0)), None);
    let first = queue.turn(queue.place(Rank::LookUp), Duration::from_millis(1)).await;
    assert_eq!(first.err(), Some(OutOfTurn::Throttled(USUAL_PAUSE)));
    clock.advance(Duration::from_millis(50));
    assert!(try_turn(&queue, Rank::LookUp).is_some());
    assert!(queue.state().waiting.is_empty());
}

proptest! {
    /// Whatever the headers say: nobody is kept from calling for good.
    #[test]
    fn odd_headers_stop_nobody(remaining in ".{0,8}", policy in "[0-9w=;]{0,12}") {
        let (queue, clock) = queue();
        let mut odd = answer(200, None);
        for (name, value) in [("ratelimit-remaining", remaining), ("ratelimit-policy", policy)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                odd.headers.insert(name, value);
            }
        }
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            try_turn(&queue, Rank::LookUp).unwrap().answered(&odd, None);
            clock.advance(Duration::from_secs(1_000_000));
            assert!(free(&queue) > 0);
        });
    }
}
