//! The service under test, the stand-ins around it, and what a person can do with them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use connect_sandbox::novu::{self, Integration, NewConnection, Novu};
use connect_sandbox::slack::{self, Slack, Team, User};
use connect_sandbox::{Browser, Recorded};
use http_body_util::StreamBody;
use hyper::body::Frame;
use jiff::Timestamp;
use novu_connect_bot::answering::SurfaceSettings;
use novu_connect_bot::app::{App, Config, Listeners};
use novu_connect_bot::clock::{Clock, ManualClock, SharedClock};
use novu_connect_bot::http::Limits;
use novu_connect_bot::net;
use novu_connect_bot::random::SystemRandom;
use novu_connect_bot::signing::SigningKey;
use novu_connect_bot::store::Store;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::canaries;

/// The signing secrets in use. Every secret of the suite has this word in it; see [`canaries`].
pub(crate) const SECRET: &str = "canary-signing-secret";
pub(crate) const NEW_SECRET: &str = "canary-signing-secret-of-tomorrow";
pub(crate) const API_KEY: &str = "canary-novu-key";
pub(crate) const BOT_TOKEN: &str = "xoxb-canary-token";
pub(crate) const TEAM: &str = "T0ACME";
pub(crate) const INTEGRATION: &str = "slack-main";
pub(crate) const CONNECTION: &str = "acme";
/// A member who reads English.
pub(crate) const ADA: &str = "U0ADA";
/// A member who reads German.
pub(crate) const GRACE: &str = "U0GRACE";

/// The value of a setting that is to be the service's own address.
pub(crate) const ITSELF: &str = "itself";

const START: i64 = 1_790_000_000;
/// The longest that a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Settings = HashMap<String, String>;

/// A running service with its surroundings.
pub(crate) struct Bot {
    pub(crate) novu: Arc<Novu>,
    pub(crate) slack: Arc<Slack>,
    pub(crate) clock: ManualClock,
    pub(crate) url: String,
    /// Where operators ask.
    pub(crate) ops_url: String,
    settings: Settings,
    /// Platforms beside those that the service knows by itself.
    further: Vec<Arc<dyn SurfaceSettings>>,
    http: reqwest::Client,
    stop: CancellationToken,
    served: Option<JoinHandle<()>>,
}

/// What stands around a service.
struct Around {
    novu: Arc<Novu>,
    slack: Arc<Slack>,
    clock: ManualClock,
    further: Vec<Arc<dyn SurfaceSettings>>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.stop.cancel();
        if !std::thread::panicking() {
            canaries::none_sang();
        }
    }
}

impl Bot {
    /// One workspace that is connected, two members, the default configuration.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`Bot::start`], with these environment variables beside the usual ones.
    pub(crate) async fn start_with(more: &[(&str, &str)]) -> Self {
        Self::start_on(Store::in_memory, more).await
    }

    /// As [`Bot::start_with`], with its promises in this store.
    pub(crate) async fn start_on(
        store: impl FnOnce(SharedClock) -> Store,
        more: &[(&str, &str)],
    ) -> Self {
        Self::start_among(store, clock(), novu::Options::default(), Vec::new(), more).await
    }

    /// As [`Bot::start_with`], with further platforms.
    pub(crate) async fn start_beside(
        further: Vec<Arc<dyn SurfaceSettings>>,
        more: &[(&str, &str)],
    ) -> Self {
        let options = novu::Options::default();
        Self::start_among(Store::in_memory, clock(), options, further, more).await
    }

