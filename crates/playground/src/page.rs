//! The page for people. It shows a session and asks nothing of scripts: all it does, forms do.

mod belongings;
mod ending;
mod foyer;
mod terminal;
mod top;
mod visitor;

use cloakroom::Engine;
use cloakroom::core::Session;
use maud::{DOCTYPE, Markup, html};

use crate::Failure;
use crate::devices::Devices;

/// The page's style sheet, served as `/style.css`.
pub const STYLE: &str = include_str!("page/style.css");
/// The site's icon, served as `/icon.svg`.
pub const ICON: &str = include_str!("page/icon.svg");
/// What browsers may load for it, as `Content-Security-Policy`.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                          base-uri 'none'; frame-ancestors 'none'";

/// `GET /`: what the session holds, and a form for everything that can be done to it.
pub fn home(engine: Engine, session: &Session, devices: &Devices) -> Markup {
    shell(
        "Cloakroom, a playground for sessions",
        &html! {
            (top::ticket(engine, session))
            div.columns {
                div {
                    (belongings::values(session))
                    (foyer::cart(session))
                    (foyer::visits(session))
                }
                div {
                    (visitor::visitor(session, devices))
                    (ending::ending(session))
                    (ending::key())
                    (foyer::test_cookie(session))
                }
            }
            (terminal::terminal())
        },
    )
}

/// What could not be done, and the way back.
pub fn failure(failure: &Failure) -> Markup {
    shell(
        "Cloakroom: that did not work",
        &html! {
            section.card.failure aria-labelledby="failure" {
                p.eyebrow { (failure.status) }
                h2 id="failure" { "That did not work" }
                p { (failure.message) }
                p { a.button href="/" { "Back to the counter" } }
            }
        },
    )
}

fn shell(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href="/icon.svg";
                link rel="stylesheet" href="/style.css";
            }
            body {
                header.house {
                    (hanger())
                    h1 { a href="/" { "Cloakroom" } }
                    p { "You hand in what you carry and keep a ticket. A playground for sessions." }
                }
                main { (body) }
                footer.house {
                    p {
                        "Works without scripts, and with every browser and "
                        code { "curl" }
                        ". Nothing here is secret: do not hand in what is."
                    }
                }
            }
        }
    }
}

fn hanger() -> Markup {
    html! {
        svg.hanger viewBox="0 0 64 36" aria-hidden="true" {
            path d="M27.500 9.500a4.700 4.700 0 1 1 6.800 4.200c-1.500.8-2.300 1.700-2.300 3.300v1" {}
            path d="M32 18 5.500 31.200c-1.800.9-1.200 3 .7 3h51.600c1.900 0 2.500-2.100.7-3z" {}
        }
    }
}

/// A part of the page: its title, what the library does there, and what can be done.
fn card(id: &str, title: &str, why: &Markup, body: &Markup) -> Markup {
    html! {
        section.card id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            p.why { (why) }
            (body)
        }
    }
}

/// A form that is nothing but its button.
fn button(action: &str, label: &str, class: &str) -> Markup {
    html! {
        form method="post" action={ "/do/" (action) } {
            button class=(class) { (label) }
        }
    }
}
