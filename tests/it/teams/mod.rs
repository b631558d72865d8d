//! Microsoft Teams: what its people read, in every place, and who passes for Teams and is not.

mod activities;
mod answers;
mod captured;
mod certificate;
mod credentials;
mod crowds;
mod guests;
mod keys;
mod places;
mod presses;
mod sending;
mod signs;
mod trouble;
mod verification;
mod wordless;
