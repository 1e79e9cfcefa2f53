//! The same for the terminal, and a race to watch.

use maud::{Markup, html};

use crate::Failure;
use crate::failure::ENDED;

const RACE: &str = r#"HERE=http://127.0.0.1:8000
curl -c jar -b jar -X PUT $HERE/api/session/coat -d '"grey"'
curl -b jar $HERE/api/session

# a slow request, and a logout that overtakes it
curl -b jar -X PUT "$HERE/api/session/hat?delay_ms=2000" -d '"felt"' &
sleep 1; curl -b jar -X POST $HERE/api/logout; wait
# "#;

const REQUESTS: [(&str, &str); 14] = [
    ("GET /api/session", "all of it"),
    ("PUT GET DELETE /api/session/{name}", "one value, any JSON"),
    ("POST /api/counter/{name}", "adds one, exactly"),
    ("POST /api/login", r#"{"user": "alice"}"#),
    ("POST /api/logout", "ends the session"),
    ("POST /api/flush", "ends the session"),
    ("POST /api/cycle-key", "a new key"),
    ("POST /api/expiry", r#"{"seconds": 300}, {"at": "2030-01-01T00:00:00Z"}, {"default": true}"#),
    ("POST GET /api/test-cookie", "leaves it, finds it"),
    ("GET /api/devices", "where you are logged in"),
    ("DELETE /api/devices/{id}", "ends one of those"),
    ("POST /api/logout-others", "ends all the others"),
    ("POST /api/logout-everywhere", "ends all of those"),
    ("?delay_ms=2000", "on any of them: a pause between the load and the change"),
];

pub(super) fn terminal() -> Markup {
    html! {
        details.card {
            summary { "From the terminal, with a race to watch" }
            pre tabindex="0" { code { (RACE) (Failure::bad(ENDED).json()) } }
            dl.requests {
                @for (request, answer) in REQUESTS {
                    div { dt { code { (request) } } dd { (answer) } }
                }
            }
        }
    }
}
