//! The ten endings that a message with a sign-in link can have, on each platform: what its person is told,
//! exactly once, and within which time.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::{Effect, Fault, Hold, Route};
use novu_connect_bot::clock::{Clock as _, Tick};

use super::A_WATCHS_LIFE;
use super::chat::{Chat, On, Told, Who};
use crate::bot::{MINT, PATIENCE};
use crate::log::Log;

use Act::{
    AppIsRemoved, Ask, Belongs, IsRefused, MessagesAreGone, MintsFail, MintsTakeLong,
    NothingListed, OtherAsks, OtherIsTold, Pass, Press, Reads, Recovers, Removed, SignIn,
};

/// One thing that happens in a story.
#[derive(Debug)]
enum Act {
    /// The asker's account belongs to a subscriber before anything begins: their own, or another one.
    Belongs { to_another: bool },
    /// Another member of the workspace asks for a link, so that the bot can reach them in Teams.
    OtherAsks,
    /// The asker asks for a link.
    Ask,
    /// Somebody signs in by the newest link.
    SignIn(Who),
    /// Somebody signs in by the newest link, and Novu refuses.
    IsRefused(Who),
    /// The asker presses a button of the newest message.
    Press(&'static str),
    /// An operator removes at Novu what connects the asker.
    Removed,
    /// No message can be replaced any more.
    MessagesAreGone,
    /// The app is removed from the asker's workspace.
    AppIsRemoved,
    /// Novu mints nothing any more.
    MintsFail,
    /// Novu mints nothing before it recovers.
    MintsTakeLong,
    /// Novu lists no endpoints any more.
    NothingListed,
    /// Novu works again, and so does Slack.
    Recovers,
    /// So many seconds in which the asker is told nothing.
    Pass(u64),
    /// The asker is told this, once, so many seconds after what happened last, with these buttons.
    Reads(&'static str, &'static [&'static str], std::ops::RangeInclusive<u64>),
    /// The other one has been told this, once.
    OtherIsTold(&'static str),
}

/// How a story ends for Novu and for operators.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    /// Whether the asker's subscriber reaches somebody.
    connected: bool,
    /// How many wrong persons were counted.
    alarms: u64,
    /// How many messages the asker sees, in Slack and in Teams.
    messages: [usize; 2],
    /// How many lines say that nobody could be told.
    untold: usize,
}

const CONNECTED: End = End { connected: true, alarms: 0, messages: [1, 1], untold: 0 };
const NOT_CONNECTED: End = End { connected: false, ..CONNECTED };

/// What whoever asks reads at once.
const ASKED: Act = Reads("Connect your account", ANYTHING, 0..=0);
const DISCONNECT: &[&str] = &["Disconnect"];
const NEW_LINK: &[&str] = &["New link"];
/// Whatever the buttons say.
const ANYTHING: &[&str] = &["…"];
const UNTOLD: &str = "a message could not be changed any more";
/// Longer than anybody is asked whether it was them.
const LONG: Duration = Duration::from_mins(70);

/// A story under way.
struct Play<'a> {
    chat: &'a Chat,
    /// What happens, for whoever has to read a failure.
    now: String,
    /// What the asker had been told before.
    told: Told,
    link: String,
    hold: Option<Hold>,
    since: Tick,
}

/// Plays a story on both platforms.
async fn play(acts: &[Act], end: End) {
    play_with(false, acts, end).await;
}

/// As [`play`], with somebody who may sign in by an account that cannot be tied to theirs, or not.
async fn play_with(is_doubtful: bool, acts: &[Act], end: End) {
    for (on, messages) in [On::Slack, On::Teams].into_iter().zip(end.messages) {
        let log = Log::read();
        let chat = Chat::start(on, is_doubtful).await;
        let mut play = Play {
            chat: &chat,
            now: String::new(),
            told: chat.told(Who::Asker),
            link: String::new(),
            hold: None,
            since: chat.clock.monotonic(),
        };
        for (number, act) in acts.iter().enumerate() {
            play.now = format!("{on:?}, {number}: {act:?}");
            play.act(act).await;
        }
        play.now = format!("{on:?}, afterwards");
        play.nothing_for(A_WATCHS_LIFE.as_secs()).await;
        chat.pass_by(Duration::from_mins(1), LONG).await;
        play.nothing_for(1).await;
        let (now, told) = (&play.now, &play.told);
        assert_eq!(chat.connected().len(), usize::from(end.connected), "{now}");
        assert_eq!(told.messages, messages, "{now}: {told:?}");
        let wrong = format!("connect_wrong_persons_total{{platform=\"{}\"", chat.name());
        assert_eq!(chat.metric(&wrong).await, end.alarms, "{now}");
        assert_eq!(log.lines(UNTOLD).len(), end.untold, "{now}");
        assert_eq!(chat.metric("connect_watches_open").await, 0, "{now}");
        assert_eq!(chat.metric("connect_promises_open").await, 0, "{now}");
        // What becomes of the other one's own link is nothing new.
        let _ = chat.told(Who::Other);
    }
}

impl Play<'_> {
    async fn act(&mut self, act: &Act) {
        let chat = self.chat;
        match *act {
            Belongs { to_another } => chat.belongs(to_another),
            OtherAsks => {
                chat.say(Who::Other, "connect").await;
                crate::bot::until(async || chat.told(Who::Other).times == 1).await;
                chat.settle().await;
            }
            Ask => chat.say(Who::Asker, "connect").await,
            SignIn(who) => {
                if who == Who::Untied {
                    chat.slack_tells_nobody_apart();
                }
                assert_eq!(chat.sign_in(&self.link, who).await, 200, "{}", self.now);
            }
            IsRefused(who) => {
                assert_eq!(chat.sign_in(&self.link, who).await, 500, "{}", self.now);
            }
            Press(label) => chat.press(label).await,
            Removed => chat.remove_connected().await,
            MessagesAreGone => chat.messages_are_gone(),
            AppIsRemoved => chat.app_is_removed(),
            MintsFail => {
                let failing = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
                chat.novu.fault(Fault::new(Route::post(MINT), failing));
            }
            MintsTakeLong => {
                let hold = Hold::new();
                chat.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
                self.hold = Some(hold);
            }
            NothingListed => chat.novu_lists_nothing(),
            Recovers => {
                chat.novu.clear_faults();
                chat.slack.clear_faults();
                if let Some(hold) = self.hold.take() {
                    hold.release();
                }
            }
            Pass(seconds) => return self.nothing_for(seconds).await,
            Reads(words, labels, ref within) => return self.reads(words, labels, within).await,
            OtherIsTold(words) => {
                chat.until_later(async || chat.told(Who::Other).text.contains(words)).await;
                return assert_eq!(chat.told(Who::Other).times, 2, "{}", self.now);
            }
        }
        self.since = chat.clock.monotonic();
    }

    /// The asker is told nothing for so long.
    async fn nothing_for(&mut self, seconds: u64) {
        self.chat.pass(Duration::from_secs(seconds)).await;
        assert_eq!(self.chat.told(Who::Asker), self.told, "{}", self.now);
    }

    async fn reads(
        &mut self,
        words: &str,
        labels: &[&str],
        within: &std::ops::RangeInclusive<u64>,
    ) {
        let chat = self.chat;
        let passed = || (chat.clock.monotonic() - self.since).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "seconds of a story")]
        let (first, last) = (*within.start() as f64, *within.end() as f64);
        let (before, now) = (self.told.times, self.now.clone());
        if first > 0.0 {
            let quiet = Duration::from_secs_f64(first - passed());
            chat.pass(quiet).await;
            assert_eq!(chat.told(Who::Asker).times, before, "{now}: too soon");
        }
        let step = Duration::from_millis(100);
        let patience = tokio::time::Instant::now() + PATIENCE;
        while chat.told(Who::Asker).times == before {
            assert!(tokio::time::Instant::now() < patience, "{now}: not told in time");
            // Little at a time: what has to be done meanwhile takes real time.
            if passed() + step.as_secs_f64() <= last {
                chat.clock.advance(step);
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        let told = chat.told(Who::Asker);
        assert_eq!(told.times, before + 1, "{now}: {told:?}");
        assert!(told.text.contains(words), "{now}: {told:?}");
        let labels: Vec<_> = labels.iter().map(|label| (*label).to_owned()).collect();
        if labels != ANYTHING {
            assert_eq!(told.labels, labels, "{now}: {told:?}");
        }
        if let Some(link) = &told.link {
            self.link.clone_from(link);
        }
        self.told = told;
        self.since = chat.clock.monotonic();
    }
}

#[tokio::test]
async fn connected_comes_by_itself_in_place_of_the_button_within_three_seconds() {
    let signed_in = [Ask, ASKED, SignIn(Who::Asker)];
    let told = [Reads("You are connected as", DISCONNECT, 0..=3)];
    play(&signed_in.into_iter().chain(told).collect::<Vec<_>>(), CONNECTED).await;
}

#[tokio::test]
async fn whoever_is_connected_already_reads_that_there_is_nothing_to_do() {
    let told = "There is nothing to do";
    play(&[Belongs { to_another: false }, Ask, Reads(told, DISCONNECT, 0..=0)], CONNECTED).await;
}

#[tokio::test]
async fn whoever_opens_anothers_link_is_removed_within_five_seconds_and_both_are_told() {
    let acts = [
        OtherAsks,
        Ask,
        Reads("Connect your account", ANYTHING, 0..=1),
        SignIn(Who::Other),
        Reads("Somebody else signed in with your link", NEW_LINK, 0..=5),
        OtherIsTold("für jemand anderen"),
    ];
    play(&acts, End { alarms: 1, ..NOT_CONNECTED }).await;
}

#[tokio::test]
async fn an_account_of_another_workspace_is_removed_within_five_seconds() {
    let told = "does not belong to this workspace";
    let acts = [Ask, ASKED, SignIn(Who::Outsider), Reads(told, NEW_LINK, 0..=5)];
    play(&acts, End { alarms: 1, ..NOT_CONNECTED }).await;
}

const YES: &str = "Yes, that was me";
const NO: &str = "No, that was not me";

/// Somebody signs in of whom only the asker can say whether it was them.
const IN_DOUBT: [Act; 4] =
    [Ask, ASKED, SignIn(Who::Untied), Reads("Was it you?", &[YES, NO], 0..=3)];

#[tokio::test]
async fn whoever_cannot_be_told_apart_is_asked_and_stays_connected_after_a_yes() {
    let acts = IN_DOUBT.into_iter().chain([
        Recovers,
        Press(YES),
        Reads("You are connected as", DISCONNECT, 0..=3),
    ]);
    play_with(true, &acts.collect::<Vec<_>>(), CONNECTED).await;
}

#[tokio::test]
async fn whoever_cannot_be_told_apart_is_removed_after_a_no_or_an_hour() {
    let no = [Recovers, Press(NO), Reads("I undid it", NEW_LINK, 0..=3)];
    play_with(true, &IN_DOUBT.into_iter().chain(no).collect::<Vec<_>>(), NOT_CONNECTED).await;
    let nothing = [Reads("I undid it", NEW_LINK, 3_598..=3_610)];
    // By then Slack lets nobody replace the message any more.
    let end = End { messages: [2, 1], ..NOT_CONNECTED };
    play_with(true, &IN_DOUBT.into_iter().chain(nothing).collect::<Vec<_>>(), end).await;
}

#[tokio::test]
async fn whose_account_another_subscriber_holds_reads_so_in_the_end() {
    let acts = [
        Belongs { to_another: true },
        Ask,
        ASKED,
        IsRefused(Who::Asker),
        Reads("run out", NEW_LINK, 297..=305),
        Reads("C-HELD", &["Connect"], 50..=70),
    ];
    play(&acts, NOT_CONNECTED).await;
}

#[tokio::test]
async fn while_novu_fails_nothing_is_said_that_may_be_untrue() {
    let away = || [Ask, ASKED, NothingListed, SignIn(Who::Asker)];
    let connected = || Reads("You are connected as", DISCONNECT, 0..=3);
    let acts = away().into_iter().chain([Pass(450), Recovers, connected()]);
    play(&acts.collect::<Vec<_>>(), CONNECTED).await;
    let acts = away().into_iter().chain([
        Reads("C-NOVU-DOWN", &["Connect"], 1_495..=1_505),
        Recovers,
        connected(),
    ]);
    play(&acts.collect::<Vec<_>>(), CONNECTED).await;
}

#[tokio::test]
async fn whom_novu_makes_wait_is_told_so_and_then_connected_all_the_same() {
    let acts = [
        MintsTakeLong,
        Ask,
        Reads("on its way", &[], 0..=4),
        Recovers,
        Reads("Connect your account", ANYTHING, 0..=3),
        SignIn(Who::Asker),
        Reads("You are connected as", DISCONNECT, 0..=3),
    ];
    play(&acts, CONNECTED).await;
}

#[tokio::test]
async fn whom_novu_mints_nothing_for_is_told_so_with_a_code() {
    let acts = [
        MintsFail,
        Ask,
        Reads("on its way", &[], 0..=4),
        // Time goes on while attempts are made, and on a busy machine they take long.
        Reads("C-NOVU-DOWN", &["Connect"], 5..=120),
    ];
    play(&acts, NOT_CONNECTED).await;
}

#[tokio::test]
async fn a_link_that_nobody_used_says_so_once_it_cannot_be_used() {
    let acts = [Ask, ASKED, Reads("run out", NEW_LINK, 298..=305)];
    play(&acts, NOT_CONNECTED).await;
}

#[tokio::test]
async fn where_the_message_is_gone_the_next_place_is_tried() {
    let acts = [
        Ask,
        ASKED,
        MessagesAreGone,
        SignIn(Who::Asker),
        Reads("You are connected as", DISCONNECT, 0..=3),
    ];
    play(&acts, End { messages: [2, 2], ..CONNECTED }).await;
}

#[tokio::test]
async fn where_there_is_no_place_left_one_line_in_the_log_says_so() {
    let acts = [Ask, ASKED, AppIsRemoved, SignIn(Who::Asker), Pass(10)];
    play(&acts, End { untold: 1, ..CONNECTED }).await;
}

#[tokio::test]
async fn what_is_removed_meanwhile_is_said_to_be_gone() {
    let acts = [
        Ask,
        ASKED,
        SignIn(Who::Asker),
        Reads("You are connected as", DISCONNECT, 0..=3),
        Removed,
        Reads("not connected any more", &["Connect again"], 0..=3),
    ];
    play(&acts, NOT_CONNECTED).await;
}

#[tokio::test]
async fn whoever_disconnects_by_the_message_itself_is_told_once() {
    let acts = [
        Ask,
        ASKED,
        SignIn(Who::Asker),
        Reads("You are connected as", DISCONNECT, 0..=3),
        Press("Disconnect"),
        Reads("Do you want to disconnect?", &["Yes, disconnect", "Stay connected"], 0..=1),
        Press("Yes, disconnect"),
        Reads("You are disconnected", &["Connect again"], 0..=1),
    ];
    play(&acts, NOT_CONNECTED).await;
}
