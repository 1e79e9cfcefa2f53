//! What Rust shows, and the style sheet that both sides use.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use cloakroom::core::Session;
use maud::{DOCTYPE, Markup, html};

use crate::cart::{Cart, GOODS};
use crate::users::User;
use crate::{PASSWORD, USER};

/// `/style.css`
pub(crate) fn style() -> Router {
    Router::new().route(
        "/style.css",
        get(async || ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))),
    )
}

/// `GET /cart`
pub(crate) fn cart(session: &Session, user: Option<&User>, cart: &Cart) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "The cart" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
            }
            body.rust {
                header {
                    p.side { "Rendered by " strong { "Rust, with cloakroom" } }
                    nav { a href="/" { "The foyer" } " " a href="/cart" aria-current="page" { "The cart" } }
                }
                main {
                    section {
                        h1 { "The cart" }
                        p {
                            "This page has moved to Rust. " a href="/" { "The foyer" }
                            " is still Django's. Both read and write one session, in Django's table and as Django writes it."
                        }
                    }
                    (visitor(user))
                    (goods(cart))
                    (held(session))
                }
            }
        }
    }
}

fn visitor(user: Option<&User>) -> Markup {
    html! {
        section {
            h2 { "Who you are" }
            @if let Some(user) = user {
                p { "Logged in as " strong { (user.username) } ", says Rust." }
                form method="post" action="/cart/logout" { button { "Log out" } }
            } @else {
                p {
                    "Nobody is logged in, says Rust. There is one user: " code { (USER) } " with the password "
                    code { (PASSWORD) } "."
                }
                form.fields method="post" action="/cart/login" {
                    label { "Name " input name="username" value=(USER) autocomplete="username" required; }
                    label {
                        "Password "
                        input name="password" type="password" autocomplete="current-password" required;
                    }
                    button.primary { "Log in" }
                }
            }
        }
    }
}

fn goods(cart: &Cart) -> Markup {
    html! {
        section {
            h2 { "In the cart" }
            @if cart.is_empty() {
                p.empty { "Nothing yet." }
            } @else {
                ul { @for (good, count) in cart { li { (count) " × " (good) } } }
            }
            form.row method="post" action="/cart/add" {
                @for good in GOODS { button name="good" value=(good) { "Add " (good.to_lowercase()) } }
            }
        }
    }
}

fn held(session: &Session) -> Markup {
    let entries: Vec<_> = session.iter().collect();
    html! {
        section {
            h2 { "In the session" }
            @if entries.is_empty() {
                p.empty { "Nothing yet." }
            } @else {
                table { @for (name, value) in entries { tr { th { (name) } td { code { (value.get()) } } } } }
            }
            p.fine {
                "Django's page shows names of its own as well: " code { "_auth_user_…" } " and "
                code { "_session_expiry" } " are no entries here. Who is logged in, and when it ends, Rust asks the session."
            }
        }
    }
}
