//! The ticket: what a visitor holds, in five facts.

use cloakroom::core::Session;
use cloakroom::{Engine, Timestamp};
use maud::{Markup, html};

use crate::moment::{ago, ahead, readable, rfc3339};
use crate::ticket;

pub(super) fn ticket(engine: Engine, session: &Session) -> Markup {
    let now = session.sessions().options().clock.now();
    match ticket::ticket(session) {
        Some(number) => stamped(&number, engine, session, now),
        None => blank(engine),
    }
}

fn stamped(number: &str, engine: Engine, session: &Session, now: Timestamp) -> Markup {
    let count = session.names().len();
    let until = session.expiry_date();
    html! {
        section.ticket aria-label="Your ticket" {
            div.stub {
                p.eyebrow { "Ticket" }
                p.number { (number) }
                p.fine { "From a hash of your key. The key itself is in your cookie and nowhere else." }
            }
            dl.facts {
                div { dt { "Holds" } dd { (count) " " (if count == 1 { "value" } else { "values" }) } }
                div { dt { "In the name of" } dd { (session.user().as_deref().unwrap_or("nobody yet")) } }
                div { dt { "Kept by" } dd { "the engine " code { (engine) } } }
                @if let Some(since) = session.created_at() {
                    div { dt { "Since" } dd { (time(since)) br; span.fine { (ago(now, since)) } } }
                }
                div.wide {
                    dt { "Until" }
                    dd {
                        @if session.expires_at_browser_close() { "you close the browser, at the latest " }
                        (time(until)) br; span.fine { (ahead(now, until)) }
                    }
                }
            }
        }
    }
}

fn blank(engine: Engine) -> Markup {
    html! {
        section.ticket.blank aria-label="Your ticket" {
            div.stub {
                p.eyebrow { "Ticket" }
                p.number { "none yet" }
            }
            div.facts {
                p.lead { "You have handed in nothing, so nothing is kept." }
                p {
                    "There is no entry for you in the engine " code { (engine) } ", and no cookie is sent. "
                    "Whoever has nothing to remember costs nothing. Hand something in below, and you get a ticket."
                }
            }
        }
    }
}

/// A moment that people and programs can read.
pub(super) fn time(moment: Timestamp) -> Markup {
    html! { time datetime=(rfc3339(moment)) { (readable(moment)) } }
}
