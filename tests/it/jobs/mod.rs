//! What people are promised, and that it is kept: after failures, redeliveries and restarts.

mod novu_limits;
mod novu_slow;
mod replicas;
mod restart;
mod slack;
mod teams;

use axum::http::StatusCode;
use connect_sandbox::{Effect, Failure};

fn status(status: StatusCode) -> Effect {
    Effect::status(status)
}

fn throttled(seconds: u64) -> Effect {
    Effect::Fail(Failure::throttled(seconds))
}

fn down_for(seconds: u64) -> Effect {
    let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE);
    Effect::Fail(Failure { retry_after: Some(seconds), ..failure })
}
