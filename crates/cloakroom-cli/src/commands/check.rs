//! `check`

use cloakroom::{Engine, Severity, Weakness};
use serde::Serialize;

use crate::output::{Colour, Form, Output, plain, wrap};
use crate::run::Run;
use crate::trouble::Trouble;

/// Before the sentences about a setting.
const INDENT: usize = 6;

/// What programs see.
#[derive(Debug, Serialize)]
struct Report<'f> {
    weaknesses: Vec<Entry<'f>>,
}

#[derive(Debug, Serialize)]
struct Entry<'f> {
    severity: String,
    setting: &'f str,
    problem: &'f str,
    remedy: &'f str,
}

impl<'f> Entry<'f> {
    fn of(weakness: &'f Weakness) -> Self {
        let Weakness { severity, setting, problem, remedy, .. } = weakness;
        Self { severity: severity.to_string(), setting, problem, remedy }
    }
}

pub(crate) async fn run(run: &mut Run) -> Result<(), Trouble> {
    run.settings.cookie_policy()?;
    let mut found = run.settings.weaknesses();
    // What the server says is worth asking for, and what is known is worth telling without it.
    let asked = evicts(run).await;
    if matches!(asked, Ok(true)) {
        found.insert(
            0,
            Weakness::weak(
                "SESSION_CACHE_URL",
                "the server drops living sessions, and what it knows of users' sessions, when its memory is full, \
                 or does not say whether it does: visitors are logged out, and revoking may miss some",
                "set its maxmemory-policy to noeviction, and have sessions on a server of their own",
            ),
        );
    }
    write(&mut run.out, &found)?;
    run.out.flush()?;
    asked?;
    let weak = found.iter().any(|weakness| weakness.severity == Severity::Weak);
    if weak { Err(Trouble::Told) } else { Ok(()) }
}

/// Whether Redis, where sessions are kept there, drops them when it is full.
async fn evicts(run: &mut Run) -> Result<bool, Trouble> {
    if run.settings.engine != Engine::Cache || !run.settings.cache_url.starts_with("redis") {
        return Ok(false);
    }
    let sessions = run.sessions().await?;
    Ok(sessions.backend().capabilities().may_evict)
}

fn write(out: &mut Output, found: &[Weakness]) -> Result<(), Trouble> {
    match out.form {
        Form::Json => {
            let weaknesses = found.iter().map(Entry::of).collect();
            out.json(&Report { weaknesses })
        }
        Form::Lines => found.iter().try_for_each(|weakness| {
            let Weakness { severity, setting, problem, remedy, .. } = weakness;
            out.record(&[&severity.to_string(), setting, problem, remedy])
        }),
        Form::Screen(_) if found.is_empty() => out.line("Nothing here weakens security."),
        Form::Screen(width) => found.iter().try_for_each(|weakness| on_screen(out, weakness, width)),
    }
}

fn on_screen(out: &mut Output, weakness: &Weakness, width: usize) -> Result<(), Trouble> {
    let Weakness { severity, setting, problem, remedy, .. } = weakness;
    let colour = if *severity == Severity::Weak { Colour::Red } else { Colour::Yellow };
    out.line(&format!("{}  {setting}", colour.on_standard_output(&severity.to_string())))?;
    let lines = |text: &str| wrap(&plain(text), width.saturating_sub(INDENT));
    for line in lines(&format!("{problem};")).into_iter().chain(lines(&format!("{remedy}."))) {
        out.line(&format!("{:INDENT$}{line}", ""))?;
    }
    Ok(())
}
