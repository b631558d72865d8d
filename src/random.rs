//! The one source of chance.

use std::fmt::Debug;
use std::sync::Arc;

/// Gives random bytes.
pub trait Random: Send + Sync + Debug {
    /// Fills `bytes` with randomness.
    fn fill(&self, bytes: &mut [u8]);
}

/// A source of chance that many parts share.
pub type SharedRandom = Arc<dyn Random>;

/// The operating system's randomness. Good enough for references; where it fails the bytes stay as
/// they are, which repeats a reference and breaks nothing else, so it is no source for keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            tracing::error!(%error, "the system gives no randomness");
        }
    }
}
