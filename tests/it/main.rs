//! The service as its users meet it: a real server on a loopback port, genuine signatures, and
//! stand-ins for Novu, Slack and Teams that speak the real protocols and are as strict as the real thing.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod bot;
mod canaries;
mod clocks;
mod identity;
mod identity_accounts;
mod identity_connections;
mod identity_emails;
mod identity_entra;
mod identity_tables;
mod identity_templates;
mod identity_webhooks;
mod interactions;
mod late;
mod novu_trouble;
mod operation;
mod promises;
mod slash_command;
mod strangers;
mod teams;
mod teams_activities;
mod teams_bot;
mod teams_certificate;
mod teams_crowds;
mod teams_guests;
mod teams_keys;
mod teams_pages;
mod teams_places;
mod teams_promises;
mod teams_restart;
mod teams_sending;
mod teams_trouble;
mod teams_verification;
mod third;
mod verification;
mod workspace;
