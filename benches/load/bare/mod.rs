//! The neighbour: as little axum as can do the same work, with nothing of the product in it.
//!
//! It checks what comes in, makes the same calls in the same rounds (look up, create the subscriber,
//! mint) and hands out the link. It has no limits, no replay check, no late answers, no retries, no
//! words and no metrics.

mod slack;
mod teams;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// All that a handler needs.
struct Bare {
    novu: Novu,
    slack: slack::Settings,
    teams: teams::Settings,
}

/// Novu, and the client that all calls go through.
struct Novu {
    http: Client,
    url: String,
    authorization: String,
}

/// Serves on a free port until it is killed.
pub(crate) async fn serve() {
    let http = novu_connect_bot::net::client().expect("a client");
    let bare = Arc::new(Bare {
        slack: slack::Settings::read(),
        teams: teams::Settings::read(&http).await,
        novu: Novu {
            url: setting("NOVU"),
            authorization: format!("ApiKey {}", setting("KEY")),
            http,
        },
    });
    let router = Router::new()
        .route("/slack/commands", post(slack::command))
        .route("/api/messages", post(teams::message))
        .with_state(bare);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("address={}\nready", listener.local_addr().expect("an address"));
    axum::serve(listener, router).await.expect("a server that runs");
}

fn setting(name: &str) -> String {
    let value = std::env::var_os(name).expect("a setting");
    value.into_string().expect("a setting in Unicode")
}

impl Novu {
    /// The address of a person's sign-in page. Whoever Novu does not have is created; the chat
    /// platform is asked for their profile meanwhile.
    async fn link(
        &self,
        id: &str,
        integration: &str,
        connection: &str,
        profile: RequestBuilder,
    ) -> Value {
        let (_profile, subscriber, _endpoints) = tokio::join!(
            ask(profile),
            ask(self.get(&format!("/v2/subscribers/{}", id.replace(':', "%3A")))),
            ask(self.get("/v1/channel-endpoints").query(&[
                ("subscriberId", id),
                ("integrationIdentifier", integration),
                ("limit", "100"),
            ])),
        );
        if subscriber["data"].is_null() {
            let new = json!({ "subscriberId": id, "firstName": "Ida Rhodes" });
            ask(self.post("/v2/subscribers?failIfExists=true").json(&new)).await;
        }
        let wanted = json!({
            "subscriberId": id,
            "integrationIdentifier": integration,
            "connectionIdentifier": connection,
        });
        let minted = ask(self.post("/v1/integrations/channel-endpoints/oauth").json(&wanted)).await;
        minted["data"]["url"].clone()
    }

    fn get(&self, path: &str) -> RequestBuilder {
        let request = self.http.get(format!("{}{path}", self.url));
        request.header("authorization", &self.authorization)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.url));
        request.header("authorization", &self.authorization)
    }
}

async fn ask(request: RequestBuilder) -> Value {
    let response = request.send().await.expect("an answer");
    response.json().await.unwrap_or_default()
}
