//! Triggering a workflow.
//!
//! Source: Novu 3.19, events controller. That a trigger is processed does not mean that anything
//! was delivered; nothing is, here.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::Inner;
use super::envelope::{Problem, created};
use super::guard::Input;
use super::validate::Form;
use crate::lock;

/// The most recipients of one trigger.
const RECIPIENTS: usize = 100;

/// `POST /v1/events/trigger`
pub(super) async fn trigger(
    State(inner): State<Arc<Inner>>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    let name = form.present("name");
    match form.value("to") {
        None => {
            form.complain("to should not be null or undefined");
            form.complain(
                "to must be a non-empty subscriberId string, an object with a non-empty \
                 subscriberId, a topic object with a non-empty topicKey, or a non-empty array of those",
            );
        }
        Some(Value::Array(to)) if to.len() > RECIPIENTS => {
            form.complain(format!("to must contain no more than {RECIPIENTS} elements"));
        }
        Some(_) => {}
    }
    let transaction = form.text("transactionId");
    form.context();
    form.finish()?;
    if !lock(&inner.workflows).contains(name) {
        return Err(Problem::unprocessable("workflow_not_found"));
    }
    let transaction = transaction.map_or_else(
        || format!("txn_sandbox_{}", inner.transactions.fetch_add(1, Ordering::Relaxed)),
        str::to_owned,
    );
    Ok(created(&json!({
        "acknowledged": true,
        "status": "processed",
        "transactionId": transaction,
    })))
}
