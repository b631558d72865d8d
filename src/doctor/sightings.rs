//! What was seen on a platform since the process began, of what cannot be looked up.

use std::sync::atomic::{AtomicBool, Ordering};

/// Something that shows, once it happens, that a setting elsewhere is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// The platform called the path for commands or messages.
    Asked,
    /// The platform called the path for pressed buttons.
    Pressed,
    /// Somebody came back from a sign-in to the landing page.
    Landed,
    /// Somebody signed in by their own link.
    SignedIn,
}

/// What was seen on one platform.
#[derive(Debug, Default)]
pub struct Sightings([AtomicBool; 4]);

impl Sightings {
    /// Takes note of something.
    pub fn note(&self, sighting: Sighting) {
        let seen = &self.0[sighting as usize];
        // Almost always it was seen before, and a read disturbs nobody.
        if !seen.load(Ordering::Relaxed) {
            seen.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was seen.
    #[must_use]
    pub fn has(&self, sighting: Sighting) -> bool {
        self.0[sighting as usize].load(Ordering::Relaxed)
    }
}
