//! Integrations, as an API key may see them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::Inner;
use super::envelope::ok;
use super::model::{Integration, iso};
use super::store::Oid;

/// `GET /v1/integrations`
pub(super) async fn all(State(inner): State<Arc<Inner>>) -> Response {
    ok(&inner.show_integrations(|_| true))
}

/// `GET /v1/integrations/active`
pub(super) async fn active(State(inner): State<Arc<Inner>>) -> Response {
    ok(&inner.show_integrations(|integration| integration.active))
}

impl Inner {
    fn show_integrations(&self, wanted: impl Fn(&Integration) -> bool) -> Value {
        let state = self.read();
        let mut shown: Vec<_> = state.integrations().iter().zip(1_u64..).collect();
        // Those that are switched off come first.
        shown.sort_by_key(|(it, _)| it.active);
        shown.retain(|(it, _)| wanted(it));
        shown.into_iter().map(|(it, number)| self.show(it, number)).collect()
    }

    fn show(&self, integration: &Integration, number: u64) -> Value {
        json!({
            "_id": Oid::new(self.started, number).to_string(),
            "_environmentId": self.options.environment_id,
            "_organizationId": self.options.organization_id,
            "_parentId": null,
            "name": integration.name,
            "identifier": integration.identifier,
            "providerId": integration.provider_id,
            "channel": integration.channel,
            "kind": "delivery",
            // Credentials are for the dashboard only; an API key gets an empty object.
            "credentials": {},
            "active": integration.active,
            "deleted": false,
            "primary": false,
            "priority": 0,
            "__v": 0,
            "conditions": [],
            "createdAt": iso(self.started),
            "updatedAt": iso(self.started),
        })
    }
}
