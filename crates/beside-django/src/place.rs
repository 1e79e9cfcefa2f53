//! Where a Django site keeps its sessions, and the same place by this library's settings.

use std::path::{Path, PathBuf};

use cloakroom::Settings;
use cloakroom::core::{Addressing, Session, SessionKey, Sessions};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::Judge;

/// The site's key, and an older one.
const SECRET: &str = "a-secret-key-of-the-site-that-both-sides-know-0123456789";
const OLDER: &str = "an-older-secret-key-of-the-site-that-both-sides-know-9876";

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

/// A Django site and this library's sessions in one place.
#[derive(Debug)]
pub struct Beside {
    /// Where.
    pub place: Place,
    /// Django.
    pub judge: Judge,
    /// This library.
    pub sessions: Sessions,
    folder: TempDir,
    python: PathBuf,
    site: Value,
    settings: Settings,
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

impl Beside {
    /// A site of its own, with the Django that this Python has, its tables made.
    ///
    /// # Panics
    ///
    /// If there is no such server.
    pub async fn open(python: &str, place: Place) -> Self {
        let python = PathBuf::from(variable(python));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut settings = Settings::default();
        let mut set = |name: &str, value: &str| settings.set(name, value).expect("it is allowed");
        let (module, engine) = place.engine();
        set("SESSION_FORMAT", "django");
        set("SESSION_ENGINE", engine);
        set("SECRET_KEY", SECRET);
        let (database, url) = database(place, folder.path()).await;
        set("SESSION_DB_URL", &url);
        set("SESSION_FILE_PATH", &folder.path().display().to_string());
        let mut site = json!({
            "secret_key": SECRET, "engine": module, "database": database, "file_path": folder.path(),
        });
        if engine.starts_with("cache") {
            let prefix = unique();
            let url = variable("REDIS_URL");
            set("SESSION_CACHE_URL", &url);
            set("DJANGO_CACHE_KEY_PREFIX", &prefix);
            let (cache, more) = place.cache(&url, &prefix);
            more.iter().for_each(|(name, value)| set(name, value));
            site["cache"] = cache;
        }
        let judge = Judge::start(&python, &site).await;
        judge.ask(json!({ "do": "migrate" })).await;
        let sessions = settings.sessions().await.expect("the engine opens");
        Self { place, judge, sessions, folder, python, site, settings }
    }

    /// Django of the same site, whose key was another once, or is again.
    pub async fn with_older_key(&self) -> Judge {
        let mut site = self.site.clone();
        site["secret_key"] = OLDER.into();
        Judge::start(&self.python, &site).await
    }

    /// This library, which knows the older key as well.
    ///
    /// # Panics
    ///
    /// If the engine does not open.
    pub async fn knowing_the_older_key(&self) -> Sessions {
        let mut settings = self.settings.clone();
        settings.set("SECRET_KEY_FALLBACKS", OLDER).expect("it is allowed");
        settings.sessions().await.expect("the engine opens")
    }

    /// A second Django of the site, in a process of its own.
    pub async fn another(&self) -> Judge {
        Judge::start(&self.python, &self.site).await
    }

    /// The session that a browser with this cookie has here.
    ///
    /// # Panics
    ///
    /// If the store does not answer.
    pub async fn session(&self, cookie: &str) -> Session {
        self.sessions.load(self.sessions.parse_key(cookie)).await.expect("the store answers")
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn variable(name: &str) -> String {
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
