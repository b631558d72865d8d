//! Requests to the service, and what comes back.

use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::request::{Request, Sealed};
use super::{Bot, PATIENCE};
use crate::panics;

impl Bot {
    /// Posts a request; the answer is JSON if there is one.
    pub(crate) async fn post(&self, path: &str, request: Request) -> Reply {
        self.post_raw(path, request).await
    }

    /// Posts a request, whatever comes of it.
    pub(crate) async fn post_raw(&self, path: &str, request: Request) -> Reply {
        let sealed = request.seal();
        let body = sealed.outgoing();
        self.post_sealed(path, sealed.headers, body).await
    }

    /// Posts exactly this.
    pub(crate) async fn post_sealed(
        &self,
        path: &str,
        headers: HeaderMap,
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        let request = self.http.post(format!("{}{path}", self.url)).headers(headers).body(body);
        Reply::read(request.send().await.unwrap()).await
    }

    /// Posts a request and hangs up without an answer, once `moment` has come. Ends when the
    /// service has hung up as well.
    pub(crate) async fn post_and_hang_up(
        &self,
        path: &str,
        request: Request,
        moment: impl Future<Output = ()>,
    ) {
        let Sealed { headers, body, .. } = request.seal();
        let answer = self.post_sealed_and_hang_up(path, &headers, &body, moment).await;
        assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    }

    /// As [`Bot::post_and_hang_up`], with exactly this. Gives what came nevertheless. If the moment
    /// comes at once, so does the end, with the first byte.
    pub(crate) async fn post_sealed_and_hang_up(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
        moment: impl Future<Output = ()>,
    ) -> Vec<u8> {
        let lines =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let head = [format!("POST {path} HTTP/1.1"), "host: localhost".to_owned()]
            .into_iter()
            .chain(lines)
            .chain([format!("content-length: {}\r\n\r\n", body.len())])
            .collect::<Vec<_>>()
            .join("\r\n");
        let address = self.url.strip_prefix("http://").unwrap();
        // Connected without giving way to the service, which shares the thread.
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut stream = TcpStream::from_std(stream).unwrap();
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        moment.await;
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
        end.await.expect("the service hangs up too").unwrap();
        answer
    }

    /// The status of a request without a body.
    pub(crate) async fn method(&self, method: &str, path: &str) -> u16 {
        let method = method.parse().unwrap();
        let url = format!("{}{path}", self.url);
        self.http.request(method, url).send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        Reply::read(response).await
    }

    /// As [`Bot::get`], at the operators' address.
    pub(crate) async fn ops(&self, path: &str) -> Reply {
        let response = self.http.get(format!("{}{path}", self.ops_url)).send().await.unwrap();
        Reply::read(response).await
    }

    /// The sum of all counts whose line begins with `name`.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        self.metric_of(|line| line.starts_with(name)).await
    }

    /// The sum of all counts whose line is meant.
    pub(crate) async fn metric_of(&self, is_meant: impl Fn(&str) -> bool) -> u64 {
        let text = self.ops("/metrics").await.body;
        text.lines()
            .filter(|line| is_meant(line))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) json: Value,
}

impl Reply {
    async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let body = response.text().await.unwrap();
        panics::none_so_far();
        let json = serde_json::from_str(&body).unwrap_or_default();
        Self { status, body, json }
    }

    /// What a screen reader reads.
    pub(crate) fn text(&self) -> &str {
        self.json["text"].as_str().unwrap_or_default()
    }

    /// Whether the answer is yet to come.
    pub(crate) fn is_on_its_way(&self) -> bool {
        is_on_its_way(self.text())
    }

    pub(crate) fn find_button(&self) -> Option<&Value> {
        find_button(&self.json)
    }

    #[track_caller]
    pub(crate) fn button(&self) -> &Value {
        self.find_button().unwrap_or_else(|| panic!("no button in {}", self.body))
    }

    /// The address behind the button.
    #[track_caller]
    pub(crate) fn link(&self) -> String {
        self.button()["url"].as_str().unwrap().to_owned()
    }

    pub(crate) fn find_code(&self) -> Option<String> {
        find_code(self.text())
    }

    /// The code of the refusal.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.find_code().unwrap_or_else(|| panic!("no code in {}", self.body))
    }
}

/// The button with a link in a message.
pub(crate) fn find_button(message: &Value) -> Option<&Value> {
    let blocks = message["blocks"].as_array()?;
    let elements = blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
    elements.into_iter().find(|element| element["type"] == "button" && element["url"].is_string())
}

/// The code of a refusal in a text.
pub(crate) fn find_code(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| word.starts_with("C-")).map(str::to_owned)
}

/// Whether a text says that the answer is yet to come.
pub(crate) fn is_on_its_way(text: &str) -> bool {
    text.contains("on its way") || text.contains("ist unterwegs")
}
