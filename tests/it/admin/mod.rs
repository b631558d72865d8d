//! The admin API, as the holders of tokens meet it.

mod access;
mod audit;
mod fuzz;
mod people;
mod problems;
mod workspaces;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use crate::bot::{Bot, ITSELF, Storage};
use crate::panics;

/// The tokens of these stories, by what they may do.
pub(crate) const READER: &str = "canary-reader-0123456789abcdef0123456789";
pub(crate) const HELPER: &str = "canary-helper-0123456789abcdef0123456789";
pub(crate) const OWNER: &str = "canary-owner-0123456789abcdef0123456789";

/// The settings of a service with these tokens, and with pages.
fn settings() -> Vec<(&'static str, String)> {
    let tokens = format!("reader:read:{READER},helper:people:{HELPER},owner:all:{OWNER}");
    vec![
        ("CONNECT_SERVER__ADMIN_TOKENS", tokens),
        ("CONNECT_SERVER__PUBLIC_URL", ITSELF.to_owned()),
    ]
}

/// A service with these tokens, and with pages.
async fn start() -> Bot {
    start_on(Storage::any(), &[]).await
}

async fn start_on(storage: Storage, more: &[(&str, &str)]) -> Bot {
    let settings = settings();
    let own = settings.iter().map(|(name, value)| (*name, value.as_str()));
    let all: Vec<_> = own.chain(more.iter().copied()).collect();
    let bot = Bot::start_on(storage, &all).await;
    bot.ready().await;
    bot
}

/// What came back.
#[derive(Debug)]
struct Told {
    status: u16,
    headers: HeaderMap,
    json: Value,
}

impl Told {
    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.unwrap();
        panics::none_so_far();
        assert_eq!(headers["cache-control"], "no-store");
        let json: Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body}"));
        let told = Self { status, headers, json };
        if status >= 400 {
            told.must_be_a_problem();
        }
        told
    }

    /// Each problem has the whole form, and its reference is its own.
    #[track_caller]
    fn must_be_a_problem(&self) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(self.json["status"], self.status);
        for name in ["type", "title", "detail", "reference"] {
            assert!(
                self.json[name].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {self:?}"
            );
        }
        let kind = self.json["type"].as_str().unwrap();
        assert!(kind.starts_with("urn:novu-connect-bot:problem:"), "{kind}");
    }

    /// The word in the type of a problem.
    #[track_caller]
    fn problem(&self) -> &str {
        let kind = self.json["type"].as_str().unwrap_or_else(|| panic!("no problem: {self:?}"));
        kind.rsplit(':').next().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A request in the making.
fn ask(bot: &Bot, method: &str, path: &str) -> RequestBuilder {
    let url = format!("{}/admin/v1{path}", bot.ops_url);
    let method: Method = method.parse().unwrap();
    novu_connect_bot::net::client().unwrap().request(method, url)
}

async fn send(request: RequestBuilder) -> Told {
    Told::read(request.send().await.unwrap()).await
}

async fn get(bot: &Bot, path: &str) -> Told {
    send(ask(bot, "GET", path).bearer_auth(READER)).await
}

async fn post(bot: &Bot, path: &str, body: &Value) -> Told {
    send(ask(bot, "POST", path).bearer_auth(OWNER).json(body)).await
}

async fn delete(bot: &Bot, path: &str) -> Told {
    send(ask(bot, "DELETE", path).bearer_auth(OWNER)).await
}
