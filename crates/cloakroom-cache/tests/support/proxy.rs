//! A server's visible side: counts what is sent to it, and can keep what passes.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of what passes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Mood {
    #[default]
    Passes,
    /// Connections stay open, and nothing passes.
    Silent,
    /// The next command of this name reaches the server; its answer does not come, the connection breaks.
    LosesReplyTo(&'static str),
}

/// Stands before a server that listens at 127.0.0.1, on a port of its own.
pub struct Proxy {
    pub port: u16,
    leads_to: watch::Sender<u16>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    mood: watch::Sender<Mood>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    commands: Vec<String>,
    connections: usize,
}

impl Proxy {
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let leads_to = watch::Sender::new(port);
        tokio::spawn({
            let (shared, port) = (Arc::clone(&shared), leads_to.subscribe());
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    shared.log().connections += 1;
                    let port = *port.borrow();
                    // A server that is dead refuses: so does this.
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                        let (from_client, to_client) = client.into_split();
                        let (from_server, to_server) = server.into_split();
                        let broken = Arc::new(watch::Sender::new(false));
                        tokio::spawn(requests(
                            from_client,
                            to_server,
                            Arc::clone(&shared),
                            Arc::clone(&broken),
                        ));
                        tokio::spawn(replies(from_server, to_client, Arc::clone(&shared), broken));
                    }
                }
            }
        });
        Self { port: own, leads_to, shared }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// New connections lead to another server, as those to a name do that is given to it.
    pub fn leads_to(&self, port: u16) {
        self.leads_to.send_replace(port);
    }

    pub fn becomes(&self, mood: Mood) {
        self.shared.mood.send_replace(mood);
    }

    /// The names of the commands since this was asked last.
    pub fn commands(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.log().commands)
    }

    /// How many connections were made since this was asked last.
    pub fn connections(&self) -> usize {
        std::mem::take(&mut self.shared.log().connections)
    }
}

impl Shared {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn passes(&self) {
        let mut mood = self.mood.subscribe();
        let _ = mood.wait_for(|mood| *mood != Mood::Silent).await;
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: Arc<Shared>,
    broken: Arc<watch::Sender<bool>>,
) {
    let mut unread = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        unread.extend_from_slice(&chunk[..length]);
        while let Some((name, taken)) = command(&unread) {
            unread.drain(..taken);
            shared.mood.send_if_modified(|mood| {
                let lost = matches!(mood, Mood::LosesReplyTo(lost) if *lost == name);
                if lost {
                    broken.send_replace(true);
                    *mood = Mood::Passes;
                }
                lost
            });
            shared.log().commands.push(name);
        }
        shared.passes().await;
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

async fn replies(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: Arc<Shared>,
    broken: Arc<watch::Sender<bool>>,
) {
    let mut chunk = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        shared.passes().await;
        if *broken.borrow() || to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

/// The name of the first whole command in these bytes, and how long it is.
fn command(bytes: &[u8]) -> Option<(String, usize)> {
    let (arguments, mut at) = number(bytes, 0, b'*')?;
    let mut name = None;
    for _ in 0..arguments {
        let (length, start) = number(bytes, at, b'$')?;
        at = start + length + 2;
        let argument = bytes.get(start..at)?;
        name.get_or_insert_with(|| String::from_utf8_lossy(&argument[..length]).to_uppercase());
    }
    Some((name?, at))
}

/// The number in the line that begins at `at`, and where the next one begins.
fn number(bytes: &[u8], at: usize, mark: u8) -> Option<(usize, usize)> {
    let length = bytes.get(at..)?.windows(2).position(|end| end == b"\r\n")?;
    let line = &bytes[at..at + length];
    assert_eq!(line[0], mark, "no command of a client");
    Some((std::str::from_utf8(&line[1..]).unwrap().parse().unwrap(), at + length + 2))
}
