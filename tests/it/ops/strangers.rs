//! People whom nobody knows take all places, each kind in its own way, and keep nobody out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::bot::{ADA, Bot, ITSELF, until};

/// How many are served at a time.
const PLACES: usize = 64;
/// More than there are places, so that they are taken again when one of them gives way.
const STRANGERS: usize = PLACES + 16;
/// Within this a genuine command is answered.
const SOON: Duration = Duration::from_secs(1);
/// How often those who keep on doing something do it.
const OFTEN: Duration = Duration::from_millis(20);

const HEAD_OF_A_BODY: &[u8] = b"POST /slack/commands HTTP/1.1\r\nhost: a\r\n\
    content-length: 10000\r\nx-slack-request-timestamp: 1790000000\r\n\
    x-slack-signature: v0=0000000000000000000000000000000000000000000000000000000000000000\r\n\r\n\
    token=";

/// What a stranger does with a connection, for ever.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Silent,
    HalfAHead,
    HalfABody,
    NeverReads,
    Rests,
    SlowHead,
    SlowBody,
    AlwaysBusy,
}

impl Kind {
    /// Takes a place, says so, and stays until it is lost.
    async fn come(self, address: SocketAddr, arrived: Arc<Semaphore>) -> std::io::Result<()> {
        let mut stream = connect(address).await?;
        let begun = self.begin(&mut stream).await;
        arrived.add_permits(1);
        begun?;
        loop {
            tokio::time::sleep(OFTEN).await;
            match self {
                Self::SlowHead | Self::SlowBody => stream.write_all(b"x").await?,
                Self::AlwaysBusy => ask(&mut stream).await?,
                _ => {}
            }
        }
    }

    async fn begin(self, stream: &mut TcpStream) -> std::io::Result<()> {
        match self {
            Self::Silent => Ok(()),
            Self::HalfAHead => stream.write_all(b"POST /slack/commands HTTP/1.1\r\nhost:").await,
            Self::SlowHead => stream.write_all(b"GET /healthz HTTP/1.1\r\nx: ").await,
            Self::HalfABody | Self::SlowBody => stream.write_all(HEAD_OF_A_BODY).await,
            Self::Rests | Self::AlwaysBusy => ask(stream).await,
            Self::NeverReads => {
                let requests = b"GET /link/nothing HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100);
                // Until nothing goes any more in either direction.
                while let Ok(written) = timeout(OFTEN * 5, stream.write_all(&requests)).await {
                    written?;
                }
                Ok(())
            }
        }
    }
}

async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // So that little is too much to be sent to who never reads.
    socket.set_recv_buffer_size(4096)?;
    socket.connect(address).await
}

/// Asks for something that everybody gets, and reads it.
async fn ask(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

async fn a_genuine_command_gets_in(kind: Kind) {
    let bot = Bot::start_with(&[
        ("CONNECT_SERVER__MAX_CONNECTIONS", &PLACES.to_string()),
        ("CONNECT_SERVER__PUBLIC_URL", ITSELF),
    ])
    .await;
    // Not in public: a connection from before would be the first to give way.
    until(async || bot.ops("/readyz").await.status == 200).await;
    let address = bot.url.strip_prefix("http://").unwrap().parse().unwrap();
    let (mut strangers, arrived) = (JoinSet::new(), Arc::new(Semaphore::new(0)));
    for _ in 0..STRANGERS {
        strangers.spawn(kind.come(address, Arc::clone(&arrived)));
    }
    let all = u32::try_from(STRANGERS).unwrap();
    let _all = timeout(SOON * 20, arrived.acquire_many(all)).await.unwrap().unwrap();
    for _ in 0..3 {
        let asked = Instant::now();
        bot.command(ADA, "").await.link();
        assert!(asked.elapsed() < SOON, "{kind:?}: {:?}", asked.elapsed());
    }
}

macro_rules! strangers {
    ($($name:ident: $kind:ident,)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                a_genuine_command_gets_in(Kind::$kind).await;
            }
        )+
    };
}

strangers! {
    silent_connections_keep_nobody_out: Silent,
    half_a_head_keeps_nobody_out: HalfAHead,
    half_a_body_keeps_nobody_out: HalfABody,
    answers_that_are_never_read_keep_nobody_out: NeverReads,
    connections_at_rest_keep_nobody_out: Rests,
    a_head_byte_by_byte_keeps_nobody_out: SlowHead,
    a_body_byte_by_byte_keeps_nobody_out: SlowBody,
    connections_that_are_always_busy_keep_nobody_out: AlwaysBusy,
}
