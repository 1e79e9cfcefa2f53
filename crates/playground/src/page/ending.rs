//! When the session ends, and ending it or its key by hand.

use cloakroom::Expiry;
use cloakroom::core::Session;
use maud::{Markup, html};

use super::top::time;
use super::{button, card};
use crate::moment::span;

pub(super) fn ending(session: &Session) -> Markup {
    let why = html! {
        "The server keeps the deadline, and past it the session is gone, whatever a cookie says. The cookie's own "
        "age is only a courtesy to the browser."
    };
    let now = session.expiry();
    let choice = |until: &str, label: &str, chosen: bool| {
        html! {
            button name="until" value=(until) aria-pressed=(chosen) { (label) }
        }
    };
    let body = html! {
        p.state { (rule(session)) }
        form.choices method="post" action="/do/expiry" {
            (choice("minutes", "In 5 minutes", matches!(now, Expiry::After(_))))
            (choice("close", "With the browser", now == Expiry::BrowserClose))
            (choice("default", "House rule", now == Expiry::Default))
        }
    };
    card("ending", "When does it end?", &why, &body)
}

/// What holds for this session, in words.
fn rule(session: &Session) -> Markup {
    let lifetime = session.sessions().options().lifetime;
    let age = span(lifetime.age);
    html! {
        @match session.expiry() {
            Expiry::After(after) => { "It ends " (span(after)) " after its last change." }
            Expiry::At(moment) => { "It ends on " (time(moment)) ", whatever happens until then." }
            Expiry::BrowserClose => { "It ends when you close the browser, and here " (age) " after its last change." }
            Expiry::Default => {
                "By the house rule: it ends "
                @if lifetime.at_browser_close { "when you close the browser, and here " }
                (age) " after its last change."
            }
        }
        @if let Some(idle) = lifetime.idle { " Without a visit it ends after " (span(idle)) "." }
        @if let Some(absolute) = lifetime.absolute { " It never lasts longer than " (span(absolute)) "." }
    }
}

pub(super) fn key() -> Markup {
    let why = html! {
        "A new key keeps all you handed in and makes the old ticket worthless. Ending the session deletes it, "
        "and what has ended stays ended."
    };
    let body = html! {
        div.row {
            (button("cycle-key", "New key", ""))
            (button("flush", "End the session", "stern"))
        }
    };
    card("key", "The key", &why, &body)
}
