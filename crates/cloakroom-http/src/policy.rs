//! The session cookie's name and attributes, checked against the browsers' rules.

use std::str::FromStr;

use cloakroom_core::{Error, ErrorKind, Result};

/// When a browser sends the cookie along with requests from other sites.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// When a visitor follows a link.
    #[default]
    Lax,
    /// Always; the cookie must be `Secure` then.
    None,
}

impl FromStr for SameSite {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "strict" => Ok(Self::Strict),
            "lax" => Ok(Self::Lax),
            "none" => Ok(Self::None),
            _ => Err(Error::new(ErrorKind::Misconfigured, format!("{text:?} is not Strict, Lax or None"))),
        }
    }
}

/// What a [`CookiePolicy`] is made of: change what you like and have it checked.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CookieOptions {
    /// `sessionid`
    pub name: String,
    /// None: the cookie goes to the host that set it and to no other.
    pub domain: Option<String>,
    /// `/`
    pub path: String,
    /// Sent over https only. On.
    pub secure: bool,
    /// Out of scripts' reach. On.
    pub http_only: bool,
    /// [`SameSite::Lax`]
    pub same_site: SameSite,
    /// Kept apart for each site that embeds this one. Off.
    pub partitioned: bool,
}

impl Default for CookieOptions {
    fn default() -> Self {
        Self {
            name: "sessionid".into(),
            domain: None,
            path: "/".into(),
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
            partitioned: false,
        }
    }
}

/// A session cookie that browsers will keep.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CookiePolicy(CookieOptions);

/// Names of letters, digits and hyphens with dots between them (RFC 1123, section 2.1). An address has no domain, but a browser
/// takes one that is its host's own.
fn is_domain(text: &str) -> bool {
    let name = text.strip_prefix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

impl CookiePolicy {
    /// Checks the attributes against each other.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for what browsers would drop in silence: a name that is no token, a `__Host-`
    /// name without `Secure` or with a domain or another path, a `__Secure-` name, `SameSite=None`
    /// or `Partitioned` without `Secure`, a path that can't stand in a header, a domain that is no name.
    /// (RFC 6265bis, sections 4.1.2, 4.1.3 and 5.6.)
    pub fn new(options: CookieOptions) -> Result<Self> {
        let CookieOptions { name, domain, path, secure, same_site, partitioned, .. } = &options;
        let refuse = |why: &str| {
            let message = format!("the session cookie {name:?} would be dropped by browsers: {why}");
            Err(Error::new(ErrorKind::Misconfigured, message))
        };
        // token of RFC 9110, section 5.6.2
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > 255 || !name.bytes().all(token) {
            return refuse("its name is not 1 to 255 letters, digits or !#$%&'*+-.^_`|~");
        }
        // User agents compare these prefixes without regard to case.
        let prefixed =
            |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if prefixed("__Host-") && (!secure || domain.is_some() || path != "/") {
            return refuse("__Host- needs Secure, the path / and no domain");
        }
        if prefixed("__Secure-") && !secure {
            return refuse("__Secure- needs Secure");
        }
        // draft-ietf-httpbis-layered-cookies adds these two to RFC 6265bis's.
        let http_only = options.http_only;
        if (prefixed("__Http-") || prefixed("__Host-Http-")) && !(*secure && http_only) {
            return refuse("__Http- and __Host-Http- need Secure and HttpOnly");
        }
        if *same_site == SameSite::None && !secure {
            return refuse("SameSite=None needs Secure");
        }
        if *partitioned && !secure {
            return refuse("Partitioned needs Secure");
        }
        let attribute = |text: &str| {
            text.len() <= 1024
                && text.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && byte != b';')
        };
        if !path.starts_with('/') || !attribute(path) {
            return refuse(&format!("the path {path:?} does not start with / or holds what no header can"));
        }
        if let Some(domain) = domain.as_deref().filter(|domain| !is_domain(domain)) {
            return refuse(&format!(
                "the domain {domain:?} is no host's name, with or without a dot before it"
            ));
        }
        Ok(Self(options))
    }

    /// The cookie's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// All attributes.
    pub fn options(&self) -> &CookieOptions {
        &self.0
    }
}

impl Default for CookiePolicy {
    /// `sessionid; HttpOnly; SameSite=Lax; Secure; Path=/`
    fn default() -> Self {
        Self(CookieOptions::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(change: impl FnOnce(&mut CookieOptions)) -> CookieOptions {
        let mut options = CookieOptions::default();
        change(&mut options);
        options
    }

    #[test]
    fn what_browsers_drop_is_refused_when_built() {
        let refused = [
            options(|o| o.name = String::new()),
            options(|o| o.name = "a b".into()),
            options(|o| o.name = "a=b".into()),
            options(|o| (o.name, o.secure) = ("__Host-id".into(), false)),
            options(|o| (o.name, o.path) = ("__Host-id".into(), "/app".into())),
            options(|o| (o.name, o.domain) = ("__host-id".into(), Some("example.org".into()))),
            options(|o| (o.name, o.secure) = ("__Secure-id".into(), false)),
            options(|o| (o.name, o.http_only) = ("__Host-Http-id".into(), false)),
            options(|o| (o.same_site, o.secure) = (SameSite::None, false)),
            options(|o| (o.partitioned, o.secure) = (true, false)),
            options(|o| o.path = "app".into()),
            options(|o| o.path = "/; Domain=evil.example".into()),
            options(|o| o.domain = Some("a\r\nSet-Cookie: b=c".into())),
        ];
        let no_domains = [
            "",
            ".",
            "..",
            "a b",
            "https://example.org",
            "localhost:8000",
            "*.example.org",
            "a,b",
            "a..b",
            "-a.b",
        ];
        let no_domains = no_domains.map(|domain| options(|o| o.domain = Some(domain.into())));
        for options in refused.into_iter().chain(no_domains) {
            let shown = format!("{options:?}");
            let error = CookiePolicy::new(options).expect_err(&shown);
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
        }
    }

    #[test]
    fn a_host_cookie_with_its_attributes_is_accepted() {
        for domain in ["example.org", ".example.org", "localhost", "a-1.b.example", "127.0.0.1"] {
            assert!(CookiePolicy::new(options(|o| o.domain = Some(domain.into()))).is_ok(), "{domain}");
        }
        assert!(CookiePolicy::new(options(|o| o.name = "__Host-sessionid".into())).is_ok());
        assert!(
            CookiePolicy::new(options(|o| (o.name, o.path) = ("__Secure-s".into(), "/app".into()))).is_ok()
        );
    }
}
