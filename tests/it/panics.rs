//! A panic in the service fails the story that it happens in, as soon as the story looks.
//!
//! The service and the stand-ins share the thread of their story, so what panics there is that story's.
//! A panic on a thread without a story, such as one that blocks, fails whichever story looks next.

use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

/// What panicked, on which thread; none for a thread without a story.
static PANICS: Mutex<Vec<(Option<ThreadId>, String)>> = Mutex::new(Vec::new());

thread_local! {
    /// The words of the panics that this story is about.
    static EXPECTED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Lets panics with these words pass from now on, in this story.
pub(crate) fn expect(words: &'static str) {
    EXPECTED.set(Some(words));
}

/// Notes every panic from now on, beside whatever else is done with it. What panicked on this thread
/// before was another story's.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            note(panic);
            usual(panic);
        }));
    });
    take();
}

fn note(panic: &PanicHookInfo<'_>) {
    if EXPECTED.get().is_some_and(|words| panic.to_string().contains(words)) {
        return;
    }
    let thread = thread::current();
    // The test harness names the thread of a test after it; tokio's own have names like this.
    let has_story = thread.name().is_some_and(|name| !name.starts_with("tokio-"));
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    panics.push((has_story.then(|| thread.id()), panic.to_string()));
}

/// What panicked in this story, or in none; not again the next time.
fn take() -> Vec<String> {
    let here = thread::current().id();
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let of_here = |(thread, _): &mut (Option<ThreadId>, String)| thread.is_none_or(|at| at == here);
    panics.extract_if(.., of_here).map(|(_, what)| what).collect()
}

/// Fails if something has panicked in this story.
#[track_caller]
pub(crate) fn none_so_far() {
    let panics = take();
    assert!(panics.is_empty(), "something panicked in the background: {}", panics[0]);
}

#[tokio::test]
async fn a_panic_in_the_background_is_noticed_by_its_own_story() {
    listen();
    none_so_far();
    let task = tokio::spawn(async { panic!("a task of this very story") });
    assert!(task.await.unwrap_err().is_panic());
    assert!(take()[0].contains("a task of this very story"));

    let elsewhere = std::thread::Builder::new().name("another story".to_owned());
    assert!(elsewhere.spawn(|| panic!("another story's")).unwrap().join().is_err());
    none_so_far();
}
