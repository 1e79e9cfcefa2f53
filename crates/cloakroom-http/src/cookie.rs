//! Reading the Cookie header, and writing Set-Cookie.

use cloakroom_core::{BrowserEnd, SessionKey, Timestamp};
use cookie::time::{Duration, OffsetDateTime};
use cookie::{Cookie, CookieBuilder};

use crate::{CookiePolicy, SameSite};

/// The value of the cookie `name` among all Cookie headers of a request, if it is there exactly once.
///
/// A browser sends a name once, unless somebody has planted a second one, from a neighbouring
/// subdomain say. Which of the two is the visitor's can't be known, so neither is used. Names are
/// compared byte by byte and nothing is percent-decoded: `%5F_Host-` never passes for `__Host-`.
pub fn find<'h>(headers: impl IntoIterator<Item = &'h [u8]>, name: &str) -> Option<&'h str> {
    let mut found = None;
    for pair in headers.into_iter().flat_map(|header| header.split(|byte| *byte == b';')) {
        let pair = pair.trim_ascii();
        let value = pair.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        if value.is_some() && found.is_some() {
            return None;
        }
        found = found.or(value);
    }
    found.and_then(|value| std::str::from_utf8(value).ok())
}

/// Set-Cookie that gives the browser this key until then.
pub(crate) fn set(policy: &CookiePolicy, key: &SessionKey, end: BrowserEnd, now: Timestamp) -> String {
    let cookie = attributes(policy, key.expose());
    match end {
        BrowserEnd::Close => cookie,
        BrowserEnd::At(moment) => {
            // Rounded up: the milliseconds of the commit are no reason to tell a second less.
            let seconds = moment.since(now).as_millis().div_ceil(1_000);
            let age = i64::try_from(seconds).unwrap_or(i64::MAX);
            cookie.max_age(Duration::seconds(age)).expires(date(moment))
        }
    }
    .to_string()
}

/// Set-Cookie that takes the cookie away: the same attributes, or browsers would not find it.
pub(crate) fn remove(policy: &CookiePolicy) -> String {
    attributes(policy, "").max_age(Duration::ZERO).expires(OffsetDateTime::UNIX_EPOCH).to_string()
}

fn attributes<'c>(policy: &'c CookiePolicy, value: &'c str) -> CookieBuilder<'c> {
    let options = policy.options();
    let mut cookie = Cookie::build((policy.name(), value))
        .path(&*options.path)
        .secure(options.secure)
        .http_only(options.http_only)
        .partitioned(options.partitioned)
        .same_site(match options.same_site {
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::Lax => cookie::SameSite::Lax,
            SameSite::None => cookie::SameSite::None,
        });
    if let Some(domain) = &options.domain {
        cookie = cookie.domain(&**domain);
    }
    cookie
}

fn date(moment: Timestamp) -> OffsetDateTime {
    let seconds = i64::try_from(moment.millis() / 1_000).unwrap_or(i64::MAX);
    // A Timestamp ends with the year 9999, as OffsetDateTime does.
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use cloakroom_core::Addressing;

    use super::*;
    use crate::CookieOptions;

    fn found(header: &str) -> Option<&str> {
        find([header.as_bytes()], "sessionid")
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        for header in
            ["sessionid=k", "a=b; sessionid=k", "sessionid=k;a=b", "xsessionid=x; sessionid=k; sessionid2=y"]
        {
            assert_eq!(found(header), Some("k"), "{header}");
        }
    }

    #[test]
    fn a_cookie_that_comes_twice_is_nobodys() {
        assert_eq!(found("sessionid=k; sessionid=j"), None);
        let headers: [&[u8]; 2] = [b"sessionid=k", b"sessionid=k"];
        assert_eq!(find(headers, "sessionid"), None);
    }

    #[test]
    fn names_are_never_decoded_folded_or_trimmed_into_a_match() {
        for header in [
            "Sessionid=k",
            "%73essionid=k",
            "session id=k",
            "sessionid =k",
            "\"sessionid\"=k",
            "sessionid",
            "",
        ] {
            assert_eq!(found(header), None, "{header}");
        }
        assert_eq!(find([b"sessionid=\xff\xfe".as_slice()], "sessionid"), None);
    }

    #[test]
    fn a_cookie_is_removed_with_the_attributes_it_was_set_with() {
        let policy = CookiePolicy::new(CookieOptions {
            domain: Some("example.org".into()),
            path: "/app".into(),
            partitioned: true,
            ..CookieOptions::default()
        })
        .unwrap();
        let key = SessionKey::parse("abcdefghijklmnopqrstuvwxyz012345", Addressing::Hashed).unwrap();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let end = BrowserEnd::At(now.plus(std::time::Duration::from_mins(1)));
        assert_eq!(
            set(&policy, &key, end, now),
            "sessionid=abcdefghijklmnopqrstuvwxyz012345; HttpOnly; SameSite=Lax; Partitioned; Secure; Path=/app; \
             Domain=example.org; Max-Age=60; Expires=Tue, 14 Nov 2023 22:14:20 GMT"
        );
        assert_eq!(
            remove(&policy),
            "sessionid=; HttpOnly; SameSite=Lax; Partitioned; Secure; Path=/app; \
             Domain=example.org; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        );
    }

    #[test]
    fn a_value_as_long_as_a_cookie_goes_there_and_back_as_it_is() {
        let value = "Az09-_.:".repeat((4096 - "sessionid".len()) / 8);
        let key = SessionKey::parse(&value, Addressing::Presented).unwrap();
        let set = set(&CookiePolicy::default(), &key, BrowserEnd::Close, Timestamp::MIN);
        let pair = set.split(';').next().unwrap();
        assert_eq!(pair.strip_prefix("sessionid="), Some(&*value));
        assert_eq!(found(&format!("theme=dark; {pair}")), Some(&*value));
    }

    #[test]
    fn a_session_until_the_browser_closes_has_no_age() {
        let key = SessionKey::generate(Addressing::Hashed).unwrap();
        let cookie = set(&CookiePolicy::default(), &key, BrowserEnd::Close, Timestamp::MIN);
        assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires"), "{cookie}");
    }
}
