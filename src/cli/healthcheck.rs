//! `healthcheck`: whether the service on this machine is alive, for images without a shell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// The longest time that the service may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks `/healthz` of the service that listens on `address`, which may be everywhere.
///
/// # Errors
/// It does not answer in time, or not with 200.
pub(super) async fn run(address: SocketAddr) -> anyhow::Result<()> {
    let url = format!("http://{}/healthz", reachable(address));
    // Not the client for upstreams: a proxy of the environment knows nothing of this machine.
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()?;
    let answer = client.get(url).send().await;
    let response = answer.with_context(|| format!("nobody answers on {address}"))?;
    let status = response.status();
    ensure!(status == reqwest::StatusCode::OK, "the answer on {address} is {status}");
    Ok(())
}

/// An address to call a listener at: one that listens everywhere is reached on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::http::{Limits, serve};

    /// What the health check makes of a service that answers like this, listening everywhere.
    async fn checked(router: Router) -> anyhow::Result<()> {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, router, Limits::default(), stop.clone()));
        let result = run(address).await;
        stop.cancel();
        served.await.unwrap();
        result
    }

    #[tokio::test]
    async fn only_a_200_is_alive() {
        checked(Router::new().route("/healthz", get(async || "ok"))).await.unwrap();
        let ill = get(async || StatusCode::INTERNAL_SERVER_ERROR);
        assert!(checked(Router::new().route("/healthz", ill)).await.is_err());
        let elsewhere = get(async || (StatusCode::FOUND, [("location", "/")]));
        assert!(checked(Router::new().route("/healthz", elsewhere)).await.is_err());
    }

    #[tokio::test]
    async fn nobody_is_not_alive() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(run(address).await.is_err());
    }

    #[test]
    fn who_listens_everywhere_is_reached_on_loopback() {
        for (listen, call) in [
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:3000", "[::1]:3000"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), call.parse().unwrap());
        }
    }
}
