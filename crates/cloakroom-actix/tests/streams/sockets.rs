//! WebSockets: a task of its own, with the session of the request that it began with.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::Message;
use cloakroom_actix::{Error, Session};
use cloakroom_conformance::{Fault, Gate, Operation};
use futures_util::{SinkExt, StreamExt, future::join_all};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};

use crate::site::{Dropped, Site, at};

/// A socket that adds one at each message, and says how many there are. The guard is dropped when it ends.
fn count<Guard: 'static>(
    request: &HttpRequest,
    body: Payload,
    session: Session,
    guard: Guard,
) -> HttpResponse {
    let (response, mut writer, mut reader) = actix_ws::handle(request, body).unwrap();
    actix_web::rt::spawn(async move {
        let _guard = guard;
        while let Some(Ok(Message::Text(_))) = reader.next().await {
            let said = match session.update("n", |n: &mut u64| *n += 1).await {
                Ok(n) => n.to_string(),
                Err(error) => format!("{:?}", error.kind()),
            };
            if writer.text(said).await.is_err() {
                return;
            }
        }
    });
    response
}

/// A socket whose session is as it was.
async fn plain(request: HttpRequest, body: Payload, session: Session) -> HttpResponse {
    count(&request, body, session, ())
}

/// The client's end, and the key that the answer to its request has given it.
async fn connect(address: SocketAddr, key: &str) -> (WebSocketStream<TcpStream>, Option<String>) {
    let mut request = format!("ws://{address}/socket").into_client_request().unwrap();
    request.headers_mut().insert("cookie", format!("sessionid={key}").parse().unwrap());
    let connection = TcpStream::connect(address).await.unwrap();
    let (socket, answer) = client_async(request, connection).await.unwrap();
    let cookie = answer.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap());
    let key = cookie.map(|cookie| cookie["sessionid=".len()..].split(';').next().unwrap().to_owned());
    (socket, key)
}

async fn asked(socket: &mut WebSocketStream<TcpStream>) -> String {
    socket.send(tungstenite::Message::text("count")).await.unwrap();
    socket.next().await.unwrap().unwrap().into_text().unwrap().as_str().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_that_is_updated_over_sockets_is_exact_and_stored() {
    let site = Site::serve(at("/socket", plain)).await;
    let key = site.visitor().await;
    let clients = join_all((0..4).map(|_| async {
        let (mut socket, _) = connect(site.address, &key).await;
        let mut counted = Vec::new();
        for _ in 0..25 {
            counted.push(asked(&mut socket).await.parse::<u64>().unwrap());
        }
        counted
    }));
    let mut counted = clients.await.concat();
    counted.sort_unstable();
    assert_eq!(counted, (1..=100).collect::<Vec<u64>>());
    assert_eq!(site.text(&key, "/do/add:n").await, "101");
}

#[tokio::test]
async fn a_session_that_is_begun_before_the_upgrade_is_told_with_it() {
    let handler = async |request: HttpRequest, body: Payload, session: Session| {
        session.insert("n", 0)?;
        Ok::<_, Error>(count(&request, body, session, ()))
    };
    let site = Site::serve(at("/socket", handler)).await;
    let (mut socket, key) = connect(site.address, "").await;
    assert_eq!(asked(&mut socket).await, "1");
    assert_eq!(site.text(&key.unwrap(), "/do/add:n").await, "2");
}

#[tokio::test]
async fn a_socket_whose_session_was_ended_elsewhere_hears_of_it_at_its_next_update() {
    let site = Site::serve(at("/socket", plain)).await;
    let key = site.visitor().await;
    let (mut socket, _) = connect(site.address, &key).await;
    assert_eq!(asked(&mut socket).await, "1");
    site.get(&key, "/do/logout").await;
    assert_eq!(asked(&mut socket).await, "Interrupted");
    assert_eq!(site.records().await, 0);
}

#[tokio::test]
async fn what_a_socket_has_begun_as_its_client_hangs_up_is_done() {
    let ended = Arc::new(Notify::new());
    let handler = {
        let ended = Arc::clone(&ended);
        move |request: HttpRequest, body: Payload, session: Session| {
            let response = count(&request, body, session, Dropped(Arc::clone(&ended)));
            async { response }
        }
    };
    let site = Site::serve(at("/socket", handler)).await;
    let key = site.visitor().await;
    let gate = Gate::default();
    site.faults.fail(Operation::Save, Fault::Hold(gate.clone()));
    let (mut socket, _) = connect(site.address, &key).await;
    socket.send(tungstenite::Message::text("count")).await.unwrap();
    gate.reached().await;
    drop(socket);
    gate.open();
    ended.notified().await;
    assert_eq!(site.text(&key, "/do/add:n").await, "2");
}
