//! Another instance of the service, that can be killed.

use std::sync::Arc;

use connect_sandbox::teams::Signed;
use novu_connect_bot::app::{App, Config, Listeners};
use novu_connect_bot::http::Limits;
use novu_connect_bot::net;
use novu_connect_bot::random::SystemRandom;
use reqwest::header::HeaderMap;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Bot, ITSELF, Request, Storage, no_files, until, url_of};

/// Another instance of a service, in a runtime of its own.
pub(crate) struct Replica {
    pub(crate) url: String,
    runtime: Option<Runtime>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Replica {
    /// Starts beside `bot`, in the same surroundings, with its promises in `storage`.
    pub(crate) async fn start(bot: &Bot, storage: &Storage) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut settings = bot.settings();
        settings.extend(storage.settings().map(|(name, value)| (name.to_owned(), value)));
        // People reach all instances at one address.
        settings.values_mut().filter(|it| *it == ITSELF).for_each(|it| it.clone_from(&bot.url));
        let config = Config::load(None, settings, &no_files).unwrap();
        let clock = Arc::new(bot.clock.clone());
        let (tell, told) = tokio::sync::oneshot::channel();
        let store = storage.opener(config.store.clone(), Arc::clone(&clock) as _);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let served = runtime.spawn(async move {
            let (store, random) = (store.await, Arc::new(SystemRandom));
            let app = App::build_on(store, config, clock, random).await.unwrap();
            let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(url_of(&public)).unwrap();
            let listeners = Listeners { public, ops: None };
            app.serve(listeners, Limits::default(), stopped).await;
        });
        let url = told.await.unwrap();
        let replica = Self { url, runtime: Some(runtime), stop, served };
        replica.ready().await;
        replica
    }

    /// Waits until it is ready.
    async fn ready(&self) {
        let url = format!("{}/readyz", self.url);
        let succeeds = async || reqwest::get(&url).await.is_ok_and(|it| it.status().is_success());
        until(succeeds).await;
    }

    /// Sends a request of Slack's to the path that it calls. Gives the status and the body.
    pub(crate) async fn post(&self, path: &str, request: Request) -> (u16, String) {
        let sealed = request.seal();
        let body = sealed.outgoing();
        self.send(path, sealed.headers, body).await
    }

    /// Sends a request to the path that Teams calls. Gives the status.
    pub(crate) async fn deliver(&self, request: Signed) -> u16 {
        self.send("/api/messages", request.headers, request.body).await.0
    }

    async fn send(
        &self,
        path: &str,
        headers: HeaderMap,
        body: impl Into<reqwest::Body>,
    ) -> (u16, String) {
        let post = net::client().unwrap().post(format!("{}{path}", self.url));
        let response = post.headers(headers).body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(self, bot: &Bot) {
        self.stop.cancel();
        // What it waits for at the end, it waits for by this clock.
        bot.until_later(async || self.served.is_finished()).await;
    }

    /// Ends it at once, with everything that it does.
    pub(crate) async fn kill(mut self) {
        self.end();
        until(async || reqwest::get(format!("{}/healthz", self.url)).await.is_err()).await;
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.end();
    }
}
