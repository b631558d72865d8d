//! Everything Microsoft Teams: what it sends, what it is sent, and the proof that it is Teams.

pub mod token;
