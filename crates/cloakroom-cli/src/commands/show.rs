//! `show`

use std::collections::BTreeMap;

use cloakroom::SessionId;
use serde::Serialize;
use serde_json::value::RawValue;

use super::list::Entry;
use crate::ids::Ids;
use crate::moment;
use crate::output::{Form, fit, plain, plain_json};
use crate::run::Run;
use crate::trouble::Trouble;

/// A session as programs see it, with what it holds.
#[derive(Debug, Serialize)]
struct Shown<'s> {
    #[serde(flatten)]
    entry: Entry,
    data: BTreeMap<&'s str, &'s RawValue>,
}

pub(crate) async fn run(run: &mut Run, id: &SessionId) -> Result<(), Trouble> {
    let sessions = run.sessions().await?;
    let found = match Ids::of(&sessions).find(&sessions, id).await? {
        Some(id) => sessions.look_up(&id).await?,
        None => None,
    };
    let Some(found) = found else {
        return Err(Trouble::Failed("no living session has this id: `cloakroom list` shows them".into()));
    };
    let entry = Entry::of(&found.info, &sessions);
    let out = &mut run.out;
    match out.form {
        Form::Json => {
            let data = found.entries.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
            out.json(&Shown { entry, data })?;
        }
        Form::Lines => {
            out.record(&["id", &entry.id])?;
            out.record(&["user", entry.user.as_deref().unwrap_or("")])?;
            out.record(&["created_at", entry.created_at.as_deref().unwrap_or("")])?;
            out.record(&["expires_at", &entry.expires_at])?;
            for (name, value) in &found.entries {
                out.record(&["data", name, &plain_json(value.get())])?;
            }
        }
        Form::Screen(width) => {
            let info = &found.info;
            let told = [
                ("id", Some(entry.id)),
                ("user", entry.user),
                ("created", info.created_at.map(moment::long)),
                ("last seen", info.created_at.map(|_| moment::long(info.last_seen))),
                ("expires", Some(moment::long(info.expires_at))),
                ("browser", info.user_agent.clone()),
                ("address", info.address.clone()),
            ];
            for (name, value) in told.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                out.line(&fit(&format!("{name:9}  {}", plain(&value)), width))?;
            }
            let mut is_cut = false;
            for (nth, (name, value)) in found.entries.iter().enumerate() {
                if nth == 0 {
                    out.line("")?;
                }
                let line = format!("{}: {}", plain(name), plain_json(value.get()));
                let fitting = fit(&line, width);
                is_cut |= fitting != line;
                out.line(&fitting)?;
            }
            if is_cut {
                out.line("\nCut to this width; --json shows all.")?;
            }
        }
    }
    out.flush()
}
