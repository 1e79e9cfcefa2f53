//! Where a Django site keeps its sessions, and the same place by this library's settings.

use std::path::Path;

use cloakroom::core::{Addressing, SessionKey};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

/// The site's key.
const SECRET: &str = "a-secret-key-of-the-site-that-both-sides-know-0123456789";

/// A place where Django keeps sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// `django_session` in SQLite
    Sqlite,
    /// in PostgreSQL
    Postgres,
    /// in MariaDB
    Mariadb,
    /// in files
    File,
    /// in the cookie
    SignedCookies,
    /// in Redis, by Django's own `RedisCache`
    RedisCache,
    /// in Redis, by django-redis
    DjangoRedis,
    /// by django-redis, packed
    DjangoRedisZlib,
    /// by django-redis, as JSON
    DjangoRedisJson,
    /// in SQLite behind `RedisCache`
    CachedDb,
}

/// What both sides have to be told of a place.
#[derive(Debug)]
pub struct Ground {
    /// This library's settings.
    pub settings: Vec<(&'static str, String)>,
    /// Django's, for [`Judge::start`](crate::Judge::start).
    pub site: Value,
    /// Where its files are, as long as this lives.
    pub folder: TempDir,
}

impl Place {
    fn engine(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite | Self::Postgres | Self::Mariadb => ("django.contrib.sessions.backends.db", "db"),
            Self::File => ("django.contrib.sessions.backends.file", "file"),
            Self::SignedCookies => ("django.contrib.sessions.backends.signed_cookies", "signed_cookies"),
            Self::CachedDb => ("django.contrib.sessions.backends.cached_db", "cached_db"),
            _ => ("django.contrib.sessions.backends.cache", "cache"),
        }
    }

    /// A place of its own, with no tables yet.
    ///
    /// # Panics
    ///
    /// If there is no such server.
    pub async fn ground(self) -> Ground {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (module, engine) = self.engine();
        let (database, url) = database(self, folder.path()).await;
        let mut settings = vec![
            ("SESSION_FORMAT", "django".to_owned()),
            ("SESSION_ENGINE", engine.to_owned()),
            ("SECRET_KEY", SECRET.to_owned()),
            ("SESSION_DB_URL", url),
            ("SESSION_FILE_PATH", folder.path().display().to_string()),
        ];
        let mut site = json!({
            "secret_key": SECRET, "engine": module, "database": database, "file_path": folder.path(),
        });
        if engine.starts_with("cache") {
            let (url, prefix) = (variable("REDIS_URL"), unique());
            let (cache, more) = self.cache(&url, &prefix);
            site["cache"] = cache;
            settings.extend([("SESSION_CACHE_URL", url), ("DJANGO_CACHE_KEY_PREFIX", prefix)]);
            settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        }
        Ground { settings, site, folder }
    }

    /// Whether a session is somewhere where it can be ended.
    pub fn is_kept(self) -> bool {
        self != Self::SignedCookies
    }

    /// Whether what is stored is signed.
    pub fn is_signed(self) -> bool {
        self.engine().1 != "cache"
    }

    /// How a Django cache over this Redis is set up, and what this library must know of it.
    fn cache(self, url: &str, prefix: &str) -> (Value, &'static [(&'static str, &'static str)]) {
        let django_redis = |options: Value| json!({ "BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "KEY_PREFIX": prefix, "OPTIONS": options });
        match self {
            Self::DjangoRedis => (django_redis(json!({})), &[("DJANGO_CACHE_SERIALIZER", "pickle4")]),
            Self::DjangoRedisZlib => (
                django_redis(json!({ "COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor" })),
                &[("DJANGO_CACHE_SERIALIZER", "pickle4"), ("DJANGO_CACHE_ZLIB", "true")],
            ),
            Self::DjangoRedisJson => (
                django_redis(json!({ "SERIALIZER": "django_redis.serializers.json.JSONSerializer" })),
                &[("DJANGO_CACHE_SERIALIZER", "json")],
            ),
            _ => (
                json!({ "BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "KEY_PREFIX": prefix }),
                &[],
            ),
        }
    }
}

/// What the environment has under this name.
///
/// # Panics
///
/// If it is nothing.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: `cargo xtask servers` prints it"))
}

fn unique() -> String {
    SessionKey::generate(Addressing::Hashed).expect("there is chance").expose().to_owned()
}

/// Django's setting for a database of the site's own, and its URL.
async fn database(place: Place, folder: &Path) -> (Value, String) {
    let (variable_name, engine) = match place {
        Place::Postgres => ("POSTGRES_URL", "postgresql"),
        Place::Mariadb => ("MARIADB_URL", "mysql"),
        _ => {
            let file = folder.join("site.sqlite3");
            let url = format!("sqlite:{}", file.display());
            return (json!({ "ENGINE": "django.db.backends.sqlite3", "NAME": file }), url);
        }
    };
    let server = variable(variable_name);
    let name = format!("site_{}", unique());
    created(&server, &name).await;
    let mut url = Url::parse(&server).expect("it is a URL");
    url.set_path(&name);
    let setting = json!({
        "ENGINE": format!("django.db.backends.{engine}"), "NAME": name, "HOST": url.host_str(), "PORT": url.port(),
        "USER": url.username(), "PASSWORD": url.password(),
    });
    (setting, url.to_string())
}

async fn created(server: &str, name: &str) {
    use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
    let statement = sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")));
    if server.starts_with("postgres") {
        let options: sqlx::postgres::PgConnectOptions = server.parse().expect("it is a URL");
        let mut connection = options.connect().await.expect("the server answers");
        connection.execute(statement).await.expect("the database is made");
        connection.close().await.expect("it is closed");
    } else {
        let options: sqlx::mysql::MySqlConnectOptions = server.parse().expect("it is a URL");
        let mut connection = options.connect().await.expect("the server answers");
        connection.execute(statement).await.expect("the database is made");
        connection.close().await.expect("it is closed");
    }
}
