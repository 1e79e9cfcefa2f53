//! Where Django keeps its sessions: what names begin with.

/// The table of the engines `db` and `cached_db`: `session_key`, `session_data` and `expire_date`.
pub const TABLE: &str = "django_session";

/// What the engine `file` puts before a session's key, by default: `SESSION_COOKIE_NAME`.
pub const FILE_PREFIX: &str = "sessionid";

/// What stands before a session's key in the cache, for the engine `cache`. `key_prefix` and `version` are the cache's
/// settings `KEY_PREFIX` and `VERSION`; a `KEY_FUNCTION` of one's own does as it likes.
///
/// ```
/// use cloakroom_django::cache_prefix;
///
/// assert_eq!(cache_prefix("", 1), ":1:django.contrib.sessions.cache");
/// ```
pub fn cache_prefix(key_prefix: &str, version: u32) -> String {
    format!("{key_prefix}:{version}:django.contrib.sessions.cache")
}

/// The same for the engine `cached_db`.
///
/// ```
/// use cloakroom_django::cached_db_prefix;
///
/// assert_eq!(cached_db_prefix("shop", 2), "shop:2:django.contrib.sessions.cached_db");
/// ```
pub fn cached_db_prefix(key_prefix: &str, version: u32) -> String {
    format!("{key_prefix}:{version}:django.contrib.sessions.cached_db")
}
