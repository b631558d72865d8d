//! The service as its users meet it: a real server on a loopback port, genuine signatures, and
//! stand-ins for Novu, Slack and Teams that speak the real protocols and are as strict as the real thing.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod admin;
mod bot;
mod canaries;
mod commands;
mod doctor;
mod identity;
mod jobs;
mod log;
mod ops;
mod page;
mod panics;
mod people;
mod slack;
mod teams;
mod third;
mod watch;
mod words;
mod workspaces;
