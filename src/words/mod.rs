//! What people read: the grammar, messages and the catalogue, and the name and addresses that stand in them.

mod catalogue;
pub(crate) mod config;
mod grammar;
pub mod message;
pub(crate) mod permissions;
#[cfg(test)]
pub(crate) mod samples;
