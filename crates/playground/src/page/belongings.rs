//! What the session holds, name by name.

use cloakroom::core::Session;
use maud::{Markup, html};

use super::card;
use crate::forms::{LONGEST_NAME, LONGEST_VALUE};

/// More is stored than a page should show.
const SHOWN: usize = 100;
const SHOWN_OF_A_VALUE: usize = 600;

pub(super) fn values(session: &Session) -> Markup {
    let why = html! {
        "A session maps names to JSON values. Requests that change different names at the same moment all count, "
        "and a value equal to the one that is there is not written again."
    };
    let entries: Vec<_> = session.iter().collect();
    let body = html! {
        @if entries.is_empty() {
            p.empty { "The hook is empty." }
        } @else {
            ul.values {
                @for (name, value) in entries.iter().take(SHOWN) { (entry(name, value.get())) }
            }
        }
        @if entries.len() > SHOWN {
            p.fine { "And " (entries.len() - SHOWN) " more." }
        }
        form.hand-in method="post" action="/do/put" {
            label { "Name" input name="name" required maxlength=(LONGEST_NAME) autocomplete="off" autocapitalize="none" placeholder="coat"; }
            label { "Value, JSON or plain text" input name="value" maxlength=(LONGEST_VALUE) autocomplete="off" placeholder="grey, with a hood"; }
            button.primary { "Hand in" }
        }
        p.fine { "A name that is there already gets the new value." }
    };
    card("values", "What you handed in", &why, &body)
}

fn entry(name: &str, value: &str) -> Markup {
    html! {
        li {
            code.name { (shortened(name)) }
            code.value { (shortened(value)) }
            form method="post" action="/do/remove" {
                input type="hidden" name="name" value=(name);
                button.quiet aria-label={ "Remove " (shortened(name)) } { "Remove" }
            }
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_OF_A_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
