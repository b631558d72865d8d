//! Everything Microsoft Teams: what it sends, what it is sent, and the proof that it is Teams.

pub mod activity;
pub mod card;
pub mod connector;
pub mod credentials;
mod markup;
mod mention;
pub mod outgoing;
mod pace;
pub mod token;
