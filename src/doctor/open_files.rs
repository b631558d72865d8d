//! How many files this process may open, held against what it needs.

/// How many files may be open, and for what.
#[derive(Debug, Clone, Copy)]
pub struct OpenFiles {
    /// The connections that are to be served at a time.
    pub wanted: usize,
    /// Those that can be.
    pub affordable: usize,
    /// The limit that it would take for all of them.
    pub needed: u64,
}
