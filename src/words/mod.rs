//! What people read: the grammar, messages and the catalogue.

mod catalogue;
mod grammar;
pub mod message;
#[cfg(test)]
pub(crate) mod samples;
