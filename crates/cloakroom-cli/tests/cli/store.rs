//! A place where sessions are, its settings, and visitors who leave some there.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cloakroom::core::{Read, Record, SessionKey};
use cloakroom::{Format, SessionId, Sessions, Settings, Timestamp};
use tempfile::TempDir;

use crate::{Outcome, Program};

const SECRET: &str = "a secret key of the tests that is long enough for any engine";

/// A place of the test's own.
pub(crate) struct Store {
    pub(crate) folder: TempDir,
    settings: Vec<(String, String)>,
    /// Servers that go with it.
    servers: Vec<cloakroom_servers::Redis>,
}

/// Somebody with a session.
pub(crate) struct Visitor {
    pub(crate) key: SessionKey,
    /// What the program calls the session.
    pub(crate) id: String,
}

impl Store {
    /// SQLite, unless the settings say otherwise. `FOLDER` in a value is the store's own folder.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let all = [
            ("SESSION_DB_URL", "sqlite:FOLDER/sessions.sqlite3"),
            ("SESSION_FILE_PATH", "FOLDER/sessions"),
            ("SECRET_KEY", SECRET),
        ];
        let here = folder.path().to_str().expect("a path in UTF-8");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), value.replace("FOLDER", here));
        let settings: Vec<_> = all.iter().chain(settings).map(owned).collect();
        let store = Self { settings, servers: Vec::new(), folder };
        let settings = store.settings();
        if settings.format == Format::Django {
            // A site's folder is there, or it is a wrong one.
            std::fs::create_dir(&settings.file_path).expect("a folder");
            std::fs::set_permissions(&settings.file_path, Permissions::from_mode(0o700)).expect("its mode");
        }
        store
    }

    pub(crate) fn sqlite() -> Self {
        Self::with(&[])
    }

    /// A server ends with the store.
    pub(crate) fn keep(&mut self, server: cloakroom_servers::Redis) {
        self.servers.push(server);
    }

    /// Ready for visitors.
    pub(crate) async fn migrated(self) -> Self {
        self.migrate().await;
        self
    }

    pub(crate) async fn migrate(&self) {
        self.settings().migrate().await.expect("the tables are made");
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in &self.settings {
            settings.set(name, value).expect("it is allowed");
        }
        settings
    }

    pub(crate) fn program(&self) -> Program {
        self.program_with(&[])
    }

    pub(crate) fn program_with(&self, settings: &[(&str, &str)]) -> Program {
        let own = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Program::with(&own.chain(settings.iter().copied()).collect::<Vec<_>>())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.program().run(arguments)
    }

    /// One of its settings, as the program is told it.
    pub(crate) fn setting(&self, name: &str) -> &str {
        let set = self.settings.iter().rev().find(|(known, _)| known == name);
        set.map(|(_, value)| value.as_str()).expect("it is set")
    }

    pub(crate) async fn sessions(&self) -> Sessions {
        self.settings().sessions().await.expect("the store opens")
    }

    /// Somebody comes, logs in perhaps, and leaves values of JSON.
    pub(crate) async fn visit(&self, user: Option<&str>, entries: &[(&str, serde_json::Value)]) -> Visitor {
        let sessions = self.sessions().await;
        let session = sessions.load(None).await.expect("a session");
        if let Some(user) = user {
            session.login(user).expect("a login");
        }
        for (name, value) in entries {
            session.insert(name, value).expect("it is JSON");
        }
        session.save().await.expect("it is stored");
        let key = session.key().expect("it has a key");
        sessions.backend().close().await.expect("all is stored");
        Visitor { id: shown(&key), key }
    }

    /// Somebody who came so long ago that their session is over.
    pub(crate) async fn expired(&self) {
        let visitor = self.visit(None, &[("old", true.into())]).await;
        let (settings, sessions) = (self.settings(), self.sessions().await);
        if settings.format == Format::Django && settings.engine == cloakroom::Engine::File {
            let name = format!("sessionid{}", visitor.key.expose());
            let month = Duration::from_hours(30 * 24);
            let file = File::options().write(true).open(settings.file_path.join(name)).expect("its file");
            #[expect(clippy::disallowed_methods, reason = "a file's time is the system's")]
            file.set_modified(SystemTime::now() - month).expect("its time");
            return;
        }
        let id = visitor.key.id();
        let backend = sessions.backend();
        let stored = backend.load(&id, Read::Latest).await.expect("an answer").expect("it is stored");
        backend.delete(&id, None).await.expect("it is deleted");
        let Record { payload, owner, stamp, .. } = stored.record;
        let long_ago = Timestamp::from_millis(1_000_000_000_000);
        backend.create(&id, &Record::new(payload, long_ago, owner, stamp)).await.expect("it is stored");
        backend.close().await.expect("all is stored");
    }

    /// Whether somebody is still who they were.
    pub(crate) async fn user_of(&self, visitor: &Visitor) -> Option<String> {
        let sessions = self.sessions().await;
        let key = sessions.parse_key(visitor.key.expose());
        let session = sessions.load(key).await.expect("an answer");
        sessions.backend().close().await.expect("it is closed");
        session.user()
    }
}

/// What a session is called: the same in either format.
fn shown(key: &SessionKey) -> String {
    let hashed = SessionKey::parse(key.expose(), cloakroom::core::Addressing::Hashed);
    let id: SessionId = hashed.expect("a key as it is generated").id();
    id.expose().to_owned()
}

/// What `visitors` are called is their names, moments are `WHEN`, and lines are in order, but for the first: what is left is the same each time.
pub(crate) fn masked(text: &str, visitors: &[(&Visitor, &str)]) -> String {
    let named =
        visitors.iter().fold(text.to_owned(), |text, (visitor, name)| text.replace(&visitor.id, name));
    let is_moment = |text: &[u8]| {
        let form = b"dddd-dd-ddTdd:dd";
        text.len() >= form.len()
            && text
                .iter()
                .zip(form)
                .all(|(is, form)| if *form == b'd' { is.is_ascii_digit() } else { is == form })
    };
    let mut shown = String::new();
    let mut rest = named.as_str();
    while let Some(letter) = rest.chars().next() {
        if is_moment(rest.as_bytes()) {
            shown.push_str("WHEN");
            let end = rest.find('Z').expect("RFC 3339 in UTC");
            rest = &rest[end + 1..];
        } else {
            shown.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    shown
}

/// Its lines in order.
pub(crate) fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Whether a file is there.
pub(crate) fn is_there(path: &Path) -> bool {
    path.try_exists().expect("an answer")
}
