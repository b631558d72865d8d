//! Work that many wait for and that is done once.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Lets one piece of work run at a time, and gives what comes of it to everybody who waits.
///
/// The work runs in a task of its own: it goes on if whoever began it gives up waiting. Where it
/// panics, those who wait learn that it brought nothing, and the next one begins it anew.
pub struct SingleFlight<T>(Mutex<Option<Flight<T>>>);

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

/// A piece of work that is under way, or was.
pub struct Flight<T>(watch::Receiver<Option<T>>);

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// The work that is under way; if there is none, `work` begins.
    pub fn join_or_begin<F>(&self, work: impl FnOnce() -> F) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        // A panic while the lock was held leaves whole values behind: there is nothing to repair.
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = current.as_ref().filter(|flight| flight.is_under_way()) {
            return flight.clone();
        }
        let (ended, flight) = watch::channel(None);
        let work = work();
        tokio::spawn(async move {
            let outcome = work.await;
            ended.send_replace(Some(outcome));
        });
        let flight = Flight(flight);
        *current = Some(flight.clone());
        flight
    }

    /// The work that is under way.
    pub fn under_way(&self) -> Option<Flight<T>> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|flight| flight.is_under_way()).cloned()
    }
}

impl<T: Clone> Flight<T> {
    /// Waits for what comes of the work; `None` if it broke off.
    pub async fn outcome(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }

    fn is_under_way(&self) -> bool {
        self.0.borrow().is_none() && self.0.has_changed().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[derive(Default)]
    struct Scene {
        flight: SingleFlight<usize>,
        begun: Arc<AtomicUsize>,
        go: Arc<Notify>,
    }

    impl Scene {
        fn join(&self) -> Flight<usize> {
            let (begun, go) = (Arc::clone(&self.begun), Arc::clone(&self.go));
            self.flight.join_or_begin(|| async move {
                let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
                go.notified().await;
                number
            })
        }
    }

    #[tokio::test]
    async fn many_who_wait_share_one_outcome_and_the_next_begins_anew() {
        let scene = Scene::default();
        let waiting: Vec<_> = (0..20).map(|_| tokio::spawn(scene.join().outcome())).collect();
        scene.go.notify_one();
        for waiter in waiting {
            assert_eq!(waiter.await.unwrap(), Some(1));
        }
        assert!(scene.flight.under_way().is_none());
        let next = scene.join();
        scene.go.notify_one();
        assert_eq!(next.outcome().await, Some(2));
    }

    #[tokio::test]
    async fn the_work_goes_on_when_whoever_began_it_gives_up() {
        let scene = Scene::default();
        drop(scene.join());
        let flight = scene.flight.under_way().unwrap();
        scene.go.notify_one();
        assert_eq!(flight.outcome().await, Some(1));
    }

    #[tokio::test]
    async fn work_that_panics_brings_nothing_and_stops_nobody() {
        let scene = Scene::default();
        let broken = scene.flight.join_or_begin(|| async { panic!("on purpose") });
        assert_eq!(broken.outcome().await, None);
        let next = scene.join();
        scene.go.notify_one();
        assert_eq!(next.outcome().await, Some(1));
    }
}
