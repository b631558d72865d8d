//! What stands between the public and the service: a good TLS front, and proxies that spoil requests.

use std::net::TcpListener as StdListener;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;

/// A listener at a free port of this machine, and that port. Usable without waiting.
pub(super) fn listener() -> (TcpListener, u16) {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (TcpListener::from_std(listener).unwrap(), port)
}

/// An address at which nobody listens.
pub(super) fn nobody() -> String {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Ends TLS in front of a port, with a certificate for `localhost` of an authority of its own. Gives the
/// authority as PEM.
pub(super) fn end_tls(listener: TcpListener, port: u16) -> String {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (outside, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(outside).await else { return };
                let mut inside = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    pem(authority.der())
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
}

/// A request on its way through a proxy.
pub(super) struct Passing {
    pub(super) method: reqwest::Method,
    pub(super) path: String,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Vec<u8>,
    /// Where it goes.
    pub(super) to: String,
}

/// What a proxy does to requests: it answers some itself.
pub(super) type Spoil = fn(&mut Passing) -> Option<StatusCode>;

/// A proxy in front of the service.
pub(super) fn proxy(
    to: &str,
    spoil: impl Fn(&mut Passing) -> Option<StatusCode> + Clone + Send + Sync + 'static,
) -> String {
    let (listener, port) = listener();
    let (to, client) = (to.to_owned(), reqwest::Client::builder().no_proxy().build().unwrap());
    let pass = move |request: Request| {
        let (to, client, spoil) = (to.clone(), client.clone(), spoil.clone());
        async move {
            let (parts, body) = request.into_parts();
            let mut passing = Passing {
                method: parts.method,
                path: parts.uri.path().to_owned(),
                headers: parts.headers,
                body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
                to,
            };
            if let Some(status) = spoil(&mut passing) {
                return (status, "the proxy's own page").into_response();
            }
            passing.headers.remove("host");
            passing.headers.remove("content-length");
            let Passing { method, path, headers, body, to } = passing;
            let request = client.request(method, format!("{to}{path}")).headers(headers).body(body);
            let answer = request.send().await.unwrap();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            *response.body_mut() = Body::from(answer.bytes().await.unwrap());
            response
        }
    };
    let router = Router::new().fallback(pass);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://127.0.0.1:{port}")
}

/// An endpoint that names nobody, with these statuses for what is signed with the key and what is not.
pub(super) fn webhook(key: &'static str, signed: u16, unsigned: u16) -> String {
    let (listener, port) = listener();
    let key = novu_connect_bot::signing::SigningKey::new(&key.into()).unwrap();
    let answer = move |headers: axum::http::HeaderMap, body: axum::body::Bytes| {
        let key = key.clone();
        async move {
            let text = |name: &str| headers[name].to_str().unwrap().to_owned();
            let timestamp = text("x-connect-request-timestamp");
            let genuine =
                text("x-connect-signature") == key.sign("v1", timestamp.as_bytes(), &body);
            StatusCode::from_u16(if genuine { signed } else { unsigned }).unwrap()
        }
    };
    let router = Router::new().route("/who", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://127.0.0.1:{port}/who")
}
