//! Ending what was handed out: the application says from when on cookies count.

use std::fmt;

use async_trait::async_trait;
use cloakroom_core::{Result, Timestamp};

/// Says from when on cookies count: a value that was issued earlier is absent, whatever its deadline. Each
/// write issues anew, so this also ends what a slow request would save.
///
/// It is asked for every value that is presented, read or written, after its signature was checked: answer
/// from memory where you can. It takes something shared by all hosts, as every revocation does; a user's row
/// that is loaded anyway will do, and for everybody at once a setting.
///
/// To log a user out everywhere, store the moment 5 seconds from now as theirs: hosts' clocks may differ by
/// that, and a login within these seconds ends as well.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// use cloakroom_cookie::{Config, Epochs};
/// use cloakroom_core::{Result, Timestamp};
///
/// #[derive(Debug, Default)]
/// struct LoggedOut(Mutex<HashMap<String, Timestamp>>);
///
/// #[async_trait::async_trait]
/// impl Epochs for LoggedOut {
///     async fn not_before(&self, owner: Option<&str>) -> Result<Option<Timestamp>> {
///         let users = self.0.lock().unwrap();
///         Ok(owner.and_then(|owner| users.get(owner)).copied())
///     }
/// }
///
/// # let secret_key = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
/// let backend = Config::new(secret_key).epochs(LoggedOut::default()).open()?;
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[async_trait]
pub trait Epochs: fmt::Debug + Send + Sync + 'static {
    /// The moment before which values of this user's sessions, or of sessions in which nobody is logged in,
    /// were issued in vain; `None`: they all count.
    ///
    /// # Errors
    ///
    /// Any: nothing is read or written then, and the visitor's cookie stays.
    async fn not_before(&self, owner: Option<&str>) -> Result<Option<Timestamp>>;
}
