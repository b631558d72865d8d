//! SIGKILL in the middle of a busy run: every question that was acknowledged has its one answer within
//! a minute of the next start, on SQLite, on PostgreSQL, and on PostgreSQL with a second replica.
//!
//! The program itself runs as a process on the real clock, with a slow Novu, and people of Slack and
//! Teams who ask without a pause. When it is killed is left to chance. `just kill` does it fifty times.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod chance;
mod service;
mod story;
mod tally;
mod world;

use std::time::Duration;

use futures_util::{StreamExt, stream};

use self::chance::Chance;
use self::story::{Setup, tell};
use self::tally::Tally;
use connect_sandbox::Postgres;

/// How many stories are told, each with a kill or two, if not [`KILLS`] says so.
const FEW: usize = 5;
/// The environment variable for it.
const KILLS: &str = "CONNECT_KILLS";
/// The environment variable with the seed of an earlier run.
const SEED: &str = "CONNECT_KILL_SEED";
/// How many stories go on at once: most of the time they wait.
const AT_ONCE: usize = 5;
/// The longest that anybody may wait for an answer after the next start.
const LONGEST: Duration = Duration::from_mins(1);

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable).map(|text| text.to_str().unwrap().parse().unwrap())
}

/// A seed that a failure names.
fn seed() -> u64 {
    number(SEED).unwrap_or_else(Chance::seed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_question_is_answered_whenever_the_service_is_killed() {
    let many = number(KILLS).map(|many| usize::try_from(many).unwrap());
    let seed = seed();
    let postgres = Postgres::shared();
    let setups =
        [Some(Setup::Sqlite), postgres.map(Setup::Replicas), postgres.map(Setup::Postgres)];
    // Where there is no PostgreSQL, its share is left out.
    let setups = setups.into_iter().cycle().take(many.unwrap_or(FEW)).zip(seed..);
    let stories = setups.filter_map(|(setup, seed)| Some((setup?, seed)));
    let stories = stories.map(|(setup, seed)| async move {
        let tally = tell(setup, seed).await;
        println!("{setup}, seed {seed}: {tally}");
        tally
    });
    let tallies: Vec<Tally> = stream::iter(stories).buffer_unordered(AT_ONCE).collect().await;
    let all = Tally::sum(&tallies);
    println!("all, seed {seed}: {all}");
    assert_eq!(all.trouble, [""; 0], "{all}, CONNECT_KILL_SEED={seed}");
    assert!(all.longest < LONGEST, "{all}, CONNECT_KILL_SEED={seed}");
    // Few kills are too few to count by the hundred.
    assert!(many.is_none() || all.twice * 100 <= all.answers, "{all}, CONNECT_KILL_SEED={seed}");
}

/// Without this, the story above could not be trusted: it has to notice what is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_memory_holds_is_lost() {
    let tally = tell(Setup::Memory, seed()).await;
    println!("{tally}");
    assert!(tally.lost() > 0, "{tally}");
}
