//! The end of the service, in good order and otherwise: what was acknowledged is answered.

use std::sync::Arc;
use std::time::Duration;

use connect_sandbox::teams::Signed;
use connect_sandbox::{Effect, Fault, Hold, Route};
use novu_connect_bot::app::{App, Config, Listeners};
use novu_connect_bot::http::Limits;
use novu_connect_bot::net;
use novu_connect_bot::random::SystemRandom;
use novu_connect_bot::store::{Memory, Store};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::bot::teams::{ADA, GROUP, TeamsBot, link};
use crate::bot::{MINT, no_files, until};

const PATIENT_NOVU: (&str, &str) = ("CONNECT_NOVU__PATIENCE", "20s");

/// A service whose Novu does not mint until the hold is released.
async fn held_bot() -> (TeamsBot, Hold) {
    (TeamsBot::start_with(&[PATIENT_NOVU]).await, Hold::new())
}

fn hold_mints(bot: &TeamsBot, hold: &Hold) {
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
}

/// Begins to stop the service and waits until it lets nobody in.
async fn close(bot: &TeamsBot) {
    bot.begin_stop();
    until(async || reqwest::get(format!("{}/healthz", bot.url)).await.is_err()).await;
}

/// Waits until the service has ended, while time goes on.
async fn ended(bot: &mut TeamsBot) {
    let clock = bot.clock.clone();
    let time = async {
        loop {
            clock.advance(Duration::from_millis(100));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = bot.stop() => {}
        () = time => {}
    }
}

#[tokio::test]
async fn a_question_that_is_being_answered_is_answered_before_the_end() {
    let (mut bot, hold) = held_bot().await;
    hold_mints(&bot, &hold);
    bot.say_in(ADA, GROUP, "connect").await;
    hold.reached(1).await;
    close(&bot).await;
    assert_eq!(bot.teams.messages(), []);
    hold.release();
    ended(&mut bot).await;
    let messages = bot.teams.messages();
    let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
    assert_eq!(card.only_for.as_deref(), Some(ADA));
    link(card);
}

#[tokio::test]
async fn a_pressed_button_is_answered_before_the_end_and_so_is_what_it_promises() {
    let (mut bot, hold) = held_bot().await;
    let card = bot.ask(ADA, "connect").await;
    hold_mints(&bot, &hold);
    let notice = bot.press(ADA, &card, "New link").await;
    assert!(notice.as_str().unwrap().contains("on its way"), "{notice}");
    hold.reached(1).await;
    close(&bot).await;
    hold.release();
    ended(&mut bot).await;
    let messages = bot.teams.messages();
    let [late] = messages.as_slice() else { panic!("{} cards", messages.len()) };
    assert_ne!(link(late), link(&card));
}

/// Another instance of a service, that can be killed.
struct Instance {
    url: String,
    runtime: Option<Runtime>,
}

impl Instance {
    /// Starts beside `bot`, in the same surroundings, with its promises in `store`.
    async fn start(bot: &TeamsBot, store: &Memory) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = Config::load(None, bot.settings(), &no_files).unwrap();
        let (store, clock) = (Store::Memory(store.clone()), Arc::new(bot.clock.clone()));
        let (tell, told) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            let app = App::build_on(store, config, clock, Arc::new(SystemRandom)).await.unwrap();
            let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(format!("http://{}", public.local_addr().unwrap())).unwrap();
            let listeners = Listeners { public, ops: None };
            app.serve(listeners, Limits::default(), CancellationToken::new()).await;
        });
        Self { url: told.await.unwrap(), runtime: Some(runtime) }
    }

    /// Sends a request to the path that Teams calls. Gives the status.
    async fn deliver(&self, request: Signed) -> u16 {
        let url = format!("{}/api/messages", self.url);
        let post = net::client().unwrap().post(url).headers(request.headers).body(request.body);
        post.send().await.unwrap().status().as_u16()
    }

    /// Ends it at once, with everything that it does.
    async fn kill(mut self) {
        self.end();
        until(async || reqwest::get(format!("{}/healthz", self.url)).await.is_err()).await;
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.end();
    }
}

#[tokio::test]
async fn what_a_killed_instance_promised_the_next_one_delivers_once() {
    let (bot, hold) = held_bot().await;
    hold_mints(&bot, &hold);
    let store = Memory::new(Arc::new(bot.clock.clone()));
    let first = Instance::start(&bot, &store).await;
    let question = bot.teams.message(ADA, GROUP, "connect");
    assert_eq!(first.deliver(question.signed()).await, 200);
    hold.reached(1).await;
    first.kill().await;
    bot.novu.clear_faults();
    hold.release();
    let open = async || Store::Memory(store.clone()).open_jobs().await.unwrap();
    assert_eq!(open().await, 1);
    assert_eq!(bot.teams.messages(), []);

    let _second = Instance::start(&bot, &store).await;
    bot.until_later(async || open().await == 0).await;
    bot.clock.advance(Duration::from_mins(5));
    let messages = bot.teams.messages();
    let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
    assert_eq!(card.only_for.as_deref(), Some(ADA));
    link(card);
}