    /// As [`Bot::start_on`], with a clock that others share, and a Novu that knows others as well.
    pub(crate) async fn start_among(
        store: impl FnOnce(SharedClock) -> Store,
        clock: ManualClock,
        options: novu::Options,
        further: Vec<Arc<dyn SurfaceSettings>>,
        more: &[(&str, &str)],
    ) -> Self {
        canaries::listen();
        let shared: SharedClock = Arc::new(clock.clone());
        let store = store(Arc::clone(&shared));
        let slack = Slack::start(Arc::clone(&shared), slack::Options::default()).await.unwrap();
        people(&slack);
        let options = novu::Options {
            api_keys: vec![API_KEY.to_owned()],
            slack_base: slack.url().to_owned(),
            ..options
        };
        let novu = Novu::start(shared, options).await.unwrap();
        let app = slack.options();
        novu.add_integration(Integration::slack(INTEGRATION, &app.client_id, &app.client_secret));
        let mut settings = settings(&novu, &slack);
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let around = Around { novu: Arc::new(novu), slack: Arc::new(slack), clock, further };
        let bot = Self::serve(store, around, settings).await;
        bot.connect_workspace(CONNECTION, TEAM);
        bot
    }

    /// The environment variables that the service was started with.
    pub(crate) fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Stops the service and starts another with the same surroundings.
    pub(crate) async fn restart(mut self, settings: Settings) -> Self {
        self.stop().await;
        let around = Around {
            novu: Arc::clone(&self.novu),
            slack: Arc::clone(&self.slack),
            clock: self.clock.clone(),
            further: std::mem::take(&mut self.further),
        };
        let store = Store::in_memory(Arc::new(self.clock.clone()));
        Self::serve(store, around, settings).await
    }

    async fn serve(store: Store, around: Around, settings: Settings) -> Self {
        let Around { novu, slack, clock, further } = around;
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url_of(&public);
        let given = settings.iter().map(|(name, value)| {
            let value = if value == ITSELF { &url } else { value };
            (name.clone(), value.clone())
        });
        let config = Config::load(None, given.collect::<Settings>(), &no_files).unwrap();
        let config = further.iter().cloned().fold(config, Config::with_surface);
        let ops = TcpListener::bind(config.server.ops_listen).await.unwrap();
        let ops_url = url_of(&ops);
        let limits = Limits {
            max_connections: config.server.max_connections,
            idle: config.server.idle_timeout,
            ..Limits::default()
        };
        let shared = Arc::new(clock.clone());
        let app = App::build_on(store, config, shared, Arc::new(SystemRandom)).await.unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn({
            let stop = stop.clone();
            async move {
                let listeners = Listeners { public, ops: Some(ops) };
                app.serve(listeners, limits, stop).await;
            }
        });
        let http = net::client().unwrap();
        Self {
            novu,
            slack,
            clock,
            url,
            ops_url,
            settings,
            further,
            http,
            stop,
            served: Some(served),
        }
    }

