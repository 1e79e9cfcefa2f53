//! What has moved to Rust: the cart, and a way to log in and out beside Django's.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Form, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cloakroom::axum::Session;
use serde::Deserialize;

use crate::failure::Failure;
use crate::page;
use crate::users::Users;

/// What there is, as Django's views have it.
pub(crate) const GOODS: [&str; 4] = ["Programme", "Opera glasses", "Lemonade", "Pralines"];

/// The name that both sides keep it under.
const CART: &str = "cart";

/// How many of each good.
pub(crate) type Cart = BTreeMap<String, u32>;

/// `/cart` and all below it.
pub(crate) fn routes(users: Users) -> Router {
    Router::new()
        .route("/cart", get(show))
        .route("/cart/add", post(add))
        .route("/cart/login", post(log_in))
        .route("/cart/logout", post(log_out))
        .layer(middleware::from_fn(own_forms_alone))
        .with_state(users)
}

async fn show(State(users): State<Users>, session: Session) -> Result<Html<String>, Failure> {
    // It may end the login: the page shows what is left.
    let user = users.of(&session).await?;
    let cart: Cart = session.get(CART)?.unwrap_or_default();
    Ok(Html(page::cart(&session, user.as_ref(), &cart).into_string()))
}

#[derive(Deserialize)]
struct Add {
    good: String,
}

async fn add(
    State(users): State<Users>,
    session: Session,
    Form(form): Form<Add>,
) -> Result<Redirect, Failure> {
    if !GOODS.contains(&form.good.as_str()) {
        return Err(Failure::Refused(StatusCode::BAD_REQUEST, "There is no such good."));
    }
    users.of(&session).await?;
    // Also when Django puts something else there at the same moment: that is built upon, not overwritten.
    session.update(CART, |cart: &mut Cart| *cart.entry(form.good.clone()).or_default() += 1).await?;
    Ok(Redirect::to("/cart"))
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

async fn log_in(
    State(users): State<Users>,
    session: Session,
    Form(form): Form<Login>,
) -> Result<Redirect, Failure> {
    if !users.log_in(&session, &form.username, form.password).await? {
        return Err(Failure::Refused(StatusCode::FORBIDDEN, "Nobody has this name and password."));
    }
    Ok(Redirect::to("/cart"))
}

async fn log_out(session: Session) -> Redirect {
    session.logout();
    Redirect::to("/cart")
}

/// Browsers say where a form was sent from. That the cookie is Lax keeps other sites out, but not those of neighbouring names.
async fn own_forms_alone(request: Request, next: Next) -> Response {
    let from = request.headers().get("sec-fetch-site");
    if request.method() == Method::POST && from.is_some_and(|from| from != "same-origin") {
        return (StatusCode::FORBIDDEN, "This form is none of ours.").into_response();
    }
    next.run(request).await
}
