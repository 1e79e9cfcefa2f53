//! `clear-expired`

use cloakroom::Engine;
use cloakroom::core::{Clock as _, SystemClock};

use crate::run::Run;
use crate::trouble::Trouble;

pub(crate) async fn run(run: &mut Run) -> Result<(), Trouble> {
    let mut cleared = 0;
    if keeps_any(run) {
        let sessions = run.sessions().await?;
        run.progress.begin_counting("cleared");
        let progress = &mut run.progress;
        let reach = |count| progress.reach(count);
        cleared = sessions.clear_expired_telling(SystemClock.now(), reach).await?;
        run.progress.finish();
    }
    let sentence = match cleared {
        0 => "No session had expired.".to_owned(),
        1 => "One expired session was cleared.".to_owned(),
        _ => format!("{cleared} expired sessions were cleared."),
    };
    run.out.count("cleared", cleared, &sentence)
}

/// A timer that sweeps need not know the engine: where nothing is kept, nothing has expired.
fn keeps_any(run: &Run) -> bool {
    match run.settings.engine {
        Engine::Cache => !run.settings.cache_url.starts_with("memory:"),
        engine => engine != Engine::SignedCookies,
    }
}
