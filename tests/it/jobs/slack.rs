//! What Slack's people are promised, what becomes of it, and what is said at once instead.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::novu::Profile;
use connect_sandbox::slack::{Door, Message};
use connect_sandbox::{Effect, Fault, Hold, Route};
use jiff::Timestamp;
use novu_connect_bot::clock::{Clock, between};

use super::{down_for, status, throttled};
use crate::bot::{ADA, Bot, MINT, email, find_button, find_code, is_on_its_way, until};

const ENDPOINTS: &str = "/v1/channel-endpoints";
const PROFILE: &str = "/api/users.info";
const BUDGET: (&str, &str) = ("CONNECT_SLACK__REPLY_BUDGET", "200ms");
const PATIENT_NOVU: (&str, &str) = ("CONNECT_NOVU__PATIENCE", "20s");
/// People are found by what Slack says of them, so that it can refuse as well.
const BY_EMAIL: (&str, &str) = ("CONNECT_IDENTITY__CHAIN", "email");

/// How long it is until nothing that was looked up is known any more.
const FORGOTTEN: Duration = Duration::from_mins(11);

/// How a refusal is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dealt {
    /// It is promised and tried again, though there is time to say it.
    Promised,
    /// It is said as soon as it is met.
    Said,
}

/// Every refusal by Novu: the request that meets it, how, its code.
fn refusals() -> Vec<(Route, Effect, &'static str, Dealt)> {
    let mint = || Route::post(MINT);
    let slow = || Effect::Slow(Duration::from_secs(20));
    vec![
        (mint(), throttled(8), "C-NOVU-BUSY", Dealt::Promised),
        (mint(), throttled(30), "C-NOVU-BUSY", Dealt::Promised),
        (mint(), throttled(31), "C-NOVU-BUSY", Dealt::Said),
        (mint(), status(StatusCode::TOO_MANY_REQUESTS), "C-NOVU-BUSY", Dealt::Promised),
        (mint(), down_for(8), "C-NOVU-DOWN", Dealt::Promised),
        (mint(), down_for(31), "C-NOVU-DOWN", Dealt::Said),
        (mint(), status(StatusCode::BAD_GATEWAY), "C-NOVU-DOWN", Dealt::Promised),
        (mint(), slow(), "C-NOVU-SLOW", Dealt::Said),
        (mint(), status(StatusCode::BAD_REQUEST), "C-NOVU-REJECTED", Dealt::Said),
        (mint(), status(StatusCode::UNAUTHORIZED), "C-NOVU-KEY", Dealt::Said),
        (mint(), Effect::WrongShape, "C-NOVU-ANSWER", Dealt::Said),
    ]
}

/// Whatever the route leads to meets this effect from now on.
fn meets(bot: &Bot, route: Route, effect: Effect, is_slack: bool) {
    let fault = Fault::new(route, effect);
    if is_slack { bot.slack.fault(fault) } else { bot.novu.fault(fault) }
}

/// What was asked and met the fault: the moments.
fn tries(bot: &Bot, is_slack: bool) -> Vec<Timestamp> {
    let (all, path) =
        if is_slack { (bot.slack.requests(), PROFILE) } else { (bot.novu.requests(), MINT) };
    all.into_iter().filter(|it| it.path() == path).map(|it| it.at).collect()
}

/// Whether it was asked again after a pause, and not only within one call.
fn tried_again(moments: &[Timestamp]) -> bool {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else { return false };
    between(*first, *last) >= Duration::from_secs(2)
}

/// The next row has everything to itself, after so long.
fn next_row(bot: &Bot, pause: Duration) {
    bot.novu.clear_faults();
    bot.slack.clear_faults();
    bot.novu.clear_requests();
    bot.slack.clear_requests();
    bot.slack.clear_messages();
    bot.clock.advance(pause);
}

/// What was posted to response URLs so far.
fn posts(bot: &Bot) -> Vec<Message> {
    let mut messages = bot.slack.messages();
    messages.retain(|message| matches!(message.door, Door::ResponseUrl(_)));
    messages
}

async fn kept(bot: &Bot) {
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
}

#[tokio::test]
async fn a_refusal_that_may_pass_is_promised_and_tried_again() {
    let bot = Bot::start_with(&[BY_EMAIL, ("CONNECT_NOVU__PATIENCE", "400ms")]).await;
    bot.ready().await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    let profile = || Route::path(PROFILE);
    let by_slack = [
        (profile(), throttled(8), "C-PROFILE", Dealt::Promised),
        (profile(), throttled(31), "C-PROFILE", Dealt::Said),
        (profile(), status(StatusCode::BAD_GATEWAY), "C-PROFILE", Dealt::Promised),
    ];
    for (route, effect, code, dealt) in refusals().into_iter().chain(by_slack) {
        let row = format!("{effect:?} {code}");
        let is_slack = code == "C-PROFILE";
        meets(&bot, route, effect, is_slack);
        let reply = bot.command(ADA, "").await;
        if dealt == Dealt::Promised {
            assert!(is_on_its_way(reply.text()), "{row}: {}", reply.text());
            bot.until_later(async || posts(&bot).len() == 1).await;
            assert_eq!(find_code(posts(&bot)[0].text()).as_deref(), Some(code), "{row}");
            assert!(tried_again(&tries(&bot, is_slack)), "{row}");
        } else {
            assert_eq!(reply.find_code().as_deref(), Some(code), "{row}: {}", reply.text());
            assert_eq!(bot.metric("connect_promises_open").await, 0, "{row}");
        }
        kept(&bot).await;
        next_row(&bot, FORGOTTEN);
    }
}

