//! Many people at once: every request distinct and signed, over connections that are kept.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use connect_sandbox::slack::{SlashCommand, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a run does.
#[derive(Clone)]
pub(crate) struct Plan {
    /// `host:port`.
    pub(crate) address: String,
    /// What is sent.
    pub(crate) script: Script,
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// How many requests in all.
    pub(crate) requests: u64,
    /// Requests a second over all connections; as fast as they are answered if none.
    pub(crate) rate: Option<u64>,
}

/// What the requests of a run are.
#[derive(Clone)]
pub(crate) enum Script {
    /// `/connect` in Slack, signed as it is sent.
    Slack {
        /// What signs the requests; without it they are forged.
        secret: Option<&'static str>,
        /// Where a late answer would go.
        response_url: String,
    },
    /// Requests that were written before the clock starts.
    Written(Arc<Vec<Vec<u8>>>),
}

/// What came of a run.
pub(crate) struct Outcome {
    /// How long it took.
    pub(crate) took: Duration,
    /// The time of each request, sorted.
    pub(crate) times: Vec<Duration>,
    /// Responses whose body holds the address of a sign-in page.
    pub(crate) with_link: u64,
    /// Responses by status: 200, 401, all others.
    pub(crate) statuses: [u64; 3],
}

impl Outcome {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    /// The time within which this share of all requests was answered.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let at = (self.times.len() as f64 * share).ceil() as usize;
        self.times[at.clamp(1, self.times.len()) - 1]
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = |share| self.percentile(share).as_secs_f64() * 1000.0;
        write!(
            f,
            "{:>7.0} requests/s, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            self.rate(),
            millis(0.5),
            millis(0.99),
            millis(1.0),
        )
    }
}

/// An activity of Microsoft Teams' as a request.
pub(crate) fn activity(address: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/messages HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The request with this number of those in the plan.
fn request(plan: &Plan, first: u64, number: u64) -> Cow<'_, [u8]> {
    match &plan.script {
        Script::Slack { secret, response_url } => {
            command(&plan.address, *secret, response_url, first + number).into()
        }
        Script::Written(requests) => {
            let at = usize::try_from(number).expect("a number of requests");
            requests[at].as_slice().into()
        }
    }
}

/// One command that nobody else sends: its person and its trigger are numbered.
fn command(address: &str, secret: Option<&str>, response_url: &str, number: u64) -> Vec<u8> {
    let body = SlashCommand::new("TLOAD", &format!("U{number}"))
        .response_url(response_url)
        .with("trigger_id", &format!("{number}.{number}"))
        .body();
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let signature = match secret {
        Some(secret) => sign(secret, now, body.as_bytes()),
        None => format!("v0={number:064x}"),
    };
    format!(
        "POST /slack/commands HTTP/1.1\r\nhost: {address}\r\nx-slack-request-timestamp: {now}\r\n\
         x-slack-signature: {signature}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Carries a plan out. `first` is the number of the first person.
pub(crate) async fn run(plan: &Plan, first: u64) -> Outcome {
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let workers: Vec<_> = (0..plan.connections)
        .map(|_| tokio::spawn(worker(plan.clone(), Arc::clone(&next), first, started)))
        .collect();
    let mut outcome =
        Outcome { took: Duration::ZERO, times: Vec::new(), with_link: 0, statuses: [0; 3] };
    for worker in workers {
        let (times, with_link, statuses) = worker.await.expect("a worker that ends");
        outcome.times.extend(times);
        outcome.with_link += with_link;
        for (sum, count) in outcome.statuses.iter_mut().zip(statuses) {
            *sum += count;
        }
    }
    outcome.took = started.elapsed();
    outcome.times.sort_unstable();
    outcome
}

async fn worker(
    plan: Plan,
    next: Arc<AtomicU64>,
    first: u64,
    started: Instant,
) -> (Vec<Duration>, u64, [u64; 3]) {
    let mut stream = TcpStream::connect(&plan.address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option of a socket");
    let mut buffer = Vec::with_capacity(16 * 1024);
    let (mut times, mut with_link, mut statuses) = (Vec::new(), 0, [0; 3]);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= plan.requests {
            return (times, with_link, statuses);
        }
        // With a rate the clock starts when the request is due, so that waiting for a free
        // connection counts as waiting.
        let due = plan.rate.map_or_else(Instant::now, |rate| {
            started + Duration::from_nanos(number * 1_000_000_000 / rate)
        });
        tokio::time::sleep_until(due.into()).await;
        stream.write_all(&request(&plan, first, number)).await.expect("a request that goes out");
        let (status, link) = response(&mut stream, &mut buffer).await;
        times.push(due.elapsed());
        with_link += u64::from(link);
        statuses[match status {
            200 => 0,
            401 => 1,
            _ => 2,
        }] += 1;
    }
}

/// Reads one response: its status, and whether it holds a sign-in link.
async fn response(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (u16, bool) {
    buffer.clear();
    let head = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        assert_ne!(stream.read_buf(buffer).await.expect("a response"), 0, "connection closed");
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let length: usize = text
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next()?.parse().ok())
        .unwrap_or(0);
    // The product and the bare neighbour tell the length; the peers send chunks, and none that is empty
    // but the last.
    let chunked = text.contains("transfer-encoding: chunked");
    while buffer.len() < head + length || (chunked && !buffer[head..].ends_with(b"0\r\n\r\n")) {
        assert_ne!(stream.read_buf(buffer).await.expect("a body"), 0, "connection closed");
    }
    (status, find(&buffer[head..], b"/oauth/v2/authorize?").is_some())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
