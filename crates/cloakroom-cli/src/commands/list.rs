//! `list`: as it comes, page by page.

use cloakroom::core::Cursor;
use cloakroom::{SessionInfo, Sessions};
use serde::Serialize;

use crate::ids::Ids;
use crate::moment;
use crate::output::{Form, Output, fit, plain, to_json};
use crate::run::Run;
use crate::trouble::Trouble;

/// The columns of an id and of a moment.
const ID: usize = 25;
const MOMENT: usize = 16;
/// With less room than this for a user's name a session takes several lines.
const NARROWEST: usize = ID + 2 * (MOMENT + 2) + 10;

/// A session as programs see it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) user: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) expires_at: String,
}

impl Entry {
    pub(crate) fn of(info: &SessionInfo, sessions: &Sessions) -> Self {
        Self {
            id: Ids::of(sessions).shown(&info.id),
            user: info.user.clone(),
            created_at: info.created_at.map(moment::rfc3339),
            expires_at: moment::rfc3339(info.expires_at),
        }
    }
}

pub(crate) async fn run(run: &mut Run, user: Option<&str>) -> Result<(), Trouble> {
    let sessions = run.sessions().await?;
    let mut listed = 0_u64;
    begin(&mut run.out)?;
    match user {
        Some(user) if sessions.backend().index().is_some() => {
            for info in sessions.of_user(user).await? {
                write(&mut run.out, &info, &sessions, listed)?;
                listed += 1;
            }
        }
        _ => {
            let mut from: Option<Cursor> = None;
            loop {
                let page = sessions.list(from.as_ref()).await?;
                for info in page.sessions {
                    if user.is_none() || info.user.as_deref() == user {
                        write(&mut run.out, &info, &sessions, listed)?;
                        listed += 1;
                    }
                }
                run.out.flush()?;
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
    }
    end(&mut run.out, listed)
}

fn begin(out: &mut Output) -> Result<(), Trouble> {
    // An array that is never closed tells that the listing was cut short.
    if out.form == Form::Json { out.text(b"[") } else { Ok(()) }
}

fn write(out: &mut Output, info: &SessionInfo, sessions: &Sessions, before: u64) -> Result<(), Trouble> {
    let entry = Entry::of(info, sessions);
    match out.form {
        Form::Json => {
            out.text(if before == 0 { b"\n" } else { b",\n" })?;
            out.text(to_json(&entry)?.as_bytes())
        }
        Form::Lines => {
            let [user, created] =
                [&entry.user, &entry.created_at].map(|field| field.as_deref().unwrap_or(""));
            out.record(&[&entry.id, user, created, &entry.expires_at])
        }
        Form::Screen(width) => {
            let created = info.created_at.map_or("-".into(), moment::short);
            let expires = moment::short(info.expires_at);
            let user = entry.user.as_deref().map_or("-".into(), plain);
            if width >= NARROWEST {
                let row = |id: &str, created: &str, expires: &str, user: &str| {
                    let fixed = format!("{id:ID$}  {created:MOMENT$}  {expires:MOMENT$}  ");
                    let user = fit(user, width.saturating_sub(ID + 2 * MOMENT + 6)).into_owned();
                    fixed + &user
                };
                if before == 0 {
                    out.line(&row("ID", "CREATED (UTC)", "EXPIRES (UTC)", "USER"))?;
                }
                out.line(&row(&entry.id, &created, &expires, &user))
            } else {
                out.line(&entry.id)?;
                for (name, value) in [("user", &*user), ("created", &created), ("expires", &expires)] {
                    out.line(&fit(&format!("  {name:7}  {value}"), width))?;
                }
                Ok(())
            }
        }
    }
}

fn end(out: &mut Output, listed: u64) -> Result<(), Trouble> {
    match out.form {
        Form::Json if listed == 0 => out.text(b"]\n")?,
        Form::Json => out.text(b"\n]\n")?,
        Form::Screen(_) if listed == 0 => out.line("No living session.")?,
        _ => {}
    }
    out.flush()
}
