//! Microsoft Teams: what its people read, in every place, and who passes for Teams and is not.

mod activities;
mod answers;
mod certificate;
mod crowds;
mod guests;
mod keys;
mod places;
mod sending;
mod trouble;
mod verification;
