//! `copy`

use cloakroom::core::Read;
use cloakroom::{Format, SessionId, Sessions, Settings, copy};

use crate::output::Form;
use crate::run::Run;
use crate::trouble::Trouble;
use crate::{args, place};

pub(crate) async fn run(run: &mut Run, asked: &args::Copy) -> Result<(), Trouble> {
    let format = asked.from_format.unwrap_or(run.settings.format);
    let from = place::settings("--from", &asked.from, format, &run.settings)?;
    let to = place::settings("--to", &asked.to, Format::Native, &run.settings)?;
    if place::is_same(&from, &to) {
        return Err(Trouble::Usage("--from and --to are the same: name where the sessions shall be".into()));
    }
    let from = open(run, "--from", &from).await?;
    let to = open(run, "--to", &to).await?;
    run.progress.begin_counting("copied");
    let progress = &mut run.progress;
    let done = copy(&from, &to, |copied| progress.reach(copied)).await?;
    run.progress.finish();
    let copied = match done.copied {
        1 => "One session was copied.".to_owned(),
        copied => format!("{copied} sessions were copied."),
    };
    let sentence = match done.skipped {
        0 => copied,
        skipped => format!("{copied} {skipped} were left as they were."),
    };
    match run.out.form {
        Form::Json => {
            run.out.json(&serde_json::json!({ "copied": done.copied, "skipped": done.skipped }))?;
            run.out.flush()
        }
        Form::Lines if done.skipped > 0 => {
            run.out.record(&["copied", &done.copied.to_string()])?;
            run.out.count("skipped", done.skipped, &sentence)
        }
        _ => run.out.count("copied", done.copied, &sentence),
    }
}

/// Opens one side, and loads a session that nobody has: a store without its table says so here, where the side is known.
async fn open(run: &mut Run, side: &str, settings: &Settings) -> Result<Sessions, Trouble> {
    let sessions = run.open(settings).await.map_err(|trouble| trouble.of(side))?;
    if let Some(nobodys) = SessionId::parse("nobody") {
        let asked = sessions.backend().load(&nobodys, Read::Any).await;
        asked.map_err(|error| Trouble::from(error).of(side))?;
    }
    Ok(sessions)
}
