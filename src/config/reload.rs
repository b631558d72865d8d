//! What a part of the service takes over from a new configuration while it runs.

use std::fmt;

use super::fingerprints::KeyName;

/// What one part takes over: judged already, and not in force yet. Dropped, it changes nothing.
pub struct Reload {
    keys: Vec<KeyName>,
    contents: Vec<KeyName>,
    take: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Reload {
    /// Takes over these keys, all at once, by `take`.
    pub fn new(
        keys: impl IntoIterator<Item = KeyName>,
        take: impl FnOnce() + Send + 'static,
    ) -> Self {
        let keys = keys.into_iter().collect();
        Self { keys, contents: Vec::new(), take: Box::new(take) }
    }

    /// The same, and the file that a key names has another content than the one in use.
    #[must_use]
    pub fn with_new_content_of(mut self, key: KeyName) -> Self {
        self.contents.push(key);
        self
    }

    /// The keys that it takes over.
    #[must_use]
    pub fn keys(&self) -> &[KeyName] {
        &self.keys
    }

    /// The keys whose files have another content.
    #[must_use]
    pub fn contents(&self) -> &[KeyName] {
        &self.contents
    }

    /// Puts it in force.
    pub fn take(self) {
        (self.take)();
    }
}
