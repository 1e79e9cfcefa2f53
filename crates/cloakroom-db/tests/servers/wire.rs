//! A line between an engine and its server that is listened to, held and cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

pub(crate) struct Wire {
    url: String,
    line: Arc<Line>,
}

struct Line {
    server: SocketAddr,
    /// How often somebody asked after he had been answered.
    flights: AtomicU64,
    connections: AtomicU64,
    asked: Notify,
    held: watch::Sender<bool>,
    cuts: watch::Sender<u64>,
}

impl Wire {
    /// A way to the server at `url` that leads through here.
    pub(crate) async fn to(url: &str) -> Self {
        let (login, rest) = url.split_once('@').unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{login}@{}/{path}", listener.local_addr().unwrap());
        let line = Arc::new(Line {
            server: server.parse().unwrap(),
            flights: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            asked: Notify::new(),
            held: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
        });
        tokio::spawn({
            let line = Arc::clone(&line);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(Arc::clone(&line).connect(client));
                }
            }
        });
        Self { url, line }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How many flights there have been.
    pub(crate) fn flights(&self) -> u64 {
        self.line.flights.load(Ordering::SeqCst)
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> u64 {
        self.line.connections.load(Ordering::SeqCst)
    }

    /// Resolves when something is asked that was not asked when this was called last.
    pub(crate) async fn asked(&self) {
        self.line.asked.notified().await;
    }

    /// Keeps what servers answer from now on.
    pub(crate) fn hold(&self) {
        self.line.held.send_replace(true);
    }

    /// Lets it go.
    pub(crate) fn release(&self) {
        self.line.held.send_replace(false);
    }

    /// Ends every connection. New ones can be made.
    pub(crate) fn cut(&self) {
        self.line.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Line {
    async fn connect(self: Arc<Self>, client: TcpStream) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let mut cuts = self.cuts.subscribe();
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let answered = AtomicBool::new(true);
        tokio::select! {
            () = self.requests(from_client, to_server, &answered) => {}
            () = self.replies(from_server, to_client, &answered) => {}
            _ = cuts.changed() => {}
        }
    }

    async fn requests(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, answered: &AtomicBool) {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            if answered.swap(false, Ordering::SeqCst) {
                self.flights.fetch_add(1, Ordering::SeqCst);
                self.asked.notify_one();
            }
            if to.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    }

    async fn replies(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, answered: &AtomicBool) {
        let mut held = self.held.subscribe();
        let mut bytes = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            held.wait_for(|held| !held).await.unwrap();
            answered.store(true, Ordering::SeqCst);
            if to.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    }
}