    /// Asks the service to stop and waits until it has.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(served) = self.served.take() {
            // What the service waits for at the end, it waits for by this clock.
            self.until_later(async || served.is_finished()).await;
            served.await.unwrap();
        }
        canaries::none_sang();
    }

    /// Begins to stop the service without waiting for it.
    pub(crate) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the service says that it can serve.
    pub(crate) async fn ready(&self) {
        until(async || self.method("GET", "/readyz").await == 200).await;
    }

    /// Moves the clock on until a condition holds.
    #[track_caller]
    pub(crate) fn until_later<F: AsyncFn() -> bool>(
        &self,
        condition: F,
    ) -> impl Future<Output = ()> {
        self.until_later_by(Duration::from_millis(500), condition)
    }

    /// As [`Bot::until_later`], by so much at a time: little where much has to be done meanwhile.
    #[track_caller]
    pub(crate) fn until_later_by<F: AsyncFn() -> bool>(
        &self,
        step: Duration,
        condition: F,
    ) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while !condition().await {
                assert!(tokio::time::Instant::now() < deadline, "never came true: {caller}");
                self.clock.advance(step);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Gives Novu a shared channel connection for a workspace.
    pub(crate) fn connect_workspace(&self, identifier: &str, workspace: &str) {
        self.connect_workspace_in_context(identifier, workspace, &[]);
    }

    /// As [`Bot::connect_workspace`], in a context of `type:id` keys.
    pub(crate) fn connect_workspace_in_context(
        &self,
        identifier: &str,
        workspace: &str,
        keys: &[&str],
    ) {
        self.novu.add_connection(connection(identifier, workspace, keys)).unwrap();
    }

    /// Opens another workspace in Slack, with one member. Gives the member's id.
    pub(crate) fn open_workspace(&self, workspace: &str) -> String {
        let user =
            User { team_id: workspace.to_owned(), ..member(&format!("U{workspace}"), "Ida") };
        let id = user.id.clone();
        self.slack.add_team(Team { bot_token: token(workspace), ..Team::new(workspace, "Other") });
        self.slack.add_user(user);
        id
    }

    /// Types `/connect` as the member of another workspace.
    pub(crate) async fn command_in(&self, workspace: &str) -> Reply {
        let user = self.open_workspace(workspace);
        self.send(self.slash(&user, "").with("team_id", workspace)).await
    }

    /// Links a person through the browser, as they would do it.
    pub(crate) async fn link(&self, user: &str) {
        let link = self.command(user, "").await.link();
        let page = Browser::new().unwrap().approve(&link, user).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.body);
    }

    /// Types `/connect TEXT` as a person, and checks that Slack would show the answer.
    pub(crate) async fn command(&self, user: &str, text: &str) -> Reply {
        self.send(self.slash(user, text)).await
    }

    /// Types `/connect TEXT` as a person, and gives what they read in the end: the response, or the
    /// message that follows where that says that the answer is on its way.
    pub(crate) async fn command_in_the_end(&self, user: &str, text: &str) -> Reply {
        let before = self.slack.messages().len();
        let reply = self.command(user, text).await;
        if !reply.is_on_its_way() {
            return reply;
        }
        self.until_later(async || self.slack.messages().len() > before).await;
        let json = self.slack.messages()[before].body.clone();
        Reply { status: reply.status, body: json.to_string(), json }
    }

    /// Sends a slash command that must be answered with a message that Slack would show.
    pub(crate) async fn send(&self, request: Request) -> Reply {
        let reply = self.post("/slack/commands", request).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        slack::block_kit::validate(&reply.json).unwrap();
        assert_eq!(reply.json["response_type"], "ephemeral");
        reply
    }

    /// The slash command of a person, genuine and complete.
    pub(crate) fn slash(&self, user: &str, text: &str) -> Request {
        let response_url = self.slack.new_response_url();
        let fields = [
            ("token", "canary-verification-token"),
            ("team_id", TEAM),
            ("team_domain", "acme"),
            ("channel_id", "C0GENERAL"),
            ("channel_name", "general"),
            ("user_id", user),
            ("user_name", "somebody"),
            ("command", "/connect"),
            ("text", text),
            ("api_app_id", "A0CONNECT"),
            ("is_enterprise_install", "false"),
            ("response_url", &response_url),
            ("trigger_id", &unique()),
        ];
        self.request(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    /// A form with exactly this body, genuinely signed.
    pub(crate) fn form(&self, body: impl AsRef<[u8]>) -> Request {
        Request { raw: Some(body.as_ref().to_vec()), ..self.request(Vec::new()) }
    }

    fn request(&self, fields: Vec<(String, String)>) -> Request {
        Request {
            fields,
            raw: None,
            replaced: None,
            secret: SECRET.to_owned(),
            timestamp: self.clock.now().as_second().to_string(),
            content_type: "application/x-www-form-urlencoded".to_owned(),
            headers: Vec::new(),
            dropped: Vec::new(),
            doubled: Vec::new(),
            chunked: false,
        }
    }

    /// Posts a request; the answer is JSON if there is one.
    pub(crate) async fn post(&self, path: &str, request: Request) -> Reply {
        self.post_raw(path, request).await
    }

    /// Posts a request, whatever comes of it.
    pub(crate) async fn post_raw(&self, path: &str, request: Request) -> Reply {
        let (headers, body) = request.seal();
        let body = if let Some(chunks) = body.1 {
            reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter(chunks)))
        } else {
            body.0.into()
        };
        self.post_sealed(path, headers, body).await
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
        let (headers, (body, _)) = request.seal();
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
        let text = self.ops("/metrics").await.body;
        text.lines()
            .filter(|line| line.starts_with(name))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// The mints that Novu was asked for.
    pub(crate) fn mints(&self) -> Vec<Recorded> {
        let all = self.novu.requests();
        all.into_iter()
            .filter(|request| request.path() == "/v1/integrations/channel-endpoints/oauth")
            .collect()
    }

    /// What Slack was asked to post as direct messages: the bodies.
    pub(crate) fn direct_messages(&self) -> Vec<Value> {
        let all = self.slack.requests();
        all.iter()
            .filter(|request| request.path() == "/api/chat.postMessage")
            .map(Recorded::json)
            .collect()
    }

    /// What was posted to response URLs: the bodies.
    pub(crate) fn late_replies(&self) -> Vec<Value> {
        let all = self.slack.requests();
        all.iter()
            .filter(|request| request.path().starts_with("/commands/"))
            .map(Recorded::json)
            .collect()
    }
}

