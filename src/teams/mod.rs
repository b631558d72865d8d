//! Everything Teams: what it sends, what it is sent, and how it is spoken to.

pub mod activity;
pub mod card;
pub mod connector;
pub mod credentials;
mod markup;
mod mention;
pub mod outgoing;
mod pace;
