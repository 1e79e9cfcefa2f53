//! Sites that the tests serve themselves.

use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A site that is served until it is dropped.
pub(crate) struct Elsewhere {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Elsewhere {
    /// One page.
    pub(crate) async fn with(page: String) -> Self {
        Self::serving(Router::new().route("/", get(async || Html(page)))).await
    }

    /// A whole site, on a free port, whatever the name that it is called by.
    pub(crate) async fn serving(site: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async { axum::serve(listener, site).await.expect("served") });
        Self { address, task }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}
