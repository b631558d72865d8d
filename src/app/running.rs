//! The service while it runs, and its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{App, Listeners};
use crate::answering::Common;
use crate::clock::Tick;
use crate::http::{self, Drained, Limits};
use crate::supervise::Background;

/// How often it is looked whether everybody is answered when the service is about to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long answers may take after no more requests are taken.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
/// How long people may then take to be told that there will be no answer.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl App {
    /// Serves until `stop`, goes on for `server.drain` while it says that it is not ready, and then lets
    /// what has begun come to its end, for fifteen seconds at most.
    pub async fn serve(&self, listeners: Listeners, limits: Limits, stop: CancellationToken) {
        self.serve_beside(listeners, limits, stop, Vec::new()).await;
    }

    /// As [`App::serve`], with further tasks in the background.
    pub(crate) async fn serve_beside(
        &self,
        listeners: Listeners,
        limits: Limits,
        stop: CancellationToken,
        further: Vec<Background>,
    ) {
        let Common { store, audit, held, known_links, clock, .. } = &*self.common;
        // Of its own, not a child of `stop`: promises are kept until the last one is.
        let ended = CancellationToken::new();
        let mut background = self.start_background(further, &ended);
        let closing = CancellationToken::new();
        let drain = async {
            stop.cancelled().await;
            self.stopping.cancel();
            // Whoever sends people here has to see that it is not ready before they meet a closed door.
            clock.sleep(self.drain).await;
            closing.cancel();
            clock.monotonic()
        };
        let ops = async {
            if let Some(listener) = listeners.ops {
                let limits = limits.for_operators();
                http::serve(listener, self.ops_router(), limits, closing.clone()).await;
            }
        };
        let public = http::serve(listeners.public, self.router(), limits, closing.clone());
        let (closed_at, drained, ()) = tokio::join!(drain, public, ops);
        if let Drained::CutOff(connections) = drained {
            tracing::warn!(connections, "connections were broken off");
        }
        self.settle(closed_at).await;
        ended.cancel();
        // What is still asked of Novu for the index is of no use to anybody any more.
        background.shutdown().await;
        for surface in &self.surfaces {
            surface.machine().break_off();
            surface.machine().drain().await;
        }
        let behind = async {
            tokio::join!(audit.finish(), held.finish(), known_links.finish());
        };
        if !self.ends_by(closed_at + LAST_ANSWERS + LAST_WORDS, behind.boxed()).await {
            tracing::warn!("what was noted could not be written in time");
        }
        audit.give_up();
        if !self.ends_by(closed_at + LAST_ANSWERS + LAST_WORDS, store.close().boxed()).await {
            tracing::warn!(
                "the store did not close in time; what is held there is taken over later"
            );
        }
    }

    fn start_background(&self, further: Vec<Background>, ended: &CancellationToken) -> JoinSet<()> {
        let Common { store, audit, held, known_links, metrics, .. } = &*self.common;
        let of_surfaces = self.surfaces.iter().flat_map(|surface| {
            let machine = surface.machine().background();
            machine.into_iter().chain(Arc::clone(surface).background())
        });
        let of_store = store.is_durable().then(|| self.store_keeper());
        let mut running = JoinSet::new();
        let of_core = [held.background(), known_links.background(), audit.background()];
        for task in of_surfaces.chain(of_store).chain(of_core).chain(further) {
            metrics.begin_background(task.name());
            let (supervisor, ended) = (Arc::clone(&self.supervisor), ended.clone());
            running.spawn(async move { supervisor.keep_up(task, ended).await });
        }
        running
    }

    fn store_keeper(&self) -> Background {
        let store = Arc::new((self.common.store.clone(), Arc::clone(&self.common.clock)));
        Background::new("store_keeper", &store, |store, stop| async move {
            let (store, clock) = &*store;
            stop.run_until_cancelled(store.keep(clock).boxed()).await;
        })
    }

    /// Answers whoever has been promised an answer, once no more requests come in. What a durable store
    /// holds can wait for the next start, unless it is due; of any other, the people are told to ask
    /// again where it takes too long.
    async fn settle(&self, closed_at: Tick) {
        let answers_until = closed_at + LAST_ANSWERS;
        if self.common.store.is_durable() {
            self.ends_by(answers_until, self.nothing_is_due().boxed()).await;
            self.ends_by(answers_until + LAST_WORDS, self.tell_what_is_left().boxed()).await;
            return;
        }
        if self.ends_by(answers_until, self.keep_promises().boxed()).await {
            return;
        }
        for surface in &self.surfaces {
            surface.machine().conclude().await;
        }
        if !self.ends_by(answers_until + LAST_WORDS, self.keep_promises().boxed()).await {
            let promises = self.open_promises().await;
            tracing::warn!(promises, "some answers did not go out in time");
        }
    }

    async fn tell_what_is_left(&self) {
        let promises = self.open_promises().await;
        if promises > 0 {
            tracing::info!(promises, "promises are left to the next start");
        }
    }

    /// Whether something comes to its end in time.
    async fn ends_by(&self, until: Tick, work: BoxFuture<'_, ()>) -> bool {
        tokio::select! {
            biased;
            () = work => true,
            () = self.common.clock.sleep(until - self.common.clock.monotonic()) => false,
        }
    }

    /// Waits until every promise is kept and nobody is being answered any more. Call once no new
    /// requests come in, and while the background work still goes on.
    async fn keep_promises(&self) {
        loop {
            while self.open_promises().await > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            self.nobody_is_being_answered().await;
            // What was under way may have promised something meanwhile.
            if self.open_promises().await == 0 {
                return;
            }
        }
    }

    /// As [`App::keep_promises`], but for promises whose time has not come.
    async fn nothing_is_due(&self) {
        loop {
            self.nobody_is_being_answered().await;
            // A store that does not answer gives nothing to do.
            if self.common.store.jobs_at_hand().await.unwrap_or_default() == 0 {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn nobody_is_being_answered(&self) {
        for surface in &self.surfaces {
            surface.machine().drain().await;
        }
    }

    /// How many promises are not kept yet.
    async fn open_promises(&self) -> usize {
        self.common.store.open_jobs().boxed().await.unwrap_or_default()
    }
}
