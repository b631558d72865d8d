//! What an auditor asks for later: who was linked, refused, removed and disconnected when, and what
//! administrators did.
//!
//! Each process writes a chain of lines of its own. A line names the hash of the one before, so none can be
//! changed, put in or taken out without breaking the chain; where the chain ends stands in the log, so that
//! its end cannot be cut off unseen. People are in it by pseudonyms that are made with a secret of each
//! person, so that somebody can be forgotten and the chain still holds.
//!
//! Whoever has something to note does not wait: a task in the background writes it.

mod event;
mod line;
mod paging;
mod reading;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretSlice;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::random::SharedRandom;
use crate::store::{Appended, AuditRow, Owner, Store, StoreError};
use crate::supervise::Background;

pub use event::{Actor, Event, Kind};
pub use line::Checkpoint;
pub use paging::{Page, page};
pub use reading::{Found, Verdict, export, verify};

/// The most events that wait to be written.
const MOST_WAITING: usize = 10_000;
/// After so many lines the log says how long the chain is.
const SAID_EVERY: i64 = 100;
/// How long it takes until what could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(1);
/// How often that is tried at the end.
const ATTEMPTS_AT_THE_END: usize = 3;

/// Takes note of what an auditor asks for later.
#[derive(Debug)]
pub struct Audit {
    store: Store,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    waiting: Mutex<VecDeque<(Event, Timestamp)>>,
    /// Rings when something waits.
    noted: Notify,
    writer: AsyncMutex<Writer>,
}

/// Who writes the chain.
#[derive(Debug)]
struct Writer {
    chain: Checkpoint,
    /// A line that may be in the store already.
    under_way: Option<AuditRow>,
}

impl Audit {
    /// Begins a chain, and says so in the log.
    #[must_use]
    pub fn begin(
        store: Store,
        clock: SharedClock,
        random: &SharedRandom,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut id = [0; 8];
        random.fill(&mut id);
        let chain = Checkpoint::beginning(hex::encode(id));
        tracing::info!(checkpoint = %chain, "an audit chain begins");
        let writer = AsyncMutex::new(Writer { chain, under_way: None });
        let (waiting, noted) = Default::default();
        Self { store, clock, metrics, waiting, noted, writer }
    }

    /// Takes note of an event, which is written soon. Waits for nothing.
    pub fn note(&self, event: Event) {
        let at = self.clock.now();
        let mut waiting = self.waiting();
        if waiting.len() >= MOST_WAITING {
            drop(waiting);
            self.lose(&event, "too many wait to be written, because the store cannot be used");
            return;
        }
        waiting.push_back((event, at));
        self.noted.notify_one();
    }

    /// What writes what was noted.
    #[must_use]
    pub fn background(self: &Arc<Self>) -> Background {
        Background::new("audit", self, |audit, stop: CancellationToken| async move {
            stop.run_until_cancelled(audit.keep_writing()).await;
        })
    }

    async fn keep_writing(&self) {
        loop {
            // Why it failed is in the store's own line.
            if self.write_all().await.is_err() {
                self.clock.sleep(WRITE_AGAIN).await;
            } else {
                self.noted.notified().await;
            }
        }
    }

    /// Writes what still waits, once nobody notes anything any more, and says where the chain ends. What
    /// cannot be written is told to the log.
    pub async fn finish(&self) {
        for attempt in 1..=ATTEMPTS_AT_THE_END {
            if self.write_all().await.is_ok() {
                break;
            }
            if attempt < ATTEMPTS_AT_THE_END {
                self.clock.sleep(WRITE_AGAIN).await;
            }
        }
        self.say("an audit chain ends").await;
    }

    /// Gives up what still waits, and says what that was.
    pub fn give_up(&self) {
        for (event, _) in std::mem::take(&mut *self.waiting()) {
            self.lose(&event, "the service stopped before it could be written");
        }
    }

    async fn write_all(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        loop {
            while let Some(row) = writer.under_way.clone() {
                self.append(&mut writer, row).await?;
            }
            // It stays where it is until it is a line, so that nothing is lost if this is broken off.
            let Some((event, at)) = self.waiting().front().cloned() else { return Ok(()) };
            let secret = self.secret(event.person.as_ref()).await?;
            let others = self.secret(event.other.as_ref()).await?;
            let row = writer.chain.next(&event, at, secret.as_ref(), others.as_ref());
            self.waiting().pop_front();
            writer.under_way = Some(row);
        }
    }

    async fn append(&self, writer: &mut Writer, row: AuditRow) -> Result<(), StoreError> {
        match self.store.append_to_audit(row.clone()).await? {
            Appended::Done => self.appended(writer, &row),
            Appended::Taken => {
                tracing::error!(chain = row.chain, "an audit chain has the name of another one");
                let chain = Checkpoint::beginning(line::hash(&row.chain)[..16].to_owned());
                tracing::info!(checkpoint = %chain, "an audit chain begins");
                writer.under_way = line::moved(&row, &chain);
                writer.chain = chain;
            }
        }
        Ok(())
    }

    fn appended(&self, writer: &mut Writer, row: &AuditRow) {
        writer.under_way = None;
        writer.chain = Checkpoint::after(row);
        self.metrics.audit_lines.set(row.number);
        if !self.store.is_durable() {
            tracing::info!(line = row.line, "audit");
        }
        if row.number % SAID_EVERY == 0 {
            tracing::info!(checkpoint = %writer.chain, "an audit chain goes on");
        }
    }

    async fn say(&self, what: &'static str) {
        let writer = self.writer.lock().await;
        tracing::info!(checkpoint = %writer.chain, "{what}");
    }

    async fn secret(&self, owner: Option<&Owner>) -> Result<Option<SecretSlice<u8>>, StoreError> {
        match owner {
            Some(owner) => self.store.pseudonym_secret(owner).await,
            None => Ok(None),
        }
    }

    fn lose(&self, event: &Event, cause: &'static str) {
        self.metrics.audit_lines_lost.inc();
        let (kind, reference) = (event.kind.word(), event.reference.as_deref());
        tracing::error!(kind, reference, cause, "an audit line is lost");
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(Event, Timestamp)>> {
        // A panic while the lock was held leaves a whole queue behind: there is nothing to repair.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
