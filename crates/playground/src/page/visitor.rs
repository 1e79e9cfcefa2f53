//! Who the visitor is: login, logout, and where else they are logged in.

use cloakroom::core::Session;
use cloakroom::{SessionInfo, Timestamp};
use maud::{Markup, html};

use super::{button, card};
use crate::devices::Devices;
use crate::forms::LONGEST_NAME;
use crate::moment::ago;
use crate::ticket;

pub(super) fn visitor(session: &Session, devices: &Devices) -> Markup {
    match session.user() {
        None => stranger(),
        Some(user) => known(&user, session, devices),
    }
}

fn stranger() -> Markup {
    let why = html! {
        "Log in: you get a new key, so whoever knew the old one is left behind. Your cart and all you handed in stay. "
        "Any name will do; there is no password here."
    };
    let body = html! {
        form.inline method="post" action="/do/login" {
            label {
                "Your name"
                input name="user" required maxlength=(LONGEST_NAME) autocomplete="username" autocapitalize="none" placeholder="alice";
            }
            button.primary { "Log in" }
        }
    };
    card("visitor", "Who are you?", &why, &body)
}

fn known(user: &str, session: &Session, devices: &Devices) -> Markup {
    let why = html! {
        "Logging out deletes this session where it is kept, at once. A slower request that is still under way can "
        "not bring it back."
    };
    let body = html! {
        (button("logout", "Log out", ""))
        (list(session, devices))
    };
    card("visitor", &format!("Good evening, {user}"), &why, &body)
}

fn list(session: &Session, devices: &Devices) -> Markup {
    match devices {
        Devices::Nobody => html! {},
        Devices::Unlisted => html! { p.fine { "This engine keeps no list of your sessions." } },
        Devices::Listed(listed) => {
            let now = session.sessions().options().clock.now();
            let current = session.id();
            html! {
                h3 { "Your devices" }
                p.why { "Every session you are logged in with. Any of them can end the others." }
                ul.devices {
                    @for device in listed { (line(device, current.as_ref() == Some(&device.id), now)) }
                }
                div.row {
                    @if listed.len() > 1 { (button("logout-others", "Log out the others", "")) }
                    (button("logout-everywhere", "Log out everywhere", "stern"))
                }
            }
        }
    }
}

fn line(device: &SessionInfo, current: bool, now: Timestamp) -> Markup {
    let agent = device.user_agent.as_deref().unwrap_or_default();
    html! {
        li {
            div {
                strong title=(agent) { (called(agent)) }
                @if current { " " span.badge { "this one" } }
                br;
                span.fine { "last seen " (ago(now, device.last_seen)) }
            }
            code { (ticket::stub(&device.id)) }
            @if !current {
                form method="post" action="/do/end-device" {
                    input type="hidden" name="id" value=(device.id.expose());
                    button { "End" }
                }
            }
        }
    }
}

/// A name for a browser that a person knows it by. Half of what a browser says is other browsers' names,
/// so the order matters.
fn called(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "a Mac"),
        ("Linux", "Linux"),
    ];
    let find = |names: [(&str, &'static str); 6]| {
        names.into_iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| name)
    };
    match (find(BROWSERS), find(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) if agent.is_empty() => "A browser without a name".to_owned(),
        (None, _) => agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_what_people_call_it() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
                "Safari on an iPhone",
            ),
            ("curl/8.9.1", "curl"),
            ("", "A browser without a name"),
            ("something <new>", "something <new>"),
        ] {
            assert_eq!(called(agent), name);
        }
    }
}
