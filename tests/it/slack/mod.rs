//! Slack: what its people read, and who passes for Slack and is not.

mod commands;
mod interactions;
mod late;
mod verification;