#[tokio::test]
async fn a_refusal_that_may_pass_is_tried_again_once_the_answer_is_promised() {
    let bot = Bot::start_with(&[BY_EMAIL, BUDGET, ("CONNECT_NOVU__PATIENCE", "800ms")]).await;
    bot.ready().await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    let by_slack = [(Route::path(PROFILE), Effect::Hangup, "C-PROFILE", Dealt::Promised)];
    for (route, effect, code, dealt) in by_slack.into_iter().chain(refusals()) {
        let row = format!("{effect:?} {code}");
        let is_slack = code == "C-PROFILE";
        meets(&bot, route, effect, is_slack);
        let hold = Hold::new();
        bot.novu.fault(Fault::new(Route::get(ENDPOINTS), Effect::Hold(hold.clone())).times(1));
        let reply = bot.command(ADA, "").await;
        assert!(is_on_its_way(reply.text()), "{row}: {}", reply.text());
        hold.release();
        let step = Duration::from_millis(200);
        bot.until_later_by(step, async || posts(&bot).len() == 1).await;
        assert_eq!(find_code(posts(&bot)[0].text()).as_deref(), Some(code), "{row}");
        assert_eq!(tried_again(&tries(&bot, is_slack)), dealt != Dealt::Said, "{row}");
        kept(&bot).await;
        next_row(&bot, FORGOTTEN);
    }
}

#[tokio::test]
async fn a_question_counts_once_however_often_its_answer_is_tried() {
    let bot = Bot::start_with(&[BUDGET]).await;
    bot.ready().await;
    bot.novu.fault(Fault::new(Route::post(MINT), throttled(3)).times(20));
    // As many as a person may ask at once; three seconds later they may ask one more.
    for _ in 0..10 {
        let reply = bot.command(ADA, "").await;
        assert!(is_on_its_way(reply.text()), "{}", reply.text());
    }
    bot.until_later(async || bot.slack.messages().len() == 10).await;
    for message in bot.slack.messages() {
        assert!(find_button(&message.body).is_some(), "{}", message.text());
    }
}

#[tokio::test]
async fn nothing_is_posted_before_slack_has_dealt_with_the_response() {
    let bot = Bot::start_with(&[BUDGET, PATIENT_NOVU]).await;
    bot.ready().await;
    let hold = Hold::new();
    let slow = Fault::new(Route::post(MINT), Effect::Hold(hold.clone())).times(1);
    // Novu has answered by the time of the response, or asks to come back at once.
    for (fault, releases) in
        [(slow, true), (Fault::new(Route::post(MINT), throttled(0)).times(2), false)]
    {
        bot.novu.fault(fault);
        let reply = bot.command(ADA, "").await;
        assert!(is_on_its_way(reply.text()), "{}", reply.text());
        let answered_at = bot.clock.now();
        if releases {
            hold.release();
        }
        let came = async || posts(&bot).len() == 1;
        bot.until_later_by(Duration::from_millis(2), came).await;
        let post = &posts(&bot)[0];
        let pause = between(answered_at, post.at);
        assert!(pause >= Duration::from_millis(250), "{pause:?}");
        assert!(find_button(&post.body).is_some());
        kept(&bot).await;
        next_row(&bot, Duration::from_mins(2));
    }
}

#[tokio::test]
async fn whoever_hangs_up_gets_their_answer_whenever_it_is_ready() {
    // The answer comes in time, or after the promise, or is a refusal that passes.
    for (budget, promised, refused) in
        [("2500ms", 0, false), ("300ms", 1, false), ("2500ms", 0, true)]
    {
        let row = format!("{budget} {refused}");
        let settings = [("CONNECT_SLACK__REPLY_BUDGET", budget), PATIENT_NOVU];
        let bot = Bot::start_with(&settings).await;
        bot.ready().await;
        let hold = Hold::new();
        bot.novu.fault(Fault::new(Route::get(ENDPOINTS), Effect::Hold(hold.clone())).times(1));
        if refused {
            bot.novu.fault(Fault::new(Route::post(MINT), throttled(25)).times(1));
        }
        let request = bot.slash(ADA, "");
        bot.post_and_hang_up("/slack/commands", request, hold.reached(1)).await;
        until(async || bot.metric("connect_promises_open").await == promised).await;
        hold.release();
        bot.until_later(async || bot.slack.messages().len() == 1).await;
        assert!(find_button(&bot.slack.messages()[0].body).is_some(), "{row}");
        until(async || bot.metric("connect_promises_open").await == 0).await;
        assert_eq!(bot.mints().len(), if refused { 2 } else { 1 }, "{row}");
    }
}
