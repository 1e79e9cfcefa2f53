//! The foyer: a cart, a counter of visits, and the test of the browser's cookies.

use cloakroom::core::Session;
use maud::{Markup, html};

use super::{button, card};
use crate::api::VISITS;
use crate::cart::{self, Cart, GOODS, Good};

pub(super) fn cart(session: &Session) -> Markup {
    let why = html! {
        "It is yours before anybody knows your name. Log in and it stays; log in as somebody else and it is gone. "
        "Two clicks at once both count."
    };
    let body = match cart::cart(session) {
        None => {
            html! { p.empty { "Something else hangs under the name " code { (cart::CART) } ". Remove it to shop." } }
        }
        Some(cart) => html! {
            ul.goods { @for good in GOODS { (line(good, &cart)) } }
            p.total { span { "Total" } strong { (price(cart::total(&cart))) } }
        },
    };
    card("cart", "Your cart", &why, &body)
}

fn line(good: Good, cart: &Cart) -> Markup {
    let count = cart.get(good.id).copied().unwrap_or_default();
    let step = |step: &str, sign: &str, verb: &str, idle: bool| {
        html! {
            button.step name="step" value=(step) disabled[idle] aria-label={ (verb) " " (good.title) } { (sign) }
        }
    };
    html! {
        li {
            span { (good.title) " " span.fine { (price(good.cents.into())) } }
            form method="post" action="/do/cart" {
                input type="hidden" name="good" value=(good.id);
                (step("less", "−", "One less:", count == 0))
                span.count { (count) }
                (step("more", "+", "One more:", false))
            }
        }
    }
}

fn price(cents: u64) -> String {
    // The space does not break.
    format!("€\u{a0}{}.{:02}", cents / 100, cents % 100)
}

pub(super) fn visits(session: &Session) -> Markup {
    let why = html! {
        "Adding one is exact, whatever happens at the same moment: a hundred parallel clicks count a hundred. "
        "Looking at this page counts nothing and writes nothing."
    };
    let visits = session.get::<i64>(VISITS).ok().flatten();
    let body = html! {
        div.row {
            p.figure { (visits.unwrap_or_default()) " " span.fine { (if visits == Some(1) { "visit" } else { "visits" }) } }
            (button("visit", "Visit", ""))
            span.fine { "or by hand: " a href="/visits" { "/visits" } }
        }
    };
    card("visits", "Your visits", &why, &body)
}

pub(super) fn test_cookie(session: &Session) -> Markup {
    let why = html! {
        "Leave a mark in the session; if the next request still finds it, your browser brings cookies back."
    };
    let worked = session.test_cookie_worked();
    let body = html! {
        div.row {
            p.state { (if worked { "It worked: your browser keeps its ticket." } else { "Not tried yet, or it keeps none." }) }
            (button("test-cookie", if worked { "Try again" } else { "Try it" }, ""))
        }
    };
    card("test-cookie", "Does your browser keep tickets?", &why, &body)
}
