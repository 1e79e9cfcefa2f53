//! A site on a port of its own, and the browsers' side of its connections.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{App, FromRequest, Handler, HttpResponse, HttpServer, Responder};
use cloakroom_actix::{Error, Session, SessionMiddleware};
use cloakroom_conformance::{Faulty, http::act};
use cloakroom_core::{Memory, SessionBackend, SessionOptions, Sessions};
use cloakroom_http::CookiePolicy;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// A served site, and the store behind it.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    /// The store's calls can be held there.
    pub(crate) faults: Faulty,
    pub(crate) memory: Arc<Memory>,
}

impl Site {
    /// These routes over a store in memory, and `/do/{steps}` beside them, by the default rules.
    pub(crate) async fn serve(routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Self {
        Self::serve_by(SessionOptions::default(), routes).await
    }

    pub(crate) async fn serve_by(
        options: SessionOptions,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        let memory = Arc::new(Memory::with_clock(Arc::clone(&options.clock)));
        let faults = Faulty::new(Arc::clone(&memory));
        let address = serve(Sessions::with(faults.clone(), options), routes).await;
        Self { address, faults, memory }
    }

    /// The key of a visitor who has a session.
    pub(crate) async fn visitor(&self) -> String {
        self.get("", "/do/set:a=1").await.key.unwrap()
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Answer {
        get_from(self.address, key, path).await
    }

    /// What a visitor is answered.
    pub(crate) async fn text(&self, key: &str, path: &str) -> String {
        self.get(key, path).await.text().await
    }

    pub(crate) async fn records(&self) -> usize {
        self.memory.walk().unwrap().page(None, 10).await.unwrap().found.len()
    }
}

/// Serves these routes, and `/do/{steps}`, by two workers until the test ends.
pub(crate) async fn serve(
    sessions: Sessions,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> SocketAddr {
    let middleware = SessionMiddleware::with(sessions, CookiePolicy::default());
    let app = move || {
        App::new()
            .wrap(middleware.clone())
            .route("/do/{steps:.*}", web::get().to(steps))
            .configure(routes.clone())
    };
    let server = HttpServer::new(app)
        .workers(2)
        .disable_signals()
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

/// One route.
pub(crate) fn at<F, Args>(
    path: &'static str,
    handler: F,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static
where
    F: Handler<Args> + Send,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    move |routes: &mut ServiceConfig| {
        routes.route(path, web::get().to(handler.clone()));
    }
}

async fn steps(session: Session, steps: web::Path<String>) -> Result<String, Error> {
    Ok(act(&session, &steps).await?.body)
}

/// A body of these lines.
pub(crate) fn body(lines: impl Stream<Item = String> + 'static) -> HttpResponse {
    let lines = lines.map(|line| Ok::<_, std::convert::Infallible>(Bytes::from(line)));
    HttpResponse::Ok().streaming(lines)
}

/// An answer whose headers have arrived.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What Set-Cookie has made of the cookie.
    pub(crate) key: Option<String>,
    length: Option<usize>,
    connection: BufReader<TcpStream>,
}

/// Asks with this key, or with none if it is empty.
pub(crate) async fn get_from(address: SocketAddr, key: &str, path: &str) -> Answer {
    let mut connection = BufReader::new(TcpStream::connect(address).await.unwrap());
    let cookie = if key.is_empty() { String::new() } else { format!("Cookie: sessionid={key}\r\n") };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let status = line(&mut connection).await.split(' ').nth(1).unwrap().parse().unwrap();
    let (mut key, mut length) = (None, None);
    loop {
        let header = line(&mut connection).await;
        match header.split_once(": ") {
            Some(("set-cookie", cookie)) => {
                let pair = cookie.split(';').next().unwrap();
                key = Some(pair.strip_prefix("sessionid=").unwrap().to_owned());
            }
            Some(("content-length", bytes)) => length = Some(bytes.parse().unwrap()),
            Some(_) => {}
            None => break,
        }
    }
    Answer { status, key, length, connection }
}

impl Answer {
    /// The next piece of an answer in pieces, if there is one.
    pub(crate) async fn piece(&mut self) -> Option<String> {
        assert_eq!(self.length, None, "it came at once");
        let bytes = usize::from_str_radix(&line(&mut self.connection).await, 16).unwrap();
        let piece = self.read(bytes).await;
        line(&mut self.connection).await;
        (bytes > 0).then_some(piece)
    }

    /// All pieces that are left.
    pub(crate) async fn pieces(mut self) -> Vec<String> {
        let mut pieces = Vec::new();
        while let Some(piece) = self.piece().await {
            pieces.push(piece);
        }
        pieces
    }

    /// An answer that came at once.
    async fn text(mut self) -> String {
        let bytes = self.length.unwrap();
        self.read(bytes).await
    }

    async fn read(&mut self, bytes: usize) -> String {
        let mut text = vec![0; bytes];
        self.connection.read_exact(&mut text).await.unwrap();
        String::from_utf8(text).unwrap()
    }
}

async fn line(connection: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    line.strip_suffix("\r\n").unwrap().to_owned()
}

/// Gives its signal when it is dropped.
pub(crate) struct Dropped(pub(crate) Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
