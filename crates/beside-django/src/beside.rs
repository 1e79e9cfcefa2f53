//! A Django site beside this library.

use std::path::{Path, PathBuf};

use cloakroom::Settings;
use cloakroom::core::{Session, Sessions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Judge;
use crate::place::{Ground, Place, variable};

/// What the site's key once was.
const OLDER: &str = "an-older-secret-key-of-the-site-that-both-sides-know-9876";

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

impl Beside {
    /// A site of its own, with the Django that this Python has, its tables made.
    ///
    /// # Panics
    ///
    /// If there is no such server.
    pub async fn open(variable_of_python: &str, place: Place) -> Self {
        let python = PathBuf::from(variable(variable_of_python));
        let Ground { settings: told, site, folder } = place.ground().await;
        let mut settings = Settings::default();
        for (name, value) in told {
            settings.set(name, &value).expect("it is allowed");
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
