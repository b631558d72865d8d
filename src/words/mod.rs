//! What people read: the grammar, messages, the catalogue, and text made fit to be shown.

pub mod catalogue;
mod grammar;
pub mod message;
pub mod text;
