//! Django's users, as its table has them.

use std::num::NonZeroU32;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cloakroom::core::Session;
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, verify};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::failure::Failure;

/// What nobody's password makes, after as much work as a user's.
const NOBODY: &str = "pbkdf2_sha256$1000000$nobody$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The table.
#[derive(Clone, Debug)]
pub(crate) struct Users(SqlitePool);

/// A row of it.
pub(crate) struct User {
    id: i64,
    pub(crate) username: String,
    /// The column `password`: a hash, which the login is bound to.
    password: String,
}

type Row = (i64, String, String);

impl From<Row> for User {
    fn from((id, username, password): Row) -> Self {
        Self { id, username, password }
    }
}

impl Users {
    /// The users in Django's database, to be looked at only.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub(crate) async fn open(database: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new().filename(database).read_only(true);
        SqlitePool::connect_with(options).await.map(Self)
    }

    /// Who is logged in: `django.contrib.auth.get_user`. A login under an earlier password ends here.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub(crate) async fn of(&self, session: &Session) -> sqlx::Result<Option<User>> {
        let Some(id) = session.user().and_then(|id| id.parse::<i64>().ok()) else { return Ok(None) };
        let query = sqlx::query_as::<_, Row>(
            "SELECT id, username, password FROM auth_user WHERE id = ? AND is_active",
        );
        let user = query.bind(id).fetch_optional(&self.0).await?.map(User::from);
        Ok(user.filter(|user| session.verify_login(&user.password)))
    }

    /// Logs in whoever has this name and password: `authenticate` and `login`. False if nobody has.
    ///
    /// # Errors
    ///
    /// If the database does not answer, or the session takes no login.
    pub(crate) async fn log_in(
        &self,
        session: &Session,
        name: &str,
        password: String,
    ) -> Result<bool, Failure> {
        let query = sqlx::query_as::<_, Row>(
            "SELECT id, username, password FROM auth_user WHERE username = ? AND is_active",
        );
        let user = query.bind(name).fetch_optional(&self.0).await?.map(User::from);
        let column = user.as_ref().map_or(NOBODY, |user| &user.password).to_owned();
        // It takes a good part of a second, as it should.
        let is_theirs = tokio::task::spawn_blocking(move || is_password(&column, &password)).await;
        let Some(user) = user.filter(|_| is_theirs.unwrap_or(false)) else { return Ok(false) };
        session.login_with_proof(&user.id.to_string(), &user.password)?;
        // Django's login gives out another token of the forms as well, and makes one where there is none.
        session.remove("_csrftoken");
        Ok(true)
    }
}

/// Whether the column is made of this password, by Django's default hasher: `pbkdf2_sha256$ITERATIONS$SALT$HASH`.
fn is_password(column: &str, password: &str) -> bool {
    let mut parts = column.split('$');
    let (Some("pbkdf2_sha256"), Some(iterations), Some(salt), Some(hash)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Ok(iterations), Ok(hash)) = (iterations.parse::<NonZeroU32>(), BASE64_STANDARD.decode(hash)) else {
        return false;
    };
    verify(PBKDF2_HMAC_SHA256, iterations, salt.as_bytes(), password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_made_of_one_password_and_nothing_else_is_a_column() {
        // `hashlib.pbkdf2_hmac("sha256", b"sesame", b"salt", 1000)`
        let column = "pbkdf2_sha256$1000$salt$C6cm3E2hP+SBSmboRpwbM6BvvCJJ3v7PTxBde0Nr9TA=";
        assert!(is_password(column, "sesame"));
        for (column, password) in [
            (column, "Sesame"),
            (NOBODY, "sesame"),
            ("", ""),
            ("!unusable", "unusable"),
            ("pbkdf2_sha256$0$salt$", ""),
            ("argon2$argon2id$v=19$m=8,t=1,p=1$AA$AA", ""),
        ] {
            assert!(!is_password(column, password), "{column} {password}");
        }
    }
}
