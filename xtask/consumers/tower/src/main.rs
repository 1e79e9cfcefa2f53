//! The layer around a service of tower.

use cloakroom_core::Memory;
use cloakroom_tower::{Error, Session, SessionLayer};
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};

async fn visits(request: Request<String>) -> Result<Response<String>, Error> {
    let session = Session::of(request.extensions()).await?;
    let visits = session.update("visits", |n: &mut u64| *n += 1).await?;
    Ok(Response::new(format!("visit {visits}")))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let service = ServiceBuilder::new().layer(SessionLayer::new(Memory::new())).service(service_fn(visits));
    let response = service.clone().oneshot(Request::new(String::new())).await?;
    let cookie = response.headers()["set-cookie"].to_str().unwrap_or_default();
    let pair = cookie.split(';').next().unwrap_or_default();
    let again = Request::builder().header("cookie", pair).body(String::new()).unwrap_or_default();
    assert_eq!(service.oneshot(again).await?.body(), "visit 2");
    Ok(())
}
