//! What people read: the grammar, messages and the catalogue.

pub mod catalogue;
mod grammar;
pub mod message;
