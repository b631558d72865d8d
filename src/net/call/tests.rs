//! What becomes of a call, over real sockets.

use std::net::SocketAddr;

use reqwest::dns::{Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::*;
use crate::clock::ManualClock;
use crate::net::client;

const LARGEST: usize = 1024;
const TIME: Duration = Duration::from_millis(500);

fn outgoing_with(http: reqwest::Client) -> Outgoing {
    let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
    Outgoing::new(http, Arc::new(clock), Arc::default())
}

fn outgoing() -> Outgoing {
    outgoing_with(client().unwrap())
}

/// A server that reads the beginning of every request, sends these bytes and hangs up.
async fn that_sends(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = bytes.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(&bytes).await;
        }
    });
    address
}

fn http(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

async fn send_to(outgoing: &Outgoing, url: &str) -> Result<Answered, Failure> {
    let mut call = outgoing.call("upstream", "ask", TIME);
    call.send(outgoing.request(Method::POST, url).body("question"), LARGEST).await
}

async fn failure_at(url: &str) -> Failure {
    send_to(&outgoing(), url).await.unwrap_err()
}

#[tokio::test]
async fn where_no_connection_comes_about_certainly_nothing_was_done() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failure = failure_at(&format!("http://{closed}/canary")).await;
    assert_eq!(failure.cause, Cause::ConnectionRefused);
    assert!(failure.nothing_done());
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_called_that() {
    struct Nowhere;
    impl Resolve for Nowhere {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err("no such name".into()) })
        }
    }
    let http = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Nowhere));
    let outgoing = outgoing_with(http.build().unwrap());
    let failure = send_to(&outgoing, "https://upstream.invalid/canary").await.unwrap_err();
    assert_eq!(failure.cause, Cause::Dns);
    assert!(failure.nothing_done());
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_named_in_words() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (connection, _) = listener.accept().await.unwrap();
        let _ = acceptor.accept(connection).await;
    });
    let failure = failure_at(&format!("https://{address}/canary")).await;
    assert!(failure.nothing_done());
    let words = failure.cause.to_string();
    assert!(words.contains("invalid peer certificate: UnknownIssuer"), "{words}");
    assert!(failure.cause.advice().contains("SSL_CERT_FILE"));
    assert!(!words.contains("canary"));
}

#[tokio::test]
async fn what_does_not_speak_tls_is_a_failure_of_tls() {
    let address = that_sends("HTTP/1.1 400 X\r\n\r\n").await;
    let failure = failure_at(&format!("https://{address}/")).await;
    assert!(matches!(failure.cause, Cause::Tls(_)), "{failure:?}");
    assert!(failure.nothing_done());
}

#[tokio::test]
async fn a_request_that_went_out_and_brought_no_answer_is_uncertain() {
    let half = "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nhalf";
    let long = http(200, "", &"x".repeat(LARGEST + 1));
    let cases = [
        (String::new(), None, Cause::BrokeOff),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), None, Cause::NotHttp),
        (half.to_owned(), Some(StatusCode::OK), Cause::BrokeOff),
        (long, Some(StatusCode::OK), Cause::TooLarge(LARGEST)),
    ];
    for (bytes, status, cause) in cases {
        let address = that_sends(bytes).await;
        let failure = failure_at(&format!("http://{address}/")).await;
        assert_eq!(failure, Failure { certainty: Certainty::Uncertain, status, cause });
    }
}

#[tokio::test]
async fn silence_ends_with_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let failure = failure_at(&format!("http://{}/", listener.local_addr().unwrap())).await;
    assert_eq!((failure.certainty, failure.cause), (Certainty::Uncertain, Cause::TimedOut));
}

#[tokio::test]
async fn an_answer_up_to_the_limit_is_read_whole() {
    for length in [0, 1, LARGEST] {
        let address = that_sends(http(200, "x-a: b\r\n", &"x".repeat(length))).await;
        let answer = send_to(&outgoing(), &format!("http://{address}/")).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, length));
        assert_eq!(answer.headers["x-a"], "b");
    }
    let chunks =
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    let address = that_sends(chunks).await;
    let answer = send_to(&outgoing(), &format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.body, "abcde");
}

#[tokio::test]
async fn a_refusal_counts_even_where_its_body_is_lost() {
    let long = http(422, "", &"x".repeat(LARGEST + 1));
    for bytes in [long, "HTTP/1.1 422 X\r\ncontent-length: 9\r\n\r\n{".to_owned()] {
        let address = that_sends(bytes).await;
        let answer = send_to(&outgoing(), &format!("http://{address}/")).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (422, 0));
        assert!(!answer.is_foreign());
    }
}

#[tokio::test]
async fn every_status_has_its_cause_and_a_redirect_is_not_followed() {
    let page = "  <html>Sign in to the proxy</html>";
    let cases = [
        (302, "location: /canary\r\n", "", Cause::Redirect(302)),
        (429, "retry-after: 5\r\n", "", Cause::Throttled),
        (429, "", page, Cause::Throttled),
        (500, "", r#"{"error":1}"#, Cause::ServerError(500)),
        (502, "", page, Cause::Foreign(502)),
        (403, "", "no healthy upstream", Cause::Foreign(403)),
        (401, "", r#"{"error":1}"#, Cause::Refused(401)),
        (401, "", "", Cause::Refused(401)),
        (200, "", page, Cause::Foreign(200)),
    ];
    for (status, headers, body, cause) in cases {
        let address = that_sends(http(status, headers, body)).await;
        let outgoing = outgoing();
        let mut call = outgoing.call("upstream", "ask", TIME);
        let request = outgoing.request(Method::GET, format!("http://{address}/"));
        call.send(request, LARGEST).await.unwrap();
        call.nonsense("it is no answer");
        call.failed("failed", None);
        assert_eq!(outgoing.upstreams().ill()[0].cause, cause, "{status} {body}");
    }
}

#[tokio::test]
async fn how_a_call_ended_is_counted_and_remembered() {
    let address = that_sends(http(200, "", "[]")).await;
    let outgoing = outgoing();
    let send = async || {
        let mut call = outgoing.call("upstream", "ask", TIME);
        let request = outgoing.request(Method::GET, format!("http://{address}/"));
        call.send(request, LARGEST).await.unwrap();
        call
    };
    let mut call = send().await;
    call.said("missing_scope\n");
    call.failed("refused", Some("add the scope"));
    let ill = outgoing.upstreams().ill();
    assert_eq!(ill[0].said.as_deref(), Some("missing_scope"));
    assert_eq!((ill[0].cause.clone(), ill[0].advice), (Cause::Refused(200), "add the scope"));

    let mut call = send().await;
    call.nonsense("it is no object");
    call.failed("nonsense", None);
    assert_eq!(outgoing.upstreams().ill()[0].cause, Cause::Nonsense("it is no object"));

    send().await.answered("not_found");
    assert_eq!(outgoing.upstreams().ill(), []);
    // Nothing was sent, so nothing is known of the upstream.
    outgoing.call("upstream", "ask", TIME).failed("no_turn", None);
    assert_eq!(outgoing.upstreams().ill(), []);

    let figures = outgoing.metrics().render();
    for outcome in ["refused", "nonsense", "not_found", "no_turn"] {
        let series = format!(
            r#"connect_upstream_seconds_count{{upstream="upstream",operation="ask",outcome="{outcome}"}} 1"#
        );
        assert!(figures.contains(&series), "{outcome}: {figures}");
    }
}
