//! Everything Teams: what it sends, what it is sent, and how it is spoken to.

pub mod activity;
mod mention;
