//! One command at work: its settings, its output, what it has opened, and how far it is.

use std::time::Duration;

use cloakroom::{Engine, Sessions, Settings};

use crate::output::{Output, Progress};
use crate::stop::{self, Signal};
use crate::trouble::Trouble;

/// How long an engine may take to finish what it has accepted, once a signal has come.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub(crate) struct Run {
    pub(crate) settings: Settings,
    pub(crate) out: Output,
    pub(crate) progress: Progress,
    opened: Vec<Sessions>,
}

impl Run {
    /// Does `work` until it is done or a signal comes, and closes what was opened, either way.
    ///
    /// # Errors
    ///
    /// The work's; `Stopped` if a signal came.
    pub(crate) fn until_stopped(
        settings: Settings,
        out: Output,
        work: impl AsyncFnOnce(&mut Self) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let refused = |error| Trouble::Failed(format!("the operating system gives no runtime: {error}"));
        let runtime = tokio::runtime::Runtime::new().map_err(refused)?;
        let ended = runtime.block_on(async {
            let signal = stop::listen().map_err(refused)?;
            let mut run = Self { settings, out, progress: Progress::default(), opened: Vec::new() };
            let done = tokio::select! {
                signal = signal => Err(run.stopped(signal)),
                done = work(&mut run) => done,
            };
            run.progress.finish();
            let closed = run.close().await;
            done.and(closed)
        });
        // What is stuck in a call of the operating system's would hold us up.
        runtime.shutdown_background();
        ended
    }

    /// The sessions of these settings, open until the command ends.
    ///
    /// # Errors
    ///
    /// As [`Settings::sessions`].
    pub(crate) async fn open(&mut self, settings: &Settings) -> Result<Sessions, Trouble> {
        let sessions = settings.sessions().await?;
        self.opened.push(sessions.clone());
        Ok(sessions)
    }

    /// The sessions of the application's settings.
    ///
    /// # Errors
    ///
    /// As [`Settings::sessions`]; `Usage` where every process has sessions of its own.
    pub(crate) async fn sessions(&mut self) -> Result<Sessions, Trouble> {
        let why = match self.settings.engine {
            Engine::Cache if self.settings.cache_url.starts_with("memory:") => {
                "SESSION_CACHE_URL: memory: is each process's own, and this one has no sessions"
            }
            Engine::SignedCookies => {
                "SESSION_ENGINE: with signed_cookies visitors bear their sessions, and nothing is kept"
            }
            _ => return self.open(&self.settings.clone()).await,
        };
        Err(Trouble::Usage(why.into()))
    }

    async fn close(&mut self) -> Result<(), Trouble> {
        let mut closed = Ok(());
        for sessions in self.opened.drain(..) {
            // Whatever happens to one, the others are closed.
            let one = tokio::time::timeout(LAST_WORDS, sessions.backend().close()).await;
            closed = closed.and(one.unwrap_or(Ok(())).map_err(Trouble::from));
        }
        closed
    }

    fn stopped(&self, signal: Signal) -> Trouble {
        let Signal { number, name } = signal;
        Trouble::Stopped(number, format!("{name}; {}", self.progress.so_far()))
    }
}
