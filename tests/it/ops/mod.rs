//! What operation sees of the service, and what it stands: strangers, clocks, and Novu's trouble.

mod clocks;
mod figures;
mod log_lines;
mod novu_trouble;
mod operation;
mod readiness;
mod reloading;
mod stopping;
mod store;
mod strangers;
mod supervision;