/// A disk without the files that a configuration may name.
pub(crate) fn no_files(_: &std::path::Path) -> std::io::Result<String> {
    Err(std::io::Error::other("no files here"))
}

fn url_of(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

/// The clock of a story, at its beginning.
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_second(START).unwrap())
}

/// The workspace and its members.
fn people(slack: &Slack) {
    slack.add_team(Team { bot_token: BOT_TOKEN.to_owned(), ..Team::new(TEAM, "Acme") });
    slack.add_user(member(ADA, "Ada Lovelace"));
    slack.add_user(User { locale: Some("de-DE".to_owned()), ..member(GRACE, "Grace Hopper") });
}

/// A full member with a confirmed e-mail address.
pub(crate) fn member(id: &str, name: &str) -> User {
    let mut user = User::new(TEAM, id, name);
    user.locale = Some("en-GB".to_owned());
    user.email = Some(email(id));
    user
}

/// The e-mail address of a member.
pub(crate) fn email(id: &str) -> String {
    format!("{}@canary.example", id.to_lowercase())
}

/// Waits until a condition holds, and fails if it does not come to that.
#[track_caller]
pub(crate) fn until<F: AsyncFn() -> bool>(condition: F) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !condition().await {
            assert!(tokio::time::Instant::now() < deadline, "never came true: {caller}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn settings(novu: &Novu, slack: &Slack) -> Settings {
    [
        ("CONNECT_SERVER__OPS_LISTEN", "127.0.0.1:0"),
        ("CONNECT_NOVU__API_URL", novu.url()),
        ("CONNECT_NOVU__API_KEY", API_KEY),
        ("CONNECT_NOVU__TIMEOUT", "2s"),
        ("CONNECT_SLACK__SIGNING_SECRETS", &format!("{SECRET},{NEW_SECRET}")),
        ("CONNECT_SLACK__INTEGRATION", INTEGRATION),
        ("CONNECT_SLACK__API_URL", &format!("{}/api", slack.url())),
        ("CONNECT_SLACK__RESPONSE_HOSTS", "127.0.0.1"),
        ("CONNECT_SLACK__LINK_HOSTS", "127.0.0.1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A shared channel connection.
pub(crate) fn connection(identifier: &str, workspace: &str, keys: &[&str]) -> NewConnection {
    NewConnection {
        identifier: identifier.to_owned(),
        integration: INTEGRATION.to_owned(),
        workspace: novu::Workspace {
            id: workspace.to_owned(),
            name: Some("Acme".to_owned()),
            bot_user_id: Some("U0BOT".to_owned()),
        },
        access_token: token(workspace),
        subscriber_id: None,
        context_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        created_at: None,
    }
}

/// The bot token of a workspace.
fn token(workspace: &str) -> String {
    if workspace == TEAM { BOT_TOKEN.to_owned() } else { format!("{BOT_TOKEN}-{workspace}") }
}

/// A number that nobody else has.
pub(crate) fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

/// A request in the making. Whatever is changed before it is sealed is signed as it then stands.
#[derive(Clone)]
pub(crate) struct Request {
    fields: Vec<(String, String)>,
    raw: Option<Vec<u8>>,
    replaced: Option<Vec<u8>>,
    secret: String,
    timestamp: String,
    content_type: String,
    headers: Vec<(String, String)>,
    dropped: Vec<String>,
    doubled: Vec<String>,
    chunked: bool,
}

type Chunks = Vec<Result<Frame<Bytes>, std::io::Error>>;

impl Request {
    /// Sets a field of the form.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a field of the form out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    /// The value of a field of the form.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str()).expect("a field of that name")
    }

    /// The names of the form's fields.
    pub(crate) fn names(&self) -> Vec<String> {
        self.fields.iter().map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn signed_with(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    /// Signs with this text as the timestamp.
    pub(crate) fn timestamp(mut self, text: &str) -> Self {
        text.clone_into(&mut self.timestamp);
        self
    }

    /// Signs this many seconds from now.
    pub(crate) fn signed_at_offset(mut self, seconds: i64) -> Self {
        self.timestamp = (self.timestamp.parse::<i64>().unwrap() + seconds).to_string();
        self
    }

    pub(crate) fn content_type(mut self, value: &str) -> Self {
        value.clone_into(&mut self.content_type);
        self
    }

    /// Sets a header after signing.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.dropped.push(name.to_owned());
        self
    }

    pub(crate) fn header_twice(mut self, name: &str) -> Self {
        self.doubled.push(name.to_owned());
        self
    }

    pub(crate) fn unsigned(self) -> Self {
        self.without_header("x-slack-signature").without_header("x-slack-request-timestamp")
    }

    /// Sends another body than the one that was signed.
    pub(crate) fn body_after_signing(mut self, body: &str) -> Self {
        self.replaced = Some(body.as_bytes().to_vec());
        self
    }

    /// Sends the body in pieces, without announcing its length.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    fn seal(self) -> (HeaderMap, (Vec<u8>, Option<Chunks>)) {
        let body = self.raw.unwrap_or_else(|| {
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&self.fields)
                .finish()
                .into_bytes()
        });
        let key = SigningKey::new(&self.secret.as_str().into()).unwrap();
        let signature = key.sign("v0", self.timestamp.as_bytes(), &body);
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        headers.insert("x-slack-signature", value(&signature));
        headers.insert("x-slack-request-timestamp", value(&self.timestamp));
        headers.insert("content-type", value(&self.content_type));
        for (name, text) in &self.headers {
            headers.insert(HeaderName::try_from(name).unwrap(), value(text));
        }
        for name in &self.dropped {
            headers.remove(name);
        }
        for name in self.doubled {
            let again = headers[&name].clone();
            headers.append(HeaderName::try_from(name).unwrap(), again);
        }
        let body = self.replaced.unwrap_or(body);
        let chunks = self.chunked.then(|| {
            let chunks = body.chunks(1000).map(Bytes::copy_from_slice);
            chunks.map(|chunk| Ok(Frame::data(chunk))).collect::<Chunks>()
        });
        (headers, (body, chunks))
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
        let json = serde_json::from_str(&body).unwrap_or_default();
        Self { status, body, json }
    }

    /// What a screen reader reads.
    pub(crate) fn text(&self) -> &str {
        self.json["text"].as_str().unwrap_or_default()
    }

    /// Whether the answer is yet to come.
    pub(crate) fn is_on_its_way(&self) -> bool {
        self.text().contains("on its way") || self.text().contains("ist unterwegs")
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
    elements.into_iter().find(|element| element["type"] == "button")
}

/// The code of a refusal in a text.
pub(crate) fn find_code(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| word.starts_with("C-")).map(str::to_owned)
}
